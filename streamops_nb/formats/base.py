"""The port of a format.

A format turns a raw table (a binary column ``_raw``, or columns that have not yet the declared
types) into typed rows. A record that does not decode never raises and never vanishes: it comes
out in `Decoded.rejects` with a reason a user can act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from streamops_nb.model.batch import Decoded

if TYPE_CHECKING:
    import pyarrow as pa

    from streamops_nb.db import Session

__all__ = ["Format", "FormatType", "Settings"]


class Settings(BaseModel):
    """What a user may write below ``format:`` besides ``type``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Format(Protocol):
    """A format for one stream's schema."""

    def decode(self, raw: pa.Table, session: Session) -> Decoded:
        """Decode what a source read; row numbers are those of `raw`."""
        ...

    def infer(self, raw: pa.Table, session: Session) -> dict[str, str]:
        """Guess field names and DuckDB types from a sample of raw records."""
        ...


class FormatType(Protocol):
    """What a plug-in of the group ``streamops_nb.formats`` names."""

    Settings: ClassVar[type[Settings]]

    def __call__(self, settings: Any, schema: dict[str, str]) -> Format:
        """Make the format for a schema of field name to DuckDB type (empty when inferring)."""
        ...
