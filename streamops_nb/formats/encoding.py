"""Texts that are not UTF-8: which encodings can be named, and which one bytes may be in."""

from __future__ import annotations

import codecs

from streamops_nb.model.wording import cut, wrong

__all__ = ["LOST", "UTF_8", "called", "checked_encoding", "remedy_for", "undecodable"]

UTF_8 = "utf-8"
LOST = "\ufffd"
"""Stands in a header for bytes that are not of its encoding."""

_ASCII = bytes(range(128))
_EXAMPLES = "utf-8, cp1252 (Windows, western Europe), latin-1, cp1250, cp1251, shift_jis"


def checked_encoding(name: str) -> str:
    """Give Python's own name of an encoding in which records can be found by their newlines.

    Raises
    ------
    pydantic_core.PydanticCustomError
        If there is none of this name, or its bytes below 128 are not ASCII (UTF-16 is of these).
    """
    try:
        found = codecs.lookup(name).name
        plain = _ASCII.decode(found) == _ASCII.decode("ascii")
    except UnicodeError:
        plain = False
    except (LookupError, ValueError):  # also codecs that are not of text, as zip
        raise wrong(f'there is no encoding "{cut(name)}"', f"for example {_EXAMPLES}") from None
    if not plain:
        raise wrong(
            f"files in {cut(name)} are not read: a newline is more than one byte there",
            f"make it UTF-8 first: `iconv -f {cut(name)} -t utf-8 old.csv > new.csv`",
        )
    return UTF_8 if found in (UTF_8, "utf-8-sig", "ascii") else found


def called(encoding: str) -> str:
    """Write the name of an encoding as people do."""
    return "UTF-8" if encoding == UTF_8 else encoding


def undecodable(error: UnicodeDecodeError, encoding: str) -> str:
    """Say which byte is not of the encoding."""
    return f"not {called(encoding)}: byte 0x{error.object[error.start]:02x} at {error.start}"


def remedy_for(text: str, encoding: str) -> str:
    """Say what to write for CSV files of which a text was not of the encoding."""
    if "\0" in text:
        return " - it looks like UTF-16: make it UTF-8, `iconv -f utf-16 -t utf-8`"
    if encoding == UTF_8:
        return " - name it in the format, for example `encoding: cp1252` (Windows) or `latin-1`"
    return " - another `encoding` of the format"
