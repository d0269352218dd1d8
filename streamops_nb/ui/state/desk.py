"""What one person does at one screen: looks, asks, is asked back, is told what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import param

from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import number_of
from streamops_nb.ui.state.board import Board
from streamops_nb.ui.state.notices import Notices
from streamops_nb.ui.state.permits import Permits
from streamops_nb.ui.state.picture import Picture
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["Desk", "Question", "Worker"]

T = TypeVar("T")

_FROM_NOW_ON = (
    "Of streams that never end it reads what comes from now on; to read what is there already, "
    "stop it and choose “Start from…” (⋯), earliest."
)


class Worker(Protocol):
    """Does work that may last, off the screen; see `streamops_nb.ui.bridge.Screen`."""

    def run(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do the work, then call back where screens may be changed."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something that is asked back before it is done.

    Parameters
    ----------
    plan
        What it would do to each job, if the door can say.
    why
        Why it is asked; empty if it is always.
    """

    wish: Wish
    plan: Any = None
    why: str = ""

    @property
    def allowed(self) -> list[str]:
        """The jobs to which it can be done."""
        return list(self.wish.names) if self.plan is None else self.plan.jobs


class Desk(param.Parameterized):
    """The state of one page.

    Parameters
    ----------
    door
        The workspace, or one that is far away.
    worker
        Where work is done.

    Attributes
    ----------
    board, notices
        The list of jobs, and what was told.
    permits
        What the person may ask of the door.
    """

    question = param.ClassSelector(class_=Question, default=None, allow_None=True)
    asked = param.Dict(default={}, doc="Per job, what was asked of it and is still under way.")
    file = param.Tuple(default=("", ""), doc="A file that is handed over: name and content.")
    place: Any = param.Selector(default="list", objects=["list", "job", "new", "alarms"])
    job = param.String("", doc="The job that is open.")
    tab = param.String("summary", doc="The part of the open job that is shown.")

    def __init__(self, door: Any, worker: Worker) -> None:
        super().__init__()
        self.door = door
        self.worker = worker
        self.permits = Permits(door)
        self.board = Board()
        self.notices = Notices()

    # where

    def open(self, job: str, tab: str = "summary") -> None:
        """Open a job."""
        self.param.update(job=job, tab=tab or "summary", place="job")

    def alarms(self, job: str = "") -> None:
        """Open the alarms, to watch a job."""
        self.param.update(job=job, place="alarms")

    def back(self) -> None:
        """Go back to the list."""
        self.param.update(place="list", job="")

    def see(self, picture: Picture) -> None:
        """Take a new picture of the workspace."""
        self.board.picture = picture

    # asking

    def ask(self, wish: Wish) -> None:
        """Do what is asked; where that has consequences, ask back first."""
        if not wish.names:
            self.notices.tell("info", f"Select jobs to {wish.verb} first.")
        elif not wish.asks_first:
            self.do(wish)
        elif wish.planned:
            self.worker.run(
                lambda: wish.plan(self.door),
                lambda plan: self._ask_back(Question(wish=wish, plan=plan)),
                lambda error: self._failed(wish, error),
            )
        else:
            self._ask_back(Question(wish=wish))

    def _ask_back(self, question: Question) -> None:
        self.question = question

    def answer(self, *, yes: bool, best_effort: bool = False) -> None:
        """Answer the question that is open."""
        question, self.question = self.question, None
        if question is None or not yes:
            return
        wish = question.wish
        if best_effort and wish.planned:
            wish = replace(wish, how={**wish.how, "best_effort": True})
        self.do(wish)

    def do(self, wish: Wish) -> None:
        """Do it now; what came of it is told."""
        self.asked = {**self.asked, **dict.fromkeys(wish.names, wish.verb)}
        self.worker.run(
            lambda: (self._first(wish), wish.do(self.door)),
            lambda done: self._done(wish, *done),
            lambda error: self._failed(wish, error),
        )

    def _over(self, wish: Wish) -> None:
        self.asked = {job: verb for job, verb in self.asked.items() if job not in wish.names}

    def _done(self, wish: Wish, first: str, outcomes: list[Any]) -> None:
        self._over(wish)
        if wish.verb is Verb.DELETE:
            self._deleted(wish, outcomes)
            return
        undone = [f"{o.job}: {o.why}" for o in outcomes if not o.done]
        done = len(outcomes) - len(undone)
        if len(outcomes) == 1 and not undone:
            text = f"{outcomes[0].job} is {outcomes[0].status}.{first}"
        else:
            text = f"{wish.verb.capitalize()}: {done} of {number_of(len(outcomes), 'job')} done."
        self.notices.tell("warning" if undone else "success", text, details=undone, line=wish.line)

    def _first(self, wish: Wish) -> str:
        """Say where a first start reads from, if nobody chose that."""
        row = self.board.picture.rows.get(wish.names[0])
        if wish.verb is not Verb.START or wish.how or row is None or row.view.run:
            return ""
        return f" {_FROM_NOW_ON}" if self.door.spec(row.name).start.at is None else ""

    def _deleted(self, wish: Wish, names: list[str]) -> None:
        if self.job in names:
            self.back()
        self.notices.tell("success", f"Deleted {', '.join(names)}.", line=wish.line)

    def _failed(self, wish: Wish, error: Exception) -> None:
        self._over(wish)
        agreeable = isinstance(error, Refused) and "drop_state=True" in str(error)
        if agreeable and "drop_state" not in wish.how:
            again = replace(wish, how={**wish.how, "drop_state": True})
            self.question = Question(wish=again, why=str(error))
            return
        self.notices.tell_error(error, f"{wish.title} was not done", wish.line)

    # whatever else is done at a screen

    def work(
        self, doing: str, work: Callable[[], T], then: Callable[[T], None], line: str = ""
    ) -> None:
        """Do something that may last; a failure is told.

        Parameters
        ----------
        doing
            What was not done, if it fails.
        line
            The line of Python that does the same.
        """
        self.worker.run(work, then, lambda error: self._told(doing, error, line))

    def _told(self, doing: str, error: Exception, line: str) -> None:
        self.notices.tell_error(error, doing, line)

    def export(self, *jobs: str) -> None:
        """Hand the configuration of jobs over: one as YAML, several as a ZIP."""
        which: Any = jobs[0] if len(jobs) == 1 else list(jobs)
        what = jobs[0] if len(jobs) == 1 else f"{len(jobs)} jobs"
        name = f"{jobs[0]}.yaml" if len(jobs) == 1 else "jobs.zip"
        line = f"ws.export({which!r}, to={name!r})"
        self.work(
            f"{what} could not be exported",
            lambda: self.door.export(which),
            lambda content: self._exported(what, name, content, line),
            line,
        )

    def _exported(self, what: str, name: str, content: str | bytes, line: str) -> None:
        self.hand_over(name, content)
        self.notices.tell("success", f"Exported {what}.", line=line)

    def hand_over(self, name: str, text: str | bytes, line: str = "") -> None:
        """Hand a file over to the person, and tell the line of Python that makes it."""
        self.file = (name, text)
        if line:
            self.notices.tell("success", f"Downloaded {name}.", line=line)

    def import_(self, name: str, content: bytes) -> None:
        """Import a file: YAML, JSON, or a ZIP of these."""
        what = content if name.lower().endswith(".zip") else content.decode(errors="replace") + "\n"
        self.work(
            f"{name} was not imported",
            lambda: [job.name for job in self.door.import_(what)],
            lambda jobs: self._imported(name, jobs),
            f"ws.import_({name!r})",
        )

    def _imported(self, name: str, jobs: list[str]) -> None:
        text = f"Imported {', '.join(jobs)}."
        self.notices.tell("success", text, line=f"ws.import_({name!r})")

    def guard(self, handler: Callable[..., Any], doing: str = "") -> Callable[..., Any]:
        """Wrap a handler of clicks: what it raises is told, never lost."""

        def guarded(*given: Any, **named: Any) -> Any:
            try:
                return handler(*given, **named)
            except Exception as error:  # noqa: BLE001 - whatever it is, the person must see it
                self.notices.tell_error(error, doing or "Something failed")
                return None

        return guarded
