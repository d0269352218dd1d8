"""Tuning a job on one sample: values of its parameters, the result, what differs from the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import StreamopsError
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ui.state.chart import ROWS, chart_of, measures, svg
from streamops_nb.ui.state.controls import Control, controls_of

if TYPE_CHECKING:
    from streamops_nb.ops.preview.diff import Diff

__all__ = ["Tuned", "Tuning"]

_NOTHING = pa.table({})


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What came out for some values.

    Parameters
    ----------
    values
        Of all parameters.
    preview, diff
        The result, and what differs from the start.
    error
        In words, why there is none; the others are those of the run before then.
    """

    preview: Preview
    values: Mapping[str, Any] = field(default_factory=dict)
    diff: Diff | None = None
    error: str = ""

    @property
    def output(self) -> pa.Table:
        """The output, or nothing if the query does not get that far."""
        stage = self.preview.result.stages.get(self.preview.output)
        return _NOTHING if stage is None else stage.table


class Tuning:
    """The state of a screen that tunes; it knows neither toolkit nor thread.

    Parameters
    ----------
    start
        The preview to begin with; all others run on its sample and are compared with it.
    """

    def __init__(self, start: Preview) -> None:
        self.start = start
        self.values = start.spec.param_values(start.params)
        self.controls = controls_of(start.spec.params, self.values)
        self.tuned = Tuned(preview=start, values=dict(self.values))
        # a window has as many rows as there are keys, whatever the parameters are
        self.measure = self.measures[:2][-1]

    def control(self, name: str) -> Control:
        """Give the control of a parameter."""
        return next(control for control in self.controls if control.name == name)

    def change(self, name: str, given: Any) -> dict[str, Any]:
        """Take over what a control holds; give the values to run with.

        Raises
        ------
        Refused
            If the parameter may not have that value; the values stay as they were then.
        """
        self.values[name] = self.control(name).read(given)
        return dict(self.values)

    def run(self, values: Mapping[str, Any], work: Work) -> Tuned:
        """Run with values; an error is told in what is returned.

        Raises
        ------
        Interrupted
            If it was cancelled by `work`.
        """
        before = self.tuned
        try:
            preview = self.start.run(params=values, work=work)
            diff = self.start.diff(preview)
        except StreamopsError as error:
            work.check()
            return Tuned(
                preview=before.preview, values=dict(values), diff=before.diff, error=str(error)
            )
        work.check()
        return Tuned(preview=preview, values=dict(values), diff=diff)

    @property
    def measures(self) -> list[str]:
        """What can be drawn."""
        return measures(self.tuned.output)

    def chart(self) -> str:
        """Draw the output at the start and now, as SVG."""
        before = Tuned(preview=self.start).output
        measure = self.measure if self.measure in self.measures else ROWS
        return svg(chart_of(before, self.tuned.output, measure))
