"""The one door to jobs: `Workspace` and `Job`."""
