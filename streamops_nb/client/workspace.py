"""A workspace that another process owns: the same door, made from the table of calls."""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streamops_nb.client.line import Line
from streamops_nb.client.previews import RemotePreviews
from streamops_nb.engine.healing import PLACE
from streamops_nb.engine.preview.sample import Sample
from streamops_nb.engine.preview.work import Work
from streamops_nb.model.alarms import Rule
from streamops_nb.model.errors import Refused
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.alarms import Alarms
from streamops_nb.ops.capsule import Capsule, open_capsule
from streamops_nb.ops.core import Names
from streamops_nb.ops.failures import Failures
from streamops_nb.ops.healing import Heal
from streamops_nb.ops.job import Job
from streamops_nb.ops.log import Log
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.preview.previews import Previews
from streamops_nb.ops.preview.samples import Samples
from streamops_nb.ops.resources import Resources
from streamops_nb.ops.tokens import Tokens
from streamops_nb.ops.workspace import Workspace
from streamops_nb.store.records import Page
from streamops_nb.wire.calls import CALLS, Call, Gives
from streamops_nb.wire.heals import Tried
from streamops_nb.wire.role import Role
from streamops_nb.wire.values import load, parse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RemoteWorkspace"]


class RemoteWorkspace(Workspace):
    """A workspace that another process owns, spoken to over HTTP; made by `streamops_nb.connect`.

    `close` ends the client and nothing else.

    Attributes
    ----------
    name, role
        As whom the server knows this client; the name is empty for the user who runs the owner.
    """

    def __init__(self, line: Line, *, folder: Path | None, place: str) -> None:
        self._line = line
        self._place = place
        self._closing: list[Callable[[], None]] = []
        about = line.about()
        self.folder = folder or Path(about["folder"])
        self.name = str(about["name"])
        self.role = Role.of(about["role"])
        self.found = {name: Status(status) for name, status in about["found"].items()}
        self.resources = RemoteResources(line)
        self.resources.workspace = self
        self.alarms = RemoteAlarms(line)
        self.failures = RemoteFailures(line)
        self._closing.append(self.failures.close)
        self.tokens = RemoteTokens(line)
        self._remote_previews = RemotePreviews(line, self.folder)
        self._remote_previews.workspace = self

    @property
    def previews(self) -> Previews:
        """What runs previews on samples that were drawn before."""
        return self._remote_previews

    @property
    def samples(self) -> Samples:
        """The samples that are kept in the workspace, by name."""
        return RemoteSamples(self._line)

    def stream(self, name: str) -> Log:
        """Give the log to which rows of the stream `name` are appended."""
        return RemoteLog(self._line, name)

    def preview(self, what: Any, *, work: Work | None = None, **how: Any) -> Preview:
        """Run a job's query once over a sample of the latest data; see `Workspace.preview`."""
        return self._remote_previews.ask("preview", {"what": what, "work": work, **how})

    def export(
        self, names: Names = None, to: str | Path | None = None, **how: Any
    ) -> str | bytes | Path:
        """Export the newest configuration of jobs; see `Workspace.export`."""
        content: str | bytes = ask(self._line, CALLS["export"], {"names": names, **how})
        if to is None:
            return content
        path = Path(to)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def follow(self, names: Names = None, *, since: int | None = None) -> Iterator[Page]:
        """Give events as they happen; see `Workspace.follow`. Goes on by itself after a break."""
        wanted = None if names is None else set(self.select(names))
        for kind, _, text in self._line.messages("follow", since):
            if kind != "page":
                continue
            page: Page = load(Page, parse(text.encode()))
            events = tuple(e for e in page.events if wanted is None or e.job in wanted)
            if events:
                yield Page(events=events, next=page.next)

    def apply_heal(self, heal: Heal, *, why: str = "") -> int:
        """Have the owner write what `heal` found; see `Heal.apply`."""
        preview = heal.preview
        given = {"name": heal.name, "spec": preview.spec, "params": preview.params, "why": why}
        given["rejects"] = heal.healed.select(list(PLACE))
        rows: int = ask(self._line, CALLS["heals.apply"], given)
        return rows

    @property
    def connected(self) -> bool:
        """Whether the owner answered when it was asked last."""
        return not self._line.lost

    def before_close(self, do: Callable[[], None]) -> None:
        """Have something done when this client is closed."""
        self._closing.append(do)

    def close(self) -> None:
        """End this client; the owner and its jobs go on."""
        while self._closing:
            self._closing.pop()()
        self._remote_previews.close()
        self._line.close()

    def __repr__(self) -> str:
        where = f"Workspace({str(self.folder)!r} at {self._place}"
        if not self.connected:
            return f"{where}: its owner does not answer)"
        counts = Counter(view.status for view in self.views())
        jobs = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        return f"{where}: {jobs or 'no jobs'})"


