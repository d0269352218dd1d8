"""Refuse a site that a browser could not show without a network: `make docs` runs this last."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(\s*[\"']?|@import\s+[\"'])((?:https?:)?//[^\"')]+)")


class Loaded(HTMLParser):
    """Collects what a page has a browser load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.found += [
            value
            for name, value in attrs
            if value and (tag, name) in LOADS and ELSEWHERE.match(value)
        ]


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Name each page or style sheet with the address that it loads."""
    found = []
    for page in sorted(site.rglob("*.html")):
        parser = Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        found += [f"{page.relative_to(site)}: {address}" for address in parser.found]
    for sheet in sorted(site.rglob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        found += [f"{sheet.relative_to(site)}: {address}" for address in IN_STYLES.findall(text)]
    return found


if __name__ == "__main__":
    sys.exit("\n".join(loaded_from_elsewhere(Path(sys.argv[1]))) or 0)
