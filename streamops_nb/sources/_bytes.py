"""Bytes of a file at any offset, also of a compressed one."""

from __future__ import annotations

import os
import zlib
from typing import Any, Protocol

from streamops_nb.model.errors import SourceError

__all__ = ["CODECS", "ByteReader", "InflatedBytes", "PlainBytes", "codec_of", "open_bytes"]

CODECS = {".gz": "gz", ".zst": "zst"}
_FEED = 64 * 1024


class ByteReader(Protocol):
    """Reads the (decompressed) bytes of one file."""

    cut_off: bool
    """Whether the compressed data stops in the middle; more may come."""
    damage: str
    """Why the rest of the file cannot be decompressed; empty if it can."""

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset` on; fewer bytes than asked for only at the present end."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def codec_of(path: str, compression: str) -> str:
    """Say how a file is compressed: ``none``, ``gz`` or ``zst``."""
    if compression != "auto":
        return compression
    return CODECS.get(os.path.splitext(path)[1].lower(), "none")


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
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._restart()

    def _restart(self) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        self._inflater = _inflater(self._codec)
        self._fresh = True  # no byte of the present member has been seen
        self.cut_off = False
        self.damage = ""
        self._compressed = b""
        self._ready = b""
        self._at = 0

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill `view` from the decompressed `offset` on."""
        if offset < self._at:
            self._restart()
        while self._at < offset and self._more():
            skip = min(offset - self._at, len(self._ready))
            self._take(skip)
        if self._at < offset:
            return 0
        done = 0
        while done < len(view) and self._more():
            piece = self._ready[: len(view) - done]
            view[done : done + len(piece)] = piece
            self._take(len(piece))
            done += len(piece)
        return done

    def _take(self, count: int) -> None:
        self._ready = self._ready[count:]
        self._at += count

    def _more(self) -> bool:
        """Decompress until something is ready; False at the present end of the file."""
        while not self._ready:
            if self.damage:
                return False
            if not self._compressed:
                self._compressed = os.read(self._file, _FEED)
            if not self._compressed:
                self.cut_off = not self._fresh
                return False
            self._inflate()
        return True

    def _inflate(self) -> None:
        if self._fresh:
            # some writers fill the room behind a member with zeros
            self._compressed = self._compressed.lstrip(b"\0")
            if not self._compressed:
                return
        self._fresh = False
        try:
            self._ready = self._inflater.decompress(self._compressed)
        except Exception as error:  # zlib.error, or zstandard's own, which is imported lazily
            self.damage = str(error)
            return
        self._compressed = b""
        if self._inflater.eof:
            self._compressed = self._inflater.unused_data
            self._inflater = _inflater(self._codec)
            self._fresh = True

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _inflater(codec: str) -> Any:
    if codec == "gz":
        return zlib.decompressobj(wbits=31)
    try:
        import zstandard
    except ImportError as error:
        raise SourceError(
            "reading zst files needs the package zstandard: pip install zstandard",
            retryable=False,
        ) from error
    return zstandard.ZstdDecompressor().decompressobj()
