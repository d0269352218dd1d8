"""A table in the job's own file, written in the transaction of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streamops_nb.db import Session, ident, load_sql
from streamops_nb.model.duration import Duration
from streamops_nb.model.errors import Fault, SpecRefused
from streamops_nb.sinks import base

__all__ = ["TableRetention", "TableSettings", "TableSink"]

_PACKAGE = "streamops_nb.sinks"
# 100,000 rows are deleted in about 5 ms; one call of `tidy` stays well below a batch's time
_ROWS_AT_ONCE = 100_000
_DELETES = 5


class TableRetention(BaseModel):
    """How long rows are kept; the newest batch always is.

    A job that reads this output and falls so far behind that whole batches are gone before it came
    to them fails with that reason; single rows that a `column` made too old are just not seen.

    Parameters
    ----------
    age
        Delete rows older than this: by `column`, or else by when their batch was written.
    column
        A time column; ages count back from its largest value in the table.
    rows
        Keep the newest rows, so many at least: whole batches are deleted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: Duration | None = None
    column: str | None = None
    rows: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _something_is_asked_for(self) -> Self:
        if self.age is None and self.rows is None:
            raise ValueError("retention needs an age or a number of rows")
        if self.column is not None and self.age is None:
            raise ValueError("retention by column needs an age")
        return self


class TableSettings(base.Settings):
    """Settings of a table sink.

    Parameters
    ----------
    key
        Columns by which a row replaces an older one (upsert); empty appends.
    order
        With a key: which of several rows of one key in one batch stays, the largest by these
        columns. Default ``window_end`` where the output has it, else (and among equals) the row
        that the query gave last - which is the order of arrival for a query without aggregates.
    retention
        What is deleted now and then; null keeps everything.
    """

    key: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    retention: TableRetention | None = None


