"""What changed between two specifications: as text, side by side, and setting by setting."""

from __future__ import annotations

import difflib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamops_nb.model.spec import JobSpec
from streamops_nb.plan import specfile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Difference"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two versions of a job, side by side.

    Parameters
    ----------
    before, after
        The versions' numbers.
    old, new
        Their specifications.
    """

    job: str
    before: int
    after: int
    old: JobSpec
    new: JobSpec

    @property
    def settings(self) -> list[tuple[str, Any, Any]]:
        """Per setting that changed, its path, and its value before and after (None: not there)."""
        old, new = (dict(_leaves(spec.model_dump(mode="json"))) for spec in (self.old, self.new))
        paths = [*old, *(path for path in new if path not in old)]
        return [(p, old.get(p), new.get(p)) for p in paths if old.get(p) != new.get(p)]

    @property
    def df(self) -> pd.DataFrame:
        """The settings that changed as a table."""
        import pandas as pd

        return pd.DataFrame(self.settings, columns=["setting", "before", "after"], dtype=object)

    def __bool__(self) -> bool:
        return self.old != self.new

    def __str__(self) -> str:
        old, new = self._lines()
        names = (f"{self.job} version {self.before}", f"{self.job} version {self.after}")
        return "\n".join(difflib.unified_diff(old, new, *names, lineterm="", n=2))

    __repr__ = __str__

    def _lines(self) -> tuple[list[str], list[str]]:
        return specfile.dump(self.old).splitlines(), specfile.dump(self.new).splitlines()

    def side_by_side(self) -> Iterator[tuple[str, str, str]]:
        """Give line by line what stood left and what stands right, and which of ``=<>~`` it is."""
        old, new = self._lines()
        for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
            height = max(b - a, d - c)
            left = old[a:b] + [""] * (height - (b - a))
            right = new[c:d] + [""] * (height - (d - c))
            mark = {"equal": "=", "delete": "<", "insert": ">", "replace": "~"}[kind]
            yield from ((mark, *pair) for pair in zip(left, right, strict=True))

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr style="background:{_COLOURS[mark]}">'
            f"<td><pre>{html.escape(left)}</pre></td><td><pre>{html.escape(right)}</pre></td></tr>"
            for mark, left, right in self.side_by_side()
        )
        head = f"<th>version {self.before}</th><th>version {self.after}</th>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


_COLOURS = {"=": "transparent", "<": "#f8d7da80", ">": "#d1e7dd80", "~": "#fff3cd80"}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
