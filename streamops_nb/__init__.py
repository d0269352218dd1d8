"""Stream jobs as one DuckDB query: preview, run and operate them from a notebook."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamops_nb.connecting import connect as connect
    from streamops_nb.model.errors import Fault as Fault
    from streamops_nb.model.errors import Forbidden as Forbidden
    from streamops_nb.model.errors import Interrupted as Interrupted
    from streamops_nb.model.errors import MoveRefused as MoveRefused
    from streamops_nb.model.errors import QueryError as QueryError
    from streamops_nb.model.errors import QueryRefused as QueryRefused
    from streamops_nb.model.errors import Refused as Refused
    from streamops_nb.model.errors import ResourcesRefused as ResourcesRefused
    from streamops_nb.model.errors import RowError as RowError
    from streamops_nb.model.errors import SinkError as SinkError
    from streamops_nb.model.errors import SourceError as SourceError
    from streamops_nb.model.errors import SpecRefused as SpecRefused
    from streamops_nb.model.errors import StorageError as StorageError
    from streamops_nb.model.errors import StreamopsError as StreamopsError
    from streamops_nb.model.errors import TooManyRejects as TooManyRejects
    from streamops_nb.model.errors import Unavailable as Unavailable
    from streamops_nb.model.errors import WorkspaceOwned as WorkspaceOwned
    from streamops_nb.ops.capsule import open_capsule as open_capsule
    from streamops_nb.ops.preview.alone import preview as preview
    from streamops_nb.ops.upkeep import restore as restore
    from streamops_nb.ops.workspace import Workspace as Workspace
    from streamops_nb.plan.specfile import Job as Job

__version__ = "0.1.0"

# The public names and where they live; a module is loaded when a name of it is first used. Type
# checkers read the same list in the block above; tests/house/test_public_names.py compares them.
_PUBLIC = {
    "Fault": "streamops_nb.model.errors",
    "Forbidden": "streamops_nb.model.errors",
    "Interrupted": "streamops_nb.model.errors",
    "Job": "streamops_nb.plan.specfile",
    "MoveRefused": "streamops_nb.model.errors",
    "QueryError": "streamops_nb.model.errors",
    "QueryRefused": "streamops_nb.model.errors",
    "Refused": "streamops_nb.model.errors",
    "ResourcesRefused": "streamops_nb.model.errors",
    "RowError": "streamops_nb.model.errors",
    "SinkError": "streamops_nb.model.errors",
    "SourceError": "streamops_nb.model.errors",
    "SpecRefused": "streamops_nb.model.errors",
    "StorageError": "streamops_nb.model.errors",
    "StreamopsError": "streamops_nb.model.errors",
    "TooManyRejects": "streamops_nb.model.errors",
    "Unavailable": "streamops_nb.model.errors",
    "WorkspaceOwned": "streamops_nb.model.errors",
    "Workspace": "streamops_nb.ops.workspace",
    "connect": "streamops_nb.connecting",
    "preview": "streamops_nb.ops.preview.alone",
    "open_capsule": "streamops_nb.ops.capsule",
    "restore": "streamops_nb.ops.upkeep",
}


def load_ipython_extension(shell: Any) -> None:
    """Add ``%%preview`` to a notebook; called by ``%load_ext streamops_nb``."""
    import_module("streamops_nb.magics").load(shell)


__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604 - the table is the list


if not TYPE_CHECKING:  # a type checker takes a __getattr__ for leave to misspell names

    def __getattr__(name: str) -> Any:
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
