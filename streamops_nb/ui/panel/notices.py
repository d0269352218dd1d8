"""The area in which notices stand until they are closed; files are handed over by it, too."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, ClassVar

import param

from streamops_nb.ui.panel.look import Plain, file_text, style
from streamops_nb.ui.panel.script import Script
from streamops_nb.ui.state.desk import Desk

__all__ = ["NoticeArea"]


class NoticeArea(Script):
    """Shows notices, as text; each with the line of Python that does the same."""

    items = param.List(default=[])

    _esm = file_text("notices.js")
    _stylesheets: ClassVar[list[str]] = [file_text("notices.css")]

    def __init__(self, desk: Desk, **how: Any) -> None:
        super().__init__(stylesheets=style(), design=Plain, **how)
        self._notices = desk.notices
        self._desk = desk
        self._watchers = [
            (desk.notices, desk.notices.param.watch(self._show, ["items"])),
            (desk, desk.param.watch(self._hand_over, ["file"], onlychanged=False)),
        ]
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

    def _hand_over(self, *_: Any) -> None:
        name, content = self._desk.file
        content = content if isinstance(content, bytes) else content.encode()
        self._send_msg({"file": {"name": name, "content": b64encode(content).decode()}})

    def _handle_msg(self, data: Any) -> None:
        if data.get("event") == "close":
            self._notices.close(int(data["number"]))

    def forget(self) -> None:
        """Let go of the state."""
        for owner, watcher in self._watchers:
            owner.param.unwatch(watcher)
