"""A preview: a query's result on a sample, stage by stage; nothing is saved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.engine.preview.result import Result
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.errors import Fault, QueryRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.preview.beginning import Beginning
from streamops_nb.ops.preview.examining import Examining
from streamops_nb.ops.preview.frames import Stages, frame
from streamops_nb.ops.preview.page import preview_page
from streamops_nb.ops.preview.receipt import Receipt
from streamops_nb.ops.preview.repeating import preview_code
from streamops_nb.ops.preview.sweep import Sweep, sweep
from streamops_nb.ops.preview.text import preview_summary, preview_text
from streamops_nb.ops.preview.to_test import MOST, write_test
from streamops_nb.ops.screens import screen

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.preview.previews import Previews

__all__ = ["Preview"]


class Preview(Beginning, Examining):
    """The result of a query on a pinned sample; made by `Job.preview`, `Workspace.preview`.

    Attributes
    ----------
    spec, params, upto
        What was run, with which parameters, up to which stage.
    sample
        On which rows.
    result
        What came out, as Arrow tables.
    receipt
        What was read, and that nothing was touched.
    """

    def __init__(
        self,
        previews: Previews,
        spec: JobSpec,
        sample: Sample,
        result: Result,
        receipt: Receipt,
        *,
        params: Mapping[str, Any],
        upto: str | None,
    ) -> None:
        self._previews = previews
        self.spec = spec
        self.sample = sample
        self.result = result
        self.receipt = receipt
        self.params = dict(params)
        self.upto = upto

    @cached_property
    def stages(self) -> Stages:
        """Every stage that could be evaluated, by name, in order."""
        return Stages(self.result, self)

    @property
    def output(self) -> str:
        """The last stage of the preview: the output, or as far as the query gets."""
        return self.result.output or ([*self.result.stages] or [""])[-1]

    @property
    def table(self) -> pa.Table:
        """The output as Arrow."""
        self._check()
        return self.result.stages[self.output].table

    @cached_property
    def df(self) -> pd.DataFrame:
        """The output; see `StageFrames.df` for the column ``_window``.

        Raises
        ------
        QueryRefused
            If nothing of the query could be evaluated.
        """
        return frame(self.table)

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """Rows that could not be decoded or evaluated, with the reasons."""
        return frame(self.result.rejects.drop_columns(["batch", "at"]))

    @cached_property
    def late(self) -> pd.DataFrame:
        """Rows that would have come late if every row were a batch of its own."""
        return frame(self.result.late)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with stages that could not be evaluated."""
        return self.result.faults

    def run(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        query: str | None = None,
        changes: Mapping[str, Any] | None = None,
        upto: str | None = None,
        work: Work | None = None,
    ) -> Preview:
        """Run it again on the same sample, with changes.

        Parameters
        ----------
        params
            Other values of parameters; those not named stay as they are here.
        query
            Another query.
        changes
            Other settings, nested as in a specification:
            ``{"streams": {"readings": {"watermark_delay": "5s"}}}``.
        upto
            Only up to this stage.
        work
            Cancels it from another thread.
        """
        spec = self._previews.changed(self.spec, query=query, changes=changes)
        kept = {name: value for name, value in self.params.items() if name in spec.params}
        values = {**kept, **(params or {})}
        return self._previews.run(
            spec, self.sample, params=values, upto=upto or self.upto, work=work
        )

    def to_test(
        self,
        to: str | Path,
        *,
        ignore: Collection[str] = (),
        overwrite: bool = False,
        most: int = MOST,
    ) -> Path:
        """Write a pytest file that runs this query over this sample and expects this output.

        The sample, the expected rows and copies of the references lie in a folder of the file's
        name. It fails when the query in it is changed so that other rows come out.

        Parameters
        ----------
        to
            Where, such as ``"tests/test_hot.py"``.
        ignore
            Columns of the output that are not compared.
        overwrite
            Whether what is there already is replaced.
        most
            The largest sample that is accepted, in records.

        Raises
        ------
        Refused
            If the sample is empty or too large, the query does not get as far as its output, or
            the file is there already.
        """
        references = self._previews.previewer.references(self.spec)
        return write_test(
            self,
            references,
            Path(to),
            given=self._previews.given(self.spec),
            ignore=ignore,
            overwrite=overwrite,
            most=most,
        )

    def sweep(
        self,
        values: Mapping[str, Sequence[Any]] | None = None,
        *,
        progress: Callable[[int, int], None] | bool | None = None,
        work: Work | None = None,
        **others: Any,
    ) -> Sweep:
        """Run it with every combination of values of parameters, on the same sample.

        ``p.sweep(threshold=[20, 25, 30], size=["10s", "1m"])``

        Parameters
        ----------
        values, others
            Per parameter a list of values; together at most 200 combinations.
        progress
            Called with the numbers of combinations done and planned; True draws a bar.
        work
            Cancels it from another thread: what is done by then is returned.

        Raises
        ------
        Refused
            If a parameter is unknown or a value does not fit, or the combinations are too many.
        """
        return sweep(self, {**(values or {}), **others}, progress=progress, work=work)

    def to_python(self) -> str:
        """Write the Python that makes an equal preview, of the same records."""
        return preview_code(self, self._previews.workspace)

    def show(self) -> Any:
        """Give the screen of it: run it again with changes, compare, start.

        Raises
        ------
        Refused
            If there is no such screen, or its toolkit is not installed.
        """
        return screen("preview", self)

    def _check(self) -> None:
        if not self.output:
            raise QueryRefused(self.faults)

    def __repr__(self) -> str:
        return preview_summary(self)

    def __str__(self) -> str:
        return preview_text(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        del cycle
        printer.text(preview_text(self))

    def _repr_html_(self) -> str:
        return preview_page(self)
