"""Healing from afar: what was tried travels; the owner tries it again and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.engine.healing import PLACE
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Refused
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.healing import Heal
from streamops_nb.ops.workspace import Workspace
from streamops_nb.wire.previews import Carried

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Heals", "Tried"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A `Heal` on its way."""

    preview: Carried
    tried: pa.Table

    @classmethod
    def of(cls, heal: Heal) -> Tried:
        """Give a heal for its way."""
        return cls(preview=Carried.of(heal.preview, named=False), tried=heal.tried)

    def heal(self, workspace: Workspace) -> Heal:
        """Give the heal again, for the side that has got it."""
        sample = self.preview.sample
        assert isinstance(sample, Sample)
        preview = self.preview.preview(workspace.previews, sample)
        return Heal(workspace, preview.spec.name, preview, self.tried)


class Heals:
    """Writes what was healed before the eyes of somebody far away."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def apply(
        self,
        name: str,
        spec: JobSpec,
        rejects: pd.DataFrame,
        *,
        params: Mapping[str, Any] | None = None,
        why: str = "",
    ) -> int:
        """Try rejects again under a specification and write their output, all or nothing.

        Parameters
        ----------
        rejects
            Those that were healed, by `PLACE`; their bytes are those that the job keeps.
        """
        heal = self._workspace.heal(name, rejects=rejects, spec=spec, params=params)
        gone = len(rejects.drop_duplicates(list(PLACE))) - heal.tried.num_rows
        if gone:
            raise Refused(
                f"{gone:,} of these rejects were healed before, or are not kept any longer"
                " - heal the rest anew"
            )
        if len(heal.rest):
            raise Refused(f"{len(heal.rest):,} of these rejects fail now - heal them anew")
        return self._workspace.apply_heal(heal, why=why)
