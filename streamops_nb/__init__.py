"""Stream jobs as one DuckDB query: preview, run and operate them from a notebook."""
