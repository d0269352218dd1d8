"""How the documentation site is built: `make docs`; a warning is an error."""

from __future__ import annotations

import streamops_nb

project = "streamops_nb"
author = "the streamops_nb authors"
version = release = streamops_nb.__version__
project_copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["adr/0000-template.md"]
myst_heading_anchors = 3
# $name is a parameter of ours, and no SQL to the highlighter
suppress_warnings = ["misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = False

# everything a reader's browser needs lies in the site (offline.py looks)
html_theme = "furo"
html_title = "streamops_nb"
html_copy_source = False
html_show_sphinx = False
