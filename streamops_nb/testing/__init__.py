"""For those who test their jobs, sources and sinks; nothing here runs in production."""
