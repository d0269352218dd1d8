"""Planning a specification's query without opening its streams."""

from __future__ import annotations

import pyarrow as pa

from streamops_nb.engine.assembly import Surroundings, open_stream, plan_spec
from streamops_nb.engine.references import read_reference
from streamops_nb.model.errors import Fault, Refused, SpecRefused
from streamops_nb.model.spec import JobSpec
from streamops_nb.plan.operator import Plan

__all__ = ["plan_of", "references_of", "schemas_of"]


def plan_of(spec: JobSpec, around: Surroundings, database: str) -> Plan:
    """Plan a specification's query, as a start would.

    A stream whose schema is to be inferred is sampled; others are not opened.

    Raises
    ------
    Refused
        With every fault of the query.
    SourceError
        If a stream to be sampled does not answer.
    """
    schemas, references = schemas_of(spec, around), references_of(spec, around)
    return plan_spec(spec, schemas, references, around, database=database)


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
