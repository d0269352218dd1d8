"""Bytes of a file at any offset, also of a compressed one."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from streamops_nb.model.errors import SourceError

__all__ = ["CODECS", "ByteReader", "InflatedBytes", "PlainBytes", "codec_of", "open_bytes"]

CODECS = {".gz": "gz", ".zst": "zst"}
_FEED = 64 * 1024
_HEAD = 64


class ByteReader(Protocol):
    """Reads the (decompressed) bytes of one file."""

    cut_off: bool
    """Whether the compressed data stops in the middle; more may come."""
    damage: str
    """Why the rest of the file cannot be decompressed; empty if it can."""

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset` on; fewer bytes than asked for only at the present end."""
        ...

    def head(self) -> bytes:
        """Give the first bytes as they are on disk; they tell a file from its successor."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def codec_of(path: str, compression: str) -> str:
    """Say how a file is compressed: ``none``, ``gz`` or ``zst``."""
    if compression != "auto":
        return compression
    return CODECS.get(Path(path).suffix.lower(), "none")


def open_bytes(path: str, codec: str) -> ByteReader:
    """Open a file for reading."""
    return PlainBytes(path) if codec == "none" else InflatedBytes(path, codec)


class PlainBytes:
    """A file that is not compressed."""

    cut_off = False
    damage = ""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset` on."""
        done = 0
        while done < len(view):
            count = os.preadv(self._file, [view[done:]], offset + done)
            if count == 0:
                break
            done += count
        return done

    def head(self) -> bytes:
        """Give the first bytes of the file."""
        return os.pread(self._file, _HEAD, 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class InflatedBytes:
    """The decompressed bytes of a file.

    The decompressor stays open, so that reading on costs nothing; going back starts it anew.
    More compressed bytes that appear at the end are taken up where the last ones stopped.
    """

    def __init__(self, path: str, codec: str) -> None:
        self._codec = codec
        self._new, self._error = _decompressor(codec)
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._restart()

    def _restart(self) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        self.cut_off = False
        self.damage = ""
        self._inflater = self._new()
        self._fresh = True  # nothing of the present member has been seen
        self._compressed = b""
        self._ready = b""  # decompressed bytes, the first of them at offset _base
        self._base = 0

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill `view` from the decompressed `offset` on."""
        if offset < self._base:
            self._restart()
        done = 0
        while done < len(view):
            skip = offset + done - self._base
            piece = self._ready[skip : skip + len(view) - done]
            view[done : done + len(piece)] = piece
            done += len(piece)
            if done < len(view) and not self._more():
                break
        return done

    def _more(self) -> bool:
        """Decompress the next bytes; False at the present end of the file."""
        while not self.damage:
            if not self._compressed:
                self._compressed = os.read(self._file, _FEED)
            if not self._compressed:
                self.cut_off = not self._fresh
                return False
            ready = self._inflate()
            if ready:
                self._base += len(self._ready)
                self._ready = ready
                return True
        return False

    def _inflate(self) -> bytes:
        if self._fresh:
            # some writers fill the room behind a member with zeros
            self._compressed = self._compressed.lstrip(b"\0")
            if not self._compressed:
                return b""
        self._fresh = False
        try:
            ready: bytes = self._inflater.decompress(self._compressed)
        except self._error as error:
            self.damage = str(error)
            return b""
        self._compressed = b""
        if self._inflater.eof:
            self._compressed = self._inflater.unused_data
            self._inflater = self._new()
            self._fresh = True
        return ready

    def head(self) -> bytes:
        """Give the first bytes of the file."""
        return os.pread(self._file, _HEAD, 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _decompressor(codec: str) -> tuple[Callable[[], Any], type[Exception]]:
    """Give what makes decompressors, and the error they raise."""
    if codec == "gz":
        return lambda: zlib.decompressobj(wbits=31), zlib.error
    try:
        import zstandard
    except ImportError as error:
        raise SourceError(
            "reading zst files needs the package zstandard: pip install zstandard",
            retryable=False,
        ) from error
    return zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError
