"""The rejects of jobs: those that are kept, and how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamops_nb.db import ident, literal
from streamops_nb.model.errorlog import entry_of, grouped
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import RejectsFound
from streamops_nb.model.given import whole_number
from streamops_nb.ops.core import Core

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Rejecting"]


class Rejecting:
    """The rejects of a `streamops_nb.ops.workspace.Workspace`."""

    _core: Core

    def rejects(
        self,
        name: str,
        *,
        stage: str | None = None,
        kind: str | None = None,
        text: str = "",
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Give the rejects of a job that are kept, the newest first.

        Of each stage and kind the newest are kept, as many as ``errors.keep`` says; how many there
        were in all says `reject_counts`.

        Parameters
        ----------
        stage, kind
            Only those of this stage, or kind: ``decode``, ``event time``, ``expression``, ``late``.
        text
            Only those with this text in their reason, in any case.
        limit
            At most so many.
        """
        where = [
            f"{ident(column)} = {literal(value)}"
            for column, value in (("stage", stage), ("kind", kind))
            if value is not None
        ]
        where += [f"contains(lower(reason), {literal(text.lower())})"] if text else []
        most = "" if limit is None else f" LIMIT {whole_number(limit, 'limit')}"
        found = self._core.read(
            f"FROM {self.reject_table(name)} WHERE {' AND '.join(where or ['true'])} "
            f"ORDER BY batch DESC, rowid DESC{most}"
        )
        frame: pd.DataFrame = found.to_pandas()
        return frame

    def reject_counts(self, name: str) -> pd.DataFrame:
        """Count the rejects of a job over all its runs, and those that are kept.

        Returns
        -------
        pandas.DataFrame
            Per stage, kind and sort of reason: how many there were, when the first and the last,
            and an example; `kept` counts those of the stage and kind that can still be looked at.
        """
        import pandas as pd

        core = self._core
        core.courier.deliver()
        table = self.reject_table(name)
        kept = core.read(f"SELECT stage, kind, count(*) AS n FROM {table} GROUP BY ALL").to_pylist()
        held = {(row["stage"], row["kind"]): row["n"] for row in kept}
        found = (entry_of(event) for event in core.catalog.all_events(name, [RejectsFound]))
        rows = []
        for group in grouped(entry for entry in found if entry is not None):
            kind = group.kind.removeprefix("reject: ")
            rows.append(
                {
                    "stage": group.stage, "kind": kind, "count": group.count,
                    "kept": held.get((group.stage, kind), 0), "first": group.first_at,
                    "last": group.last_at, "example": group.message,
                }
            )  # fmt: skip
        frame = pd.DataFrame(
            rows, columns=["stage", "kind", "count", "kept", "first", "last", "example"]
        )
        for column in ("first", "last"):
            frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True)
        return frame

    def reject_table(self, name: str) -> str:
        """Name the table of a job's rejects, attached."""
        core = self._core
        if not core.backend.job_path(core.known(name)).exists():
            raise Refused(f"the job `{name}` has no rejects yet - start it first")
        return ident(core.backend.attach_job(name), "rejects")
