"""A preview as it is asked for at a screen: which rows, which values, which query; what came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import param

from streamops_nb.model.spec import JobSpec

__all__ = ["WAYS", "Trying"]

WAYS: Mapping[str, str] = {
    "latest rows": "latest",
    "latest minutes": "last",
    "next rows, live": "live",
    "between two points": "between",
    "what one batch read": "batch",
    "rejects that are kept": "rejects",
    "made-up rows": "seed",
    "the same rows again": "same",
    "an uploaded file": "data",
    "a sample that is kept": "kept",
}
"""Where the rows of a sample come from, in words."""


class Trying(param.Parameterized):
    """The form of a preview, and its result.

    Parameters
    ----------
    spec
        The specification that is tried.
    """

    way: Any = param.Selector(default="latest", objects=list(WAYS.values()))
    rows = param.Integer(1_000, bounds=(1, 1_000_000))
    seconds = param.Number(10.0, bounds=(0.1, 600.0))
    minutes = param.Number(10.0, bounds=(0.01, None))
    since = param.String("")
    until = param.String("")
    batch = param.Integer(1, bounds=(1, None))
    upto = param.String("", doc="The last stage of interest; empty: all.")
    strata = param.String("", doc="A column of which as many values as possible are to be there.")
    kept = param.String("", doc="The name of a sample that the workspace keeps.")
    query = param.String("")
    values = param.Dict(default={}, doc="Values of parameters that differ from their defaults.")
    running = param.Boolean(False)
    result = param.Parameter(None, doc="The preview that is shown.")
    before = param.Parameter(None, doc="The preview before, to compare with.")

    def __init__(self, spec: JobSpec, **values: Any) -> None:
        super().__init__(query=spec.query, **values)
        self.spec = spec
        self.entry: Any = None
        """An entry of the error log whose rows are wanted."""
        self.data: Any = None
        """Rows that somebody gave."""

    def chosen(self) -> dict[str, Any]:
        """Give the rows that are wanted, as `Workspace.preview` takes them."""
        if self.way == "same" and self.result is not None:
            return {"sample": self.result.sample}
        if self.way == "kept":
            return {"sample": self.kept}
        if self.way == "data":
            return {"data": self.data}
        found: dict[str, Any] = {"rows": self.rows}
        given: dict[str, dict[str, Any]] = {
            "latest": {"strata": self.strata} if self.strata else {},
            "last": {"last": f"{self.minutes:g}m"},
            "live": {"live": True},
            "between": {k: v for k in ("since", "until") if (v := getattr(self, k).strip())},
            "batch": {"batch": self.batch},
            "rejects": {"rejects": True},
            "seed": {"seed": 1},
        }
        return {**found, **given.get(self.way, {})}

    def arguments(self) -> dict[str, Any]:
        """Give all arguments for `Workspace.preview`."""
        found = {**self.chosen(), "seconds": self.seconds}
        if self.values:
            found["params"] = dict(self.values)
        if self.upto:
            found["upto"] = self.upto
        return found

    @property
    def changed(self) -> bool:
        """Whether another query than the job's is tried."""
        return self.query.strip() != self.spec.query.strip()

    def tried(self) -> JobSpec | dict[str, Any]:
        """Give the specification that is tried, with the query as it is written here."""
        if not self.changed:
            return self.spec
        return {**self.spec.model_dump(mode="json", exclude_defaults=True), "query": self.query}

    def run(self, door: Any, **more: Any) -> Any:
        """Preview, asking the workspace."""
        what = self.spec.name if not self.changed and self._known(door) else self.tried()
        return door.preview(what, **self.arguments(), **more)

    def _known(self, door: Any) -> bool:
        return self.spec.name in {view.job for view in door.views()}

    @property
    def line(self) -> str:
        """The Python that previews the same."""
        given = dict(self.arguments())
        written = [
            f"{key}={value!r}" for key, value in given.items() if key not in ("sample", "data")
        ]
        kept = repr(self.kept) if self.way == "kept" else "p.sample"
        written += [f"sample={kept}"] if "sample" in given else []
        written += ["data=frame"] if "data" in given else []
        line = f"p = ws.preview({self.spec.name!r}, {', '.join(written)})"
        return f"{line}; p = p.run(query={self.query!r})" if self.changed else line
