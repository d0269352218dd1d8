"""The only room that imports duckdb: instances, sessions, quoting, errors at the border."""

from streamops_nb.db.instance import Instance, open_instance, sealed
from streamops_nb.db.names import ident, literal, load_sql, struct_type
from streamops_nb.db.session import Session, read_table

__all__ = [
    "Instance",
    "Session",
    "ident",
    "literal",
    "load_sql",
    "open_instance",
    "read_table",
    "sealed",
    "struct_type",
]
