"""Samples in files: one Parquet file for each stream, and one that says what is known of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from streamops_nb.engine.preview.sample import Coverage, Drawn, Edit, Limits, Sample
from streamops_nb.model.batch import Span
from streamops_nb.model.errors import Refused
from streamops_nb.model.spec import PlugIn, Stream

__all__ = ["keep", "kept"]

_ABOUT = "sample.json"
_FORMAT = 1
_PLAIN = ("decoded", "apart", "begins", "ends", "truncated", "seconds", "origin", "cut")


def keep(sample: Sample, folder: Path) -> Path:
    """Write a sample; see `Sample.to_parquet`. It is there as a whole or not at all."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there and not an empty folder - name a new one, or remove it")
    aside = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        _write(sample, aside)
        if folder.exists():
            folder.rmdir()
        aside.replace(folder)
    except (OSError, pa.ArrowException) as error:
        raise Refused(f"the sample cannot be written to {folder}: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def kept(folder: Path) -> Sample:
    """Read a sample; see `Sample.from_parquet`."""
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise Refused(
            f"there is no whole sample in {folder} ({type(error).__name__}: {error}) - give a "
            "folder that `Sample.to_parquet` wrote"
        ) from error


def _write(sample: Sample, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, drawn in sample.streams.items():
        pq.write_table(drawn.raw, folder / f"{name}.parquet")
    about = {
        "format": _FORMAT,
        "id": sample.id,
        "how": sample.how,
        "at": sample.at,
        "limits": asdict(sample.limits),
        "edits": [asdict(edit) for edit in sample.edits],
        "streams": {name: _about(drawn) for name, drawn in sample.streams.items()},
    }
    (folder / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    if sample.original is not None:
        _write(sample.original, folder / "original")


def _about(drawn: Drawn) -> dict[str, Any]:
    return {name: getattr(drawn, name) for name in _PLAIN} | {
        "schema": dict(drawn.schema),
        "span": drawn.span.to_json(),
        "partitions": list(drawn.partitions),
        "reach": dict(drawn.reach),
        "coverage": asdict(drawn.coverage),
        "stream": drawn.stream and drawn.stream.model_dump(mode="json"),
        "format": drawn.format and drawn.format.model_dump(mode="json"),
    }


def _read(folder: Path) -> Sample:
    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    if about["format"] != _FORMAT:
        raise ValueError(f"its format is {about['format']}, this version reads {_FORMAT}")
    original = folder / "original"
    return Sample(
        streams={
            name: _drawn(each, pq.read_table(folder / f"{name}.parquet"))
            for name, each in about["streams"].items()
        },
        how=about["how"],
        at=about["at"],
        limits=Limits(**about["limits"]),
        edits=tuple(Edit(**edit) for edit in about["edits"]),
        original=_read(original) if original.exists() else None,
    )


def _drawn(about: Mapping[str, Any], raw: pa.Table) -> Drawn:
    return Drawn(
        raw=raw,
        schema=about["schema"],
        span=Span.from_json(about["span"]),
        partitions=tuple(about["partitions"]),
        reach=about.get("reach", {}),
        coverage=Coverage(**about["coverage"]),
        stream=about["stream"] and Stream.model_validate(about["stream"]),
        format=about["format"] and PlugIn.model_validate(about["format"]),
        **{name: about[name] for name in _PLAIN},
    )
