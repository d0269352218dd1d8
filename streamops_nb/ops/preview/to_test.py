"""A preview as a test: a pytest file, and beside it the sample and the rows that are expected."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from streamops_nb.model.errors import QueryRefused, Refused
from streamops_nb.model.spec import JobSpec, PlugIn, Reference
from streamops_nb.model.wording import did_you_mean

if TYPE_CHECKING:
    from streamops_nb.ops.preview.preview import Preview

__all__ = ["MOST", "write_test"]

MOST = 10_000
"""So many records a test's sample may have, unless more are asked for."""

_ANY = "simulator"
"""Stands for the source of rows that were given: a specification needs one, a test opens none."""

_FILE = Template('''\
"""The job $job on a pinned sample: $how.

Written by `Preview.to_test`; the sample and the expected rows lie in the folder of this file's
name. Change it as you like.
"""

from pathlib import Path

import streamops_nb as so
from streamops_nb.testing import assert_same_rows, run_sample

HERE = Path(__file__).with_suffix("")
IGNORED = $ignored  # columns that are not compared
PARAMS = $params
JOB = $spec


def test_$name() -> None:
    actual = run_sample(JOB, HERE / "sample", params=PARAMS, folder=HERE)
    assert_same_rows(actual, HERE / "expected.parquet", ignore=IGNORED)
''')


def write_test(
    preview: Preview,
    references: Mapping[str, pa.Table],
    to: Path,
    *,
    given: Collection[str],
    ignore: Collection[str],
    overwrite: bool,
    most: int,
) -> Path:
    """Write the test; see `Preview.to_test`.

    Parameters
    ----------
    references
        What the query may join.
    given
        Streams whose rows were given and come from no source.
    """
    _check(preview, to, ignore, most)
    folder = to.with_suffix("")
    there = [str(path) for path in (to, folder) if path.exists()]
    if there and not overwrite:
        what = " and ".join(there)
        raise Refused(f"{what} is there already - choose another name, or say overwrite=True")
    if folder.exists() and not _is_ours(folder):
        raise Refused(f"{folder} holds other files - choose another name")
    text = _text(preview, ignore, given)
    expected = preview.table.drop_columns([n for n in ignore if n in preview.table.column_names])
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        aside.mkdir()
        preview.sample.to_parquet(aside / "sample")
        _write(expected, aside / "expected.parquet")
        for name, table in references.items():
            (aside / "references").mkdir(exist_ok=True)
            _write(table, aside / "references" / f"{name}.parquet")
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"the test cannot be written: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return to


def _check(preview: Preview, to: Path, ignore: Collection[str], most: int) -> None:
    if not re.fullmatch(r"test_\w+\.py", to.name):
        raise Refused(f"pytest does not find {to.name} - choose a name such as test_hot.py")
    if not preview.result.output:
        raise QueryRefused(preview.faults)
    rows = preview.sample.rows
    if not rows:
        raise Refused("the sample is empty, a test of it would prove nothing - draw one with rows")
    if rows > most:
        raise Refused(
            f"the sample has {rows:,} records, a test may have {most:,} - take fewer "
            f"(rows=1000), or say most={rows}"
        )
    for name in ignore:
        if name not in preview.table.column_names:
            remedy = did_you_mean(name, preview.table.column_names)
            raise Refused(f"the output has no column `{name}` to ignore - {remedy}")


def _is_ours(folder: Path) -> bool:
    return {path.name for path in folder.iterdir()} <= {"sample", "expected.parquet", "references"}


def _write(table: pa.Table, path: Path) -> None:
    for field in table.schema:
        if pa.types.is_interval(field.type) or pa.types.is_duration(field.type):
            raise Refused(
                f"`{field.name}` is an interval, which Parquet cannot hold - cast it in the query, "
                f"or leave it out: ignore=[{field.name!r}]"
            )
    pq.write_table(table, path)


def _text(preview: Preview, ignore: Collection[str], given: Collection[str]) -> str:
    spec = _pinned(preview.spec, given)
    return _FILE.substitute(
        job=spec.name,
        how=preview.sample.how.replace("\\", "/").replace('"', "'"),
        ignored=_literal(list(ignore)),
        params=_literal(preview.params),
        spec=spec.to_python().strip(),
        name=f"{spec.name}_gives_the_expected_rows",
    )


def _pinned(spec: JobSpec, given: Collection[str]) -> JobSpec:
    """The specification with the copies of its references, and a source for rows without one."""
    copies = {
        name: Reference(type="parquet", path=f"references/{name}.parquet")
        for name in spec.references
    }
    streams = {
        name: stream.model_copy(update={"source": PlugIn(type=_ANY)}) if name in given else stream
        for name, stream in spec.streams.items()
    }
    return spec.model_copy(update={"references": copies, "streams": streams})


def _literal(value: Any) -> str:
    """Write plain data as Python with double quotes."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items())
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
