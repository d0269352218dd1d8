"""A part of our own: a plain script of this folder, which the browser takes as it is."""

from __future__ import annotations

import hashlib
from typing import Any

from panel.custom import JSComponent

__all__ = ["Script"]


class Script(JSComponent):
    """A component whose script needs no compiler; Panel's takes 15 ms for each in the browser."""

    __abstract = True

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        properties: dict[str, Any] = super()._get_properties(doc)
        # what has a bundle is not compiled; it is found again by this name
        properties["bundle"] = hashlib.sha256(properties["esm"].encode()).hexdigest()
        return properties
