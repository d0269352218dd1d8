"""The only room that imports duckdb: instances, sessions, quoting, errors at the border."""

from streamops_nb.db.names import ident, literal, load_sql, struct_type
from streamops_nb.db.session import Instance, Session, open_instance, read_table, sealed

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