class RemoteFailures(Failures):
    """The capsules of a workspace that another process owns: copies are opened here."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._opened = ExitStack()
        self._copies: Path | None = None
        self._opening = threading.Lock()

    def look(self) -> None:
        """Refused: the owner looks by itself."""
        raise Refused("the owner of the workspace keeps capsules of failures by itself")

    def of(self, name: str) -> Capsule | None:
        """Fetch the capsule of a job's last failure, for as long as this client is open."""
        packed: bytes | None = ask(self._line, CALLS["failures.packed"], {"name": name})
        if packed is None:
            return None
        with self._opening:
            if self._copies is None:
                made = TemporaryDirectory(prefix="capsules-")
                self._copies = Path(self._opened.enter_context(made))
            folder = self._copies / hashlib.sha256(packed).hexdigest()[:16]
            return Capsule(folder) if folder.exists() else open_capsule(io.BytesIO(packed), folder)

    def close(self) -> None:
        """Remove the copies."""
        self._opened.close()


class RemoteResources(Resources):
    """The CU of a workspace that another process owns."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def look(self) -> None:
        """Refused: the owner looks by itself."""
        raise Refused("the owner of the workspace looks at its usage by itself")


class RemoteTokens(Tokens):
    """Who may ask a workspace that another process serves."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def kept_in(self, where: object) -> None:
        """Refused: what serves the workspace keeps them."""
        raise Refused("tokens are kept by the process that serves the workspace")


class RemoteAlarms(Alarms):
    """The alarms of a workspace that another process owns."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules by name."""
        found: dict[str, Rule] = ask(self._line, CALLS["alarms.rules"], {})
        return found

    @property
    def df(self) -> pd.DataFrame:
        """The rules, and the jobs with which each is raised at this moment."""
        found: pd.DataFrame = ask(self._line, CALLS["alarms.df"], {})
        return found

    def callback(self, name: str, function: Any) -> None:
        """Refused: functions are called in the process that owns the workspace."""
        raise Refused("a Python function is called by the owner of a workspace alone")

    def look(self) -> None:
        """Refused: the owner looks by itself."""
        raise Refused("the owner of the workspace looks at its alarms by itself")

    def close(self) -> None:
        """Nothing is open here."""

    def __repr__(self) -> str:
        return f"{len(self.rules)} alarms"


class RemoteSamples(Samples):
    """The samples that are kept in a workspace that another process owns."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def save(self, name: str, sample: Sample, *, replace: bool = False) -> Sample:
        """Keep a sample under a name; see `Samples.save`."""
        given = {"name": name, "sample": sample, "replace": replace}
        ask(self._line, CALLS["samples.save"], given)
        return sample

    def __iter__(self) -> Iterator[str]:
        return iter([str(name) for name in self.list()["name"]])


class RemoteLog(Log):
    """The rows of a stream of a workspace that another process owns."""

    def __init__(self, line: Line, name: str) -> None:
        self._line = line
        self.name = name

    def append(self, rows: Any, schema: Any = None) -> int:
        """Append rows, all or none; see `Log.append`."""
        given = {"name": self.name, "rows": rows, "schema": schema}
        number: int = ask(self._line, CALLS["stream.append"], given)
        return number


def ask(line: Line, call: Call, arguments: dict[str, Any], number: str = "") -> Any:
    """Make a call; give what it gives, but for jobs, of which the names."""
    given = {}
    for parameter in call.parameters:
        value = arguments.get(parameter.name, parameter.default)
        if value is not parameter.default:
            given[parameter.name] = parameter.shape.send(value)
    for name, why in call.local.items():
        if arguments.get(name) is not None:
            raise Refused(f"`{name}` does not travel: {why}")
    plain, tables = line.ask(call.name, given, safe=call.again, number=number)
    return _GIVEN[call.gives](call, plain, tables)


def _frame(_: Call, __: Any, tables: list[pa.Table]) -> Any:
    return tables[0].to_pandas()


_GIVEN: MappingProxyType[Gives, Callable[[Call, Any, list[pa.Table]], Any]] = MappingProxyType(
    {
        Gives.NOTHING: lambda *_: None,
        Gives.VALUE: lambda call, plain, tables: load(call.hint, plain, tables),
        Gives.JOB: lambda _, plain, __: str(plain),
        Gives.JOBS: lambda _, plain, __: [str(name) for name in plain],
        Gives.HEAL: lambda _, plain, tables: load(Tried, plain, tables),
        Gives.FRAME: _frame,
        Gives.TABLE: lambda _, __, tables: tables[0],
    }
)


def _method(call: Call) -> Callable[..., Any]:
    signature = inspect.signature(call.method)

    @functools.wraps(call.method)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs).arguments
        given = ask(self._line, call, {k: v for k, v in bound.items() if k != "self"})
        if call.gives is Gives.JOB:
            return Job(self, given)
        if call.gives is Gives.HEAL:
            return given.heal(self)
        return [Job(self, name) for name in given] if call.gives is Gives.JOBS else given

    return method


def _make_methods() -> None:
    homes = {
        "": RemoteWorkspace,
        "resources": RemoteResources,
        "samples": RemoteSamples,
        "alarms": RemoteAlarms,
        "tokens": RemoteTokens,
    }
    for call in CALLS.values():
        home, _, name = call.name.rpartition(".")
        if home in homes and name not in vars(homes[home]):
            setattr(homes[home], name, _method(call))


_make_methods()
