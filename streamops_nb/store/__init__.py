"""What a workspace remembers: jobs, versions, events, resources, and who owns it."""
