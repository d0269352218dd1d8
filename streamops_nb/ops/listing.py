"""The jobs of a workspace as a table."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.core import Core, Names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Listing"]


class Listing:
    """How a `streamops_nb.ops.workspace.Workspace` lists its jobs."""

    _core: Core

    def table(
        self,
        names: Names = None,
        *,
        tags: str | Collection[str] = (),
        status: Status | str | Collection[Status | str] = (),
        owner: str | None = None,
        search: str = "",
    ) -> pd.DataFrame:
        """List jobs by name, as the catalog knows them; no specification or file is read.

        Parameters
        ----------
        names, tags, status, owner
            Which jobs; see `select`.
        search
            Of these only those with this text in name, owner or a tag, in any case.
        """
        import pandas as pd

        wanted = set(self._core.select(names, status=status))
        text = search.casefold()
        found = [
            record
            for record in self._core.catalog.jobs()
            if record.name in wanted
            and record.carries(tags, owner)
            and (not text or text in " ".join([record.name, record.owner, *record.tags]).casefold())
        ]
        states = [self._core.states.state(record.name) for record in found]
        return pd.DataFrame(
            {
                "job": [r.name for r in found],
                "status": [s.observed.value for s in states],
                "wanted": [s.desired.value for s in states],
                "since": pd.to_datetime(pd.Series([s.since for s in states]), unit="s", utc=True),
                "reason": [s.reason for s in states],
                "version": [r.version for r in found],
                "ran": [r.ran for r in found],
                "run": [r.run for r in found],
                "cu": [r.cu for r in found],
                "owner": [r.owner for r in found],
                "author": [r.author for r in found],
                "tags": [", ".join(r.tags) for r in found],
                "saved_at": pd.to_datetime(
                    pd.Series([r.saved_at for r in found]), unit="s", utc=True
                ),
            }
        )
