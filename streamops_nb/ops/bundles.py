"""Specifications as files: one as YAML or JSON, many as a ZIP; read back with every doubt."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from streamops_nb.model.errors import Fault, Refused
from streamops_nb.model.wording import cut

__all__ = ["Format", "as_json", "read_bundle", "write_bundle"]

Format = Literal["yaml", "json"]

_SUFFIXES = (".yaml", ".yml", ".json")
_LARGEST = 4_000_000
"""Bytes of one specification."""

_MOST = 10_000
"""Specifications in one ZIP."""

_LONGEST_NAME = 255

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a ZIP, so that equal jobs make equal bytes."""


def write_bundle(texts: Mapping[str, str], suffix: Format) -> bytes:
    """Make a ZIP of specifications, ``<name>.<suffix>`` each, in order of their names."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(texts):
            entry = zipfile.ZipInfo(f"{name}.{suffix}", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, texts[name])
    return target.getvalue()


def read_bundle(content: bytes | Path) -> dict[str, str]:
    """Read the specifications of a ZIP; nothing is written anywhere.

    Returns
    -------
    dict
        Text by the name of its file.

    Raises
    ------
    Refused
        With every fault: a file outside of the ZIP's own folder, no specification by its name,
        too large, encrypted, damaged, not UTF-8, or twice there.
    """
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with zipfile.ZipFile(source) as bundle:
            return _read(bundle)
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as error:
        name = "the ZIP" if isinstance(content, bytes) else str(content)
        raise Refused(f"{name} cannot be read: {error} - export it anew") from error


def _read(bundle: zipfile.ZipFile) -> dict[str, str]:
    entries = [entry for entry in bundle.infolist() if not entry.is_dir()]
    if not entries:
        raise Refused("the ZIP holds no specification - `export` makes one that does")
    if len(entries) > _MOST:
        raise Refused(f"the ZIP holds {len(entries):,} files - at most {_MOST:,} are read")
    faults = [fault for entry in entries if (fault := _fault(entry))]
    names = [entry.filename for entry in entries]
    twice = (
        {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    )
    faults += [Fault(what="it is there twice", where=cut(name)) for name in sorted(twice)]
    if faults:
        raise Refused(faults)
    texts = {}
    for entry in entries:
        try:
            texts[entry.filename] = _text(bundle, entry)
        except UnicodeDecodeError:
            faults.append(Fault(what="it is not UTF-8 text", where=cut(entry.filename)))
        except (ValueError, RuntimeError, zipfile.BadZipFile) as error:
            faults.append(Fault(what=str(error), where=cut(entry.filename)))
    if faults:
        raise Refused(faults)
    return texts


def _fault(entry: zipfile.ZipInfo) -> Fault | None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    what, remedy = "", ""
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        what, remedy = "it points outside of the ZIP", "write plain names such as job.yaml"
    elif len(entry.filename) > _LONGEST_NAME:
        what, remedy = "its name is too long", f"at most {_LONGEST_NAME} characters"
    elif stat.S_ISLNK(entry.external_attr >> 16):
        what, remedy = "it is a link", "put the file itself in"
    elif path.suffix.lower() not in _SUFFIXES:
        what, remedy = "it is no specification by its name", f"accepted: {', '.join(_SUFFIXES)}"
    elif entry.flag_bits & 1:
        what, remedy = "it is encrypted", "export without a password"
    elif entry.file_size > _LARGEST:
        what, remedy = f"it has {entry.file_size:,} bytes", f"at most {_LARGEST:,}"
    return Fault(what=what, where=cut(entry.filename), remedy=remedy) if what else None


def _text(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    # what the entry says of its size need not be true
    with bundle.open(entry) as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST:,} bytes")
    return content.decode("utf-8-sig")


def as_json(data: Mapping[str, object]) -> str:
    """Write a specification's plain data as JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
