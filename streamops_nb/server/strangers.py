"""What others than the user who runs the owner may name in a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streamops_nb.model.errors import Forbidden
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.configuring import read_specs
from streamops_nb.ops.preview.bare import is_query
from streamops_nb.ops.workspace import Workspace
from streamops_nb.plan import specfile
from streamops_nb.plan.reader import Reader
from streamops_nb.server.allowing import Allowed
from streamops_nb.server.people import Person
from streamops_nb.wire.role import Role

__all__ = ["Strangers"]

_Arguments = dict[str, Any]


class Strangers:
    """Holds people to what they may name, before a call is made.

    Parameters
    ----------
    allowed
        Files, hosts and variables.
    reader
        Checks queries.
    """

    def __init__(self, workspace: Workspace, allowed: Allowed, reader: Reader) -> None:
        self._workspace = workspace
        self._allowed = allowed
        self._reader = reader
        self._looks: Mapping[str, Callable[[_Arguments], None]] = {
            "read": self._read,
            "alarms.set": self._alarm,
            "alarms.webhook": self._webhook,
            "backup": self._backup,
            "import_": self._import,
            "save": lambda given: self._spec(given, "spec"),
            "fits": lambda given: self._spec(given, "spec"),
            "previews.run": lambda given: self._spec(given, "spec"),
            "previews.latest": lambda given: self._spec(given, "spec"),
            "preview": self._preview,
            "heal": self._heal,
            "heals.apply": self._heal,
        }

    def look_at(self, name: str, person: Person, arguments: _Arguments) -> None:
        """Look at what is given to a call; specifications in it are put in as they were checked.

        Raises
        ------
        Refused
            If something may not be named.
        """
        author = arguments.get("author")
        if author not in (None, person.name) and person.role < Role.ADMIN:
            raise Forbidden(f"a version saved by {person.name} has that author - leave it out")
        if name in self._looks:
            self._looks[name](arguments)

    def _read(self, given: _Arguments) -> None:
        shown = given.get("shown") or {}
        for below in shown.values():
            self._reader.check(below)
        metrics = {"metrics"} if given.get("outputs") else set()
        self._reader.check(given["query"], {*shown, *metrics})

    def _alarm(self, given: _Arguments) -> None:
        if given.get("metrics"):
            self._reader.check(f"SELECT ({given['metrics']}) FROM metrics", {"metrics"})

    def _webhook(self, given: _Arguments) -> None:
        settings = {key: given.get(key, "") for key in ("url", "secret")}
        self._allowed.check_settings(settings, "webhook")

    def _backup(self, given: _Arguments) -> None:
        if not self._allowed.may_write(given["to"]):
            raise Forbidden(
                f"{given['to']} lies in no folder that may be written -"
                " `streamops serve --allow-folder` allows more"
            )

    def _import(self, given: _Arguments) -> None:
        for spec in read_specs(given["what"]):
            self._allowed.check(spec)

    def _preview(self, given: _Arguments) -> None:
        what = given["what"]
        # a job, or a query: its relations are those of jobs, or rows that come with it
        if not (isinstance(what, str) and (what in self._workspace.jobs or is_query(what))):
            self._spec(given, "what")

    def _heal(self, given: _Arguments) -> None:
        saved, spec = self._workspace.spec(given["name"]), given.get("spec")
        if spec is not None:
            given["spec"] = spec = _read(spec)
        changed = self._workspace.previews.changed(spec or saved, changes=given.get("changes"))
        self._allowed.check(changed, beside=saved)

    def _spec(self, given: _Arguments, key: str) -> None:
        if given.get(key) is not None:
            given[key] = spec = _read(given[key])
            self._allowed.check(spec)


def _read(what: JobSpec | str | Mapping[str, Any]) -> JobSpec:
    if isinstance(what, str):
        # text with a line's end is never taken for the name of a file of the server's
        return specfile.load(f"{what}\n")
    return specfile.load(what) if isinstance(what, Mapping) else specfile.check(what)
