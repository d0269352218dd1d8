"""Where output rows go; `streamops_nb.sinks.base` states the port."""