class TableSink:
    """The table ``output`` of the job's file: the query's columns and ``_batch``.

    Beside it lies ``output_marks``: up to which batch had been written at some time, and up to
    which batch retention has removed everything.
    """

    Settings: ClassVar[type[base.Settings]] = TableSettings
    transactional: ClassVar[bool] = True

    def __init__(self, settings: TableSettings, context: base.Context) -> None:
        self._key = settings.key
        self._retention = settings.retention
        self._schema = context.schema
        self._job = context.job
        self._table = f"{context.database}.main.output"
        self._marks = f"{context.database}.main.output_marks"
        names = {name.lower() for name in context.schema}
        self._order = settings.order or tuple(
            {"window_end"} & names - {k.lower() for k in self._key}
        )
        self._refuse(settings)

    def open(self, session: Session) -> None:
        """See `streamops_nb.sinks.base.TransactionalSink.open`."""
        columns = ", ".join(f"{ident(name)} {kind}" for name, kind in self._schema.items())
        session.run(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns}, _batch BIGINT)")
        session.run(
            f"CREATE TABLE IF NOT EXISTS {self._marks} "
            "(batch BIGINT, written TIMESTAMPTZ, removed BOOLEAN)"
        )
        self._compare(session)

    def write(self, n: int, select: str, session: Session) -> int:
        """See `streamops_nb.sinks.base.TransactionalSink.write`."""
        if not self._key:
            return session.run(
                f"INSERT INTO {self._table} BY NAME "
                f"SELECT *, CAST($_streamops_n AS BIGINT) AS _batch FROM (\n{select}\n)",
                often={"_streamops_n": n},
            )
        keys = ", ".join(map(ident, self._key))
        order = "".join(f"{ident(name)} DESC NULLS LAST, " for name in self._order)
        same = " AND ".join(
            f"{ident('older', name)} IS NOT DISTINCT FROM {ident('newer', name)}"
            for name in self._key
        )
        written = session.run(
            load_sql(_PACKAGE, "upsert_insert.sql").format(
                table=self._table, n=n, select=select, keys=keys, order=order
            )
        )
        session.run(
            load_sql(_PACKAGE, "upsert_delete.sql").format(
                table=self._table, n=n, keys=keys, same=same
            )
        )
        return written

    def tidy(self, session: Session) -> None:
        """See `streamops_nb.sinks.base.TransactionalSink.tidy`."""
        if self._retention is None:
            return
        newest = session.rows(f"SELECT max(_batch) FROM {self._table}")[0][0]
        if newest is None:
            return
        if self._retention.age is not None:
            self._delete(session, newest, self._expired(session, newest))
        if self._retention.rows is not None:
            cutoff = session.rows(
                load_sql(_PACKAGE, "beyond_rows.sql").format(
                    table=self._table, rows=self._retention.rows
                )
            )[0][0]
            self._delete(session, newest, f"_batch <= {cutoff or 0}")

    def _expired(self, session: Session, newest: int) -> str:
        """Say in SQL which rows are too old."""
        assert self._retention is not None
        assert self._retention.age is not None
        age = f"to_microseconds({self._retention.age // timedelta(microseconds=1)})"
        if self._retention.column is not None:
            column = ident(self._retention.column)
            return f"{column} < (SELECT max({column}) FROM {self._table}) - {age}"
        session.run(
            f"INSERT INTO {self._marks} SELECT {newest}, now(), false WHERE {newest} > "
            f"(SELECT coalesce(max(batch), 0) FROM {self._marks} WHERE NOT removed)"
        )
        old = f"FROM {self._marks} WHERE NOT removed AND written < now() - {age}"
        cutoff = session.rows(f"SELECT coalesce(max(batch), 0) {old}")[0][0]
        # the newest mark stays: it says that nothing has been written since
        session.run(f"DELETE {old} AND batch < {cutoff}")
        return f"_batch <= {cutoff}"

    def _delete(self, session: Session, newest: int, where: str) -> None:
        """Delete rows, the oldest first, a bounded number at a time."""
        doomed = (
            f"SELECT rowid FROM {self._table} WHERE _batch < {newest} AND ({where}) "
            f"LIMIT {_ROWS_AT_ONCE}"
        )
        for _ in range(_DELETES):
            with session.transaction():
                gone = session.run(f"DELETE FROM {self._table} WHERE rowid IN ({doomed})")
                if gone:
                    session.run(f"DELETE FROM {self._marks} WHERE removed")
                    session.run(
                        f"INSERT INTO {self._marks} SELECT min(_batch) - 1, now(), true "
                        f"FROM {self._table}"
                    )
            if gone < _ROWS_AT_ONCE:
                return

    def _compare(self, session: Session) -> None:
        """Refuse to write into a table that was made for another query."""
        there = session.describe(f"SELECT * FROM {self._table}")
        there.pop("_batch", None)
        casts = ", ".join(f"CAST(NULL AS {t}) AS {ident(c)}" for c, t in self._schema.items())
        wanted = session.describe(f"SELECT {casts}")
        faults = [
            f"the column {name} is {there.get(name, 'not there')} in the table and "
            f"{wanted.get(name, 'not there')} in the query"
            for name in dict.fromkeys([*there, *wanted])
            if there.get(name) != wanted.get(name)
        ]
        if faults:
            remedy = (
                f"save the job under another name, or delete the output of {self._job} to begin "
                "a new one"
            )
            raise SpecRefused([Fault(what=fault, where="sink", remedy=remedy) for fault in faults])

    def _refuse(self, settings: TableSettings) -> None:
        """Refuse settings that do not fit the query's columns."""
        faults = [
            Fault(
                what=f"the query's column {name} has a name that the table sink needs itself",
                where="query",
                remedy=f'give it another name: {name} AS "{name.strip("_")}"',
            )
            for name in self._schema
            if name.lower() in {"_batch", "_arrival"}
        ]
        faults += self._unknown("sink.key", settings.key)
        faults += self._unknown("sink.order", settings.order)
        if settings.retention is not None and settings.retention.column is not None:
            column = settings.retention.column
            faults += self._unknown("sink.retention.column", [column])
            kind = {name.lower(): kind for name, kind in self._schema.items()}.get(column.lower())
            if kind is not None and not kind.upper().startswith(("TIMESTAMP", "DATE")):
                remedy = "give a column of type TIMESTAMPTZ, TIMESTAMP or DATE"
                where = "sink.retention.column"
                faults.append(Fault(what=f"{column} is {kind}", where=where, remedy=remedy))
        if faults:
            raise SpecRefused(faults)

    def _unknown(self, where: str, names: Sequence[str]) -> list[Fault]:
        known = {name.lower() for name in self._schema}
        return [
            Fault(
                what=f"the query has no column {name}",
                where=where,
                remedy=f"it has {', '.join(self._schema)}",
            )
            for name in names
            if name.lower() not in known
        ]
