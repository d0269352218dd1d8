"""How bytes become rows; `streamops_nb.formats.base` states the port."""
