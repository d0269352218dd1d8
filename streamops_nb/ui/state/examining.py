"""What else is asked of a preview at a screen: why not, a sweep, another sample, a test."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import cut, number_of

__all__ = ["ASKED", "Asked", "Found", "why"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of it.

    Parameters
    ----------
    title, text, frame
        What is shown: a word, sentences, rows.
    sample
        The sample to run on from now on; None: as it was.
    file
        A file for the person: its name and content.
    line
        The Python that asks the same of a preview ``p``.
    """

    title: str = ""
    text: str = ""
    frame: Any = None
    sample: Any = None
    file: tuple[str, bytes] | None = None
    line: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that can be asked.

    Parameters
    ----------
    label, example
        What it is called, and what is written beside it for example; empty: nothing is.
    ask
        Asks a preview, with the door and what was written.
    """

    label: str
    example: str
    ask: Callable[[Any, Any, str], Found]


def why(preview: Any, row: int, stage: str) -> Found:
    """Say what a row of a stage was made of."""
    found = preview.why(row, stage=stage)
    return Found(
        title="Why", text=str(found), frame=found.df, line=f"p.why({row}, stage={stage!r}).df"
    )


def _why_not(preview: Any, _: Any, text: str) -> Found:
    key = {name: values[0] for name, values in _read(text).items()}
    found = preview.why_not(key)
    return Found(title="Why not", text=str(found), frame=found.df, line=f"p.why_not({key!r})")


def _sweep(preview: Any, _: Any, text: str) -> Found:
    values = _read(text)
    found = preview.sweep(values)
    said = f"{len(found):,} of {number_of(found.planned, 'combination')} on the same sample."
    return Found(title="Sweep", text=said, frame=found.df, line=f"p.sweep({values!r})")


def _change(preview: Any, _: Any, text: str) -> Found:
    number, _, rest = text.partition(":")
    values = {name: found[0] for name, found in _read(rest).items()}
    sample = preview.sample.change(_whole(number), values)
    return Found(sample=sample, line=f"p.sample.change({_whole(number)}, {values!r})")


def _delete(preview: Any, _: Any, text: str) -> Found:
    numbers = [_whole(part) for part in text.split(",")]
    return Found(sample=preview.sample.delete(numbers), line=f"p.sample.delete({numbers!r})")


def _add(preview: Any, _: Any, text: str) -> Found:
    row = {name: values[0] for name, values in _read(text).items()}
    return Found(sample=preview.sample.add([row]), line=f"p.sample.add([{row!r}])")


def _mask(preview: Any, _: Any, text: str) -> Found:
    columns = [name.strip() for name in text.split(",") if name.strip()]
    line = f"p.sample.mask({', '.join(map(repr, columns))})"
    return Found(sample=preview.sample.mask(*columns), line=line)


def _revert(preview: Any, _: Any, __: str) -> Found:
    return Found(sample=preview.sample.revert(), line="p.sample.revert()")


def _records(preview: Any, _: Any, text: str) -> Found:
    frame = preview.sample.df(text.strip() or None)
    said = f"{preview.sample.how}; records are numbered from 0, as they are changed and deleted."
    return Found(title="Sample", text=said, frame=frame.reset_index(names="record"),
                 line="p.sample.df()")  # fmt: skip


def _coverage(preview: Any, _: Any, __: str) -> Found:
    frame = preview.sample.coverage.reset_index()
    said = "What of each stream the sample covers."
    return Found(title="Coverage", text=said, frame=frame, line="p.sample.coverage")


def _keep(preview: Any, door: Any, text: str) -> Found:
    name = text.strip()
    door.samples.save(name, preview.sample)
    return Found(text=f"The sample is kept as {name}.", line=f"ws.samples.save({name!r}, p.sample)")


def _export(preview: Any, _: Any, __: str) -> Found:
    name = f"{preview.spec.name}-sample"
    content = _packed(lambda folder: preview.sample.to_parquet(folder / name))
    return Found(file=(f"{name}.zip", content), line=f"p.sample.to_parquet({name!r})")


def _test(preview: Any, _: Any, text: str) -> Found:
    name = text.strip() or f"test_{preview.spec.name}.py"
    content = _packed(lambda folder: preview.to_test(folder / Path(name).name))
    return Found(file=(f"{Path(name).stem}.zip", content), line=f"p.to_test({name!r})")


ASKED: Mapping[str, Asked] = {
    "why not": Asked(label="Why is there no row with", example="device = d09", ask=_why_not),
    "sweep": Asked(
        label="Sweep: many values", example="threshold = 20, 25, 30; size = 10s, 1m", ask=_sweep
    ),
    "records": Asked(label="Show the records of the sample", example="", ask=_records),
    "coverage": Asked(label="What the sample covers", example="", ask=_coverage),
    "change": Asked(label="Change a record", example="3: temp = 99", ask=_change),
    "delete": Asked(label="Delete records", example="3, 4", ask=_delete),
    "add": Asked(label="Add a record", example="device = d99; temp = 4.5", ask=_add),
    "mask": Asked(label="Mask columns", example="device", ask=_mask),
    "revert": Asked(label="Revert changes of the sample", example="", ask=_revert),
    "keep": Asked(label="Keep the sample as", example="hot_afternoon", ask=_keep),
    "export": Asked(label="Download the sample (Parquet)", example="", ask=_export),
    "test": Asked(label="Write a test (pytest)", example="test_hot.py", ask=_test),
}
"""What can be asked of a preview."""


def _read(text: str) -> dict[str, list[Any]]:
    """Read ``name = value, value; name = value``."""
    found: dict[str, list[Any]] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        name, sign, values = part.partition("=")
        if not sign or not name.strip():
            raise Refused(f"`{cut(part)}` names no value - write for example `device = d09`")
        found[name.strip()] = [_value(value) for value in values.split(",")]
    return found


def _value(text: str) -> Any:
    """A number, true, false or null as such; anything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.strip()
    return value if not isinstance(value, list | dict) else text.strip()


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refused(
            f"`{cut(text)}` is not the number of a record - write for example `3`"
        ) from None


def _packed(write: Callable[[Path], Any]) -> bytes:
    """What is written to a folder, as one ZIP."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as made, zipfile.ZipFile(packed, "w") as archive:
        write(Path(made))
        for file in sorted(Path(made).rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(made))
    return packed.getvalue()
