"""The job's file: the log of its batches, of which the last one is the checkpoint.

`JobFile.commit` runs inside the batch's transaction. One row per batch holds the record, the
checkpoint and the facts, so that output, state, position and history are committed together and
by one insert; the rows wait there (an outbox) until `JobFile.take_facts` has seen them copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from streamops_nb.db import Session, ident, load_sql
from streamops_nb.engine.record import Checkpoint, Record
from streamops_nb.model.errors import StorageError, StreamopsError
from streamops_nb.model.start import Start

__all__ = ["FORMAT", "JobFile"]

FORMAT = 2
"""Version of the layout of a job's file; 2: checkpoints and records tell `cuts`."""


class JobFile:
    """One job's attached file, through the job's own session.

    Parameters
    ----------
    database
        The name under which the file is attached.
    """

    def __init__(self, session: Session, database: str) -> None:
        self._session = session
        self._db = ident(database)

    @property
    def database(self) -> str:
        """The quoted name of the attached file."""
        return self._db

    def open(self) -> Checkpoint:
        """Create what is missing and read where the job stands.

        Raises
        ------
        StorageError
            If the file was written by a newer version or does not hold what it should.
        """
        try:
            for statement in load_sql(__package__, "job_file.sql").split(";\n"):
                if "CREATE" in statement:
                    self._session.rows(statement.format(db=self._db))
            self._check_format()
            rows = self._session.rows(
                f"SELECT checkpoint FROM {self._db}.batches ORDER BY n DESC LIMIT 1"
            )
        except StorageError:
            raise
        except StreamopsError as error:
            raise StorageError(f"the job's file {self._db} cannot be read: {error}") from error
        return Checkpoint.from_json(rows[0][0]) if rows else Checkpoint()

    def _check_format(self) -> None:
        found = self.about("format")
        if found is None or int(found) < FORMAT:
            self.note("format", str(FORMAT))
        elif int(found) > FORMAT:
            raise StorageError(
                f"the job's file {self._db} has format {found}, this version reads up to {FORMAT} "
                "- use the newer version of streamops_nb that wrote it"
            )

    def about(self, key: str) -> str | None:
        """Read a note about the file."""
        rows = self._session.rows(f"SELECT value FROM {self._db}.about WHERE key = ?", [key])
        return rows[0][0] if rows else None

    def note(self, key: str, value: str) -> None:
        """Write a note about the file."""
        with self._session.transaction():
            self._session.run(f"DELETE FROM {self._db}.about WHERE key = ?", [key])
            self._session.run(f"INSERT INTO {self._db}.about VALUES (?, ?)", [key, value])

    def put(self, checkpoint: Checkpoint) -> None:
        """Set where the job stands without running a batch: a start point, a stop."""
        known = self._session.rows(f"SELECT 1 FROM {self._db}.batches WHERE n = ?", [checkpoint.n])
        if known:
            self._session.run(
                f"UPDATE {self._db}.batches SET checkpoint = ? WHERE n = ?",
                [checkpoint.to_json(), checkpoint.n],
            )
        else:
            self._session.run(
                f"INSERT INTO {self._db}.batches VALUES (?, NULL, ?, '[]')",
                [checkpoint.n, checkpoint.to_json()],
            )

    def next_start(self) -> Start | None:
        """Give the start point that was chosen for the next start, if one was."""
        text = self.about("next start")
        return Start.model_validate_json(text) if text else None

    def choose_start(self, start: Start | None) -> None:
        """Choose the next start point: window state is dropped then. None takes it back."""
        self.note("next start", start.model_dump_json() if start else "")

    def let_drop(self) -> None:
        """Let the next start drop window state that does not fit the query any more."""
        self.note("may drop state", "yes")

    @property
    def may_drop(self) -> bool:
        """Whether the next start may drop window state that does not fit."""
        return self.about("may drop state") is not None

    def clear(self) -> None:
        """Drop window state but keep position (the stop point), output and history."""
        stopped = self.open().without_state()
        with self._session.transaction():
            self._drop_state(self.state_tables())
            self.put(stopped)

    def begin_at(self, first: Checkpoint, state: Mapping[str, Sequence[str]]) -> None:
        """Start anew at a start point: no window state is kept, and no choice of another.

        Parameters
        ----------
        state
            The tables that will hold window state, as `state` gives them.
        """
        with self._session.transaction():
            self._drop_state(self.state_tables())
            self._forget("next start", "may drop state")
            self.note_state(state)
            self.put(first)

    def go_on_at(
        self,
        first: Checkpoint,
        state: Mapping[str, Sequence[str]],
        drops: Iterable[str],
        *,
        again: bool,
    ) -> None:
        """Go on with the window state, or with a part of it.

        Parameters
        ----------
        state
            The tables that will hold window state, as `state` gives them.
        drops
            Those that are dropped.
        again
            Whether a batch that was begun and not committed may still be run as it was begun.
        """
        with self._session.transaction():
            self._drop_state(drops, begun=not again)
            self._forget("may drop state")
            self.note_state(state)
            self.put(first)

    def state(self) -> dict[str, tuple[str, str]] | None:
        """Give each table of window state, quoted, with the fingerprints under which it is kept.

        See `streamops_nb.plan.operator.StateTable`: the table's own, and of what feeds it (empty if
        the file is older than that). None if no plan has been noted yet.
        """
        text = self.about("state")
        if text is None:
            return None
        fed = json.loads(self.about("state fed by") or "{}")
        return {name: (kept, fed.get(name, "")) for name, kept in json.loads(text).items()}

    def note_state(self, state: Mapping[str, Sequence[str]]) -> None:
        """Note which tables of window state are kept, as `state` gives them."""
        self._forget("state", "state fed by")
        for key, number in (("state", 0), ("state fed by", 1)):
            prints = {name: each[number] for name, each in state.items()}
            self._session.run(
                f"INSERT INTO {self._db}.about VALUES (?, ?)", [key, json.dumps(prints)]
            )

    def state_tables(self) -> list[str]:
        """Name the tables of window state, quoted."""
        return list(self.state() or {})

    def _forget(self, *keys: str) -> None:
        for key in keys:
            self._session.run(f"DELETE FROM {self._db}.about WHERE key = ?", [key])

    def _drop_state(self, tables: Iterable[str], *, begun: bool = True) -> None:
        for name in tables:
            self._session.run(f"DROP TABLE IF EXISTS {name}")
        self._forget("state", "state fed by")
        if begun:
            self._session.run(f"DELETE FROM {self._db}.begun")

    def begun(self, n: int) -> Record | None:
        """Give the record of batch `n` if it was begun and never committed."""
        rows = self._session.rows(f"SELECT record FROM {self._db}.begun WHERE n = ?", [n])
        return Record.from_json(rows[0][0]) if rows else None

    def begin(self, record: Record) -> None:
        """Make the record of a batch durable before anything of the batch leaves the file."""
        with self._session.transaction():
            self._session.run(f"DELETE FROM {self._db}.begun")
            self._session.run(
                f"INSERT INTO {self._db}.begun VALUES (?, ?)", [record.n, record.to_json()]
            )

    def commit(
        self,
        record: Record,
        checkpoint: Checkpoint,
        facts: Sequence[dict[str, Any]],
        rejects: pa.Table | None,
    ) -> None:
        """Write batch, checkpoint, facts and rejects; the caller holds the transaction."""
        if rejects is not None and rejects.num_rows:
            with self._session.registered(_rejects=rejects):
                self._session.run(f"INSERT INTO {self._db}.rejects SELECT * FROM _rejects")
        self._session.run(
            f"INSERT INTO {self._db}.batches VALUES (CAST($n AS BIGINT), "
            "CAST($record AS VARCHAR), CAST($after AS VARCHAR), CAST($facts AS VARCHAR))",
            often={
                "n": record.n,
                "record": record.to_json(),
                "after": checkpoint.to_json(),
                "facts": json.dumps(list(facts)),
            },
        )

    def take_facts(self, after: int) -> list[tuple[int, list[dict[str, Any]]]]:
        """Read the facts of all batches above number `after`, oldest first."""
        rows = self._session.rows(
            f"SELECT n, facts FROM {self._db}.batches WHERE n > ? ORDER BY n", [after]
        )
        return [(n, json.loads(facts)) for n, facts in rows]

    def forget(self, up_to: int) -> None:
        """Drop the rows of batches whose facts have been copied (the last batch stays)."""
        self._session.run(
            f"DELETE FROM {self._db}.batches WHERE n <= ? "
            f"AND n < (SELECT max(n) FROM {self._db}.batches)",
            [up_to],
        )

    def keep_rejects(self, keep: int) -> int:
        """Drop all but the newest `keep` rejects of each stage and kind."""
        return self._session.run(
            f"DELETE FROM {self._db}.rejects WHERE rowid IN (SELECT rowid FROM {self._db}.rejects "
            f"QUALIFY row_number() OVER (PARTITION BY stage, kind ORDER BY rowid DESC) > {keep})"
        )
