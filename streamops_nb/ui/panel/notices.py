"""The area in which notices stand until they are closed."""

from __future__ import annotations

from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from streamops_nb.ui.panel.look import file_text
from streamops_nb.ui.state.notices import Notices

__all__ = ["NoticeArea"]


class NoticeArea(JSComponent):
    """Shows notices, as text; each with the line of Python that does the same."""

    items = param.List(default=[])

    _esm = file_text("notices.js")
    _stylesheets: ClassVar[list[str]] = [file_text("notices.css")]

    def __init__(self, notices: Notices, **how: Any) -> None:
        super().__init__(**how)
        self._notices = notices
        self._watcher = notices.param.watch(self._show, ["items"])
        self._show()

    def _show(self, *_: Any) -> None:
        self.items = [
            {
                "number": notice.number,
                "level": notice.level,
                "text": notice.text,
                "details": list(notice.details),
                "line": notice.line,
                "trace": notice.trace,
                "stays": notice.stays,
            }
            for notice in self._notices.items
        ]

    def _handle_msg(self, data: Any) -> None:
        if data.get("event") == "close":
            self._notices.close(int(data["number"]))

    def forget(self) -> None:
        """Let go of the state."""
        self._notices.param.unwatch(self._watcher)
