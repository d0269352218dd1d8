"""The form of a preview: where rows come from, limits, the last stage, parameters, the query."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from streamops_nb.ui.panel.look import PLAIN_NUMBER, code_input
from streamops_nb.ui.panel.values import Values
from streamops_nb.ui.state.trying import WAYS, Trying

__all__ = ["PreviewForm"]


class PreviewForm:
    """What is asked of a preview.

    Parameters
    ----------
    kept
        The names of the samples that the workspace keeps.

    Attributes
    ----------
    parts, query
        The inputs, and the card in which the query is edited.
    values
        The inputs of the parameters.
    """

    def __init__(self, trying: Trying, kept: list[str]) -> None:
        self._trying = trying
        self.way = pmui.Select(
            label="Rows from", options=dict(WAYS), value="latest", size="small", width=190,
            margin=(4, 4),
        )  # fmt: skip
        self._rows = _number("Rows", trying.rows, 110, whole=True)
        self._seconds = _number("Time limit, s", trying.seconds, 110)
        self._minutes = _number("Minutes", trying.minutes, 110)
        self.batch = _number("Batch", trying.batch, 110, whole=True)
        self._strata = _text("One row of each (fields)", "device", 190)
        self._since = _text("Since", "2024-01-31T08:30:00Z")
        self._until = _text("Until", "2024-01-31T09:00:00Z")
        self._kept = pmui.Select(
            label="Sample", options=kept, size="small", width=170, margin=(4, 4)
        )
        self._file = pmui.FileInput(
            label="CSV, JSONL or Parquet", accept=".csv,.jsonl,.parquet", margin=(4, 4), width=200
        )
        self._upto = pmui.Select(
            label="Up to", options={"all stages": ""}, value="", size="small", width=140,
            margin=(4, 4),
        )  # fmt: skip
        self.values = Values(trying.spec)
        self._text = code_input("Query", trying.spec.query)
        self.query = pmui.Card(
            objects=[self._text], title="Query", title_variant="subtitle2",
            collapsed=True, sizing_mode="stretch_width", margin=(6, 0),
            elevation=0, variant="outlined", sx=_LOW,
        )  # fmt: skip
        self.parts = [
            self.way, self._minutes, self.batch, self._since, self._until, self._kept, self._file,
            self._rows, self._strata, self._seconds, self._upto, *self.values.parts,
        ]  # fmt: skip
        self.choose_way()

    def choose_way(self, *_: Any) -> None:
        """Show what the chosen way needs."""
        way = self.way.value
        needed = {
            self._minutes: way == "last",
            self.batch: way == "batch",
            self._since: way == "between",
            self._until: way == "between",
            self._kept: way == "kept",
            self._file: way == "data",
            self._strata: way == "latest",
            self._rows: way not in ("same", "data", "kept"),
        }
        for part, shown in needed.items():
            part.visible = shown

    def offer_stages(self, names: list[str]) -> None:
        """Offer the stages that were found."""
        self._upto.options = {"all stages": "", **{name: name for name in names}}

    def offer_samples(self, names: list[str]) -> None:
        """Offer the samples that are kept."""
        self._kept.options = names

    def read(self) -> Trying:
        """Take the form over into what is tried."""
        self._trying.param.update(
            way=self.way.value,
            rows=int(self._rows.value or 1),
            seconds=float(self._seconds.value or 10),
            minutes=float(self._minutes.value or 10),
            batch=int(self.batch.value or 1),
            since=self._since.value or "",
            until=self._until.value or "",
            strata=self._strata.value or "",
            kept=self._kept.value or "",
            upto=self._upto.value or "",
            query=self._text.value or "",
            values=self.values.changed(),
        )
        return self._trying

    def upload(self) -> Any:
        """Read the file that was chosen; None if there is none."""
        if not self._file.value:
            return None
        self._trying.data = read_rows(str(self._file.filename), bytes(self._file.value))
        return self._trying.data


_LOW = {
    "& .MuiCardHeader-root": {"padding": "1px 6px 1px 14px"},
    "& .MuiCardHeader-root .MuiTypography-root": {"fontSize": "13px"},
}


def _number(label: str, value: float, width: int, *, whole: bool = False, **how: Any) -> Any:
    kind = pmui.IntInput if whole else pmui.FloatInput
    how |= {"size": "small", "margin": (4, 4), "sx": PLAIN_NUMBER}
    return kind(label=label, value=value, width=width, **how)


def _text(label: str, example: str, width: int = 190) -> Any:
    return pmui.TextInput(
        label=label, placeholder=example, size="small", width=width, margin=(4, 4)
    )


def read_rows(name: str, content: bytes) -> Any:
    """Read a file that was uploaded as an Arrow table."""
    import io

    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    from streamops_nb.model.errors import Refused

    source, suffix = io.BytesIO(content), name.lower().rpartition(".")[2]
    try:
        if suffix == "parquet":
            return pyarrow.parquet.read_table(source)
        return pyarrow.csv.read_csv(source) if suffix == "csv" else pyarrow.json.read_json(source)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise Refused(f"{name} cannot be read: {error}") from error
