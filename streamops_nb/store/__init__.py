"""What a workspace remembers: jobs, versions, events, resources, and who owns it."""

from streamops_nb.store.catalog import Catalog
from streamops_nb.store.lock import Owner, WorkspaceLock
from streamops_nb.store.records import Allocation, JobRecord, Page, Version

__all__ = ["Allocation", "Catalog", "JobRecord", "Owner", "Page", "Version", "WorkspaceLock"]
