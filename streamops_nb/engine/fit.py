"""Whether window state that is kept in a job's file fits a plan."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

from streamops_nb.engine.assembly import Surroundings, open_stream, plan_spec
from streamops_nb.engine.checkpoint import JobFile
from streamops_nb.engine.references import read_reference
from streamops_nb.model.errors import Fault, Refused, SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.operator import Plan

__all__ = ["misfits", "references_of", "schemas_of", "tables_of"]


def tables_of(spec: JobSpec, around: Surroundings, database: str) -> dict[str, str]:
    """Give the state tables that a specification's query keeps, and the fingerprint of each.

    A stream whose schema is to be inferred is sampled; others are not opened.

    Raises
    ------
    Refused
        With every fault of the query.
    SourceError
        If a stream to be sampled does not answer.
    """
    schemas, references = schemas_of(spec, around), references_of(spec, around)
    plan = plan_spec(spec, schemas, references, around, database=database)
    return {table.name: table.fingerprint for table in plan.tables}


def misfits(wanted: Plan | Mapping[str, str], file: JobFile) -> list[str]:
    """Name the state tables in a job's file that a plan would not go on with."""
    if isinstance(wanted, Plan):
        wanted = {table.name: table.fingerprint for table in wanted.tables}
    kept = json.loads(file.about("state") or "{}")
    if not kept:
        return []
    return sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name))


def schemas_of(spec: JobSpec, around: Surroundings) -> dict[str, dict[str, str]]:
    """Give the schema of each stream; one that is to be inferred is sampled."""
    schemas: dict[str, dict[str, str]] = {}
    faults: list[Fault] = []
    for name, stream in spec.streams.items():
        if stream.fields is not None:
            schemas[name] = stream.fields
            continue
        session = around.instance.session()
        try:
            opened = open_stream(name, stream, around, session)
            schemas[name] = opened.schema
            opened.source.close()
        except Refused as refusal:
            faults += refusal.faults
        finally:
            session.close()
    if faults:
        raise SpecRefused(faults)
    return schemas


def references_of(spec: JobSpec, around: Surroundings) -> dict[str, pa.Table]:
    """Read all references; `SpecRefused` with every one that cannot be read."""
    tables: dict[str, pa.Table] = {}
    faults: list[Fault] = []
    for name, reference in spec.references.items():
        try:
            tables[name] = read_reference(name, reference, around.folder)
        except Refused as refusal:
            faults += refusal.faults
    if faults:
        raise SpecRefused(faults)
    return tables
