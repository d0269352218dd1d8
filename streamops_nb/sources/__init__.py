"""Where streams come from; `streamops_nb.sources.base` states the port."""
