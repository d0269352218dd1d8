"""The icons on buttons, as SVG: an icon font does not load in a notebook without internet."""

from __future__ import annotations

__all__ = ["icon"]

# 24 x 24 paths, drawn for these screens; those of the table of jobs are in table.js
_SHAPES = {
    "add": "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
    "alarm": "M12 3a2 2 0 0 1 2 2 6 6 0 0 1 4 6v4l2 2v1H4v-1l2-2v-4a6 6 0 0 1 4-6 2 2 0 0 1 2-2z"
    "M10 19h4a2 2 0 0 1-4 0z",
    "ask": "M11 17h2v2h-2zM12 5a4 4 0 0 0-4 4h2a2 2 0 1 1 3 1.7c-1 .7-2 1.4-2 3.3v1h2v-1c0-.9.6"
    "-1.3 1.4-1.9A4 4 0 0 0 12 5z",
    "back": "M20 11H7.8l5.6-5.6L12 4l-8 8 8 8 1.4-1.4L7.8 13H20z",
    "close": "M18.3 7.1 16.9 5.7 12 10.6 7.1 5.7 5.7 7.1l4.9 4.9-4.9 4.9 1.4 1.4 4.9-4.9 4.9 4.9"
    " 1.4-1.4-4.9-4.9z",
    "code": "M8.6 16.6 4 12l4.6-4.6L7.2 6l-6 6 6 6zM15.4 16.6 20 12l-4.6-4.6L16.8 6l6 6-6 6z",
    "compare": "M9 3h2v18H9v-3H4V6h5zM7 8H6v8h1zM13 6h7v12h-7v-2h5V8h-5z",
    "download": "M11 4h2v8h4l-5 5-5-5h4zM5 18h14v2H5z",
    "heal": "M9 4h6v5h5v6h-5v5H9v-5H4V9h5z",
    "more": "M4 10h4v4H4zM10 10h4v4h-4zM16 10h4v4h-4z",
    "pause": "M6 5h4v14H6zM14 5h4v14h-4z",
    "preview": "M9 3h6v2h-1v4.6l5.6 9.2A1.5 1.5 0 0 1 18.3 21H5.7a1.5 1.5 0 0 1-1.3-2.2"
    "L10 9.6V5H9z",
    "remove": "M6 8h12l-1 13H7zM9 4h6v2h4v1H5V6h4z",
    "replay": "M12 5V1L7 6l5 5V7a6 6 0 1 1-6 6H4a8 8 0 1 0 8-8z",
    "save": "M5 3h11l3 3v15H5zM8 5v4h7V5zM12 12a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "start": "M8 5v14l11-7z",
    "stop": "M6 6h12v12H6z",
    "undo": "M12 8c-2.3 0-4.5.9-6.2 2.4L3 7.6V15h7.4l-2.9-2.9A6.5 6.5 0 0 1 18.5 15l2-.7A8.9 8.9"
    " 0 0 0 12 8z",
    "upload": "M11 17h2V9h4l-5-5-5 5h4zM5 18h14v2H5z",
}


def icon(name: str) -> str:
    """Give an icon by its name."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<path fill-rule="evenodd" d="{_SHAPES[name]}"/></svg>'
    )
