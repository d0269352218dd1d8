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

html_theme = "pydata_sphinx_theme"
html_title = "streamops_nb"
html_copy_source = False
html_show_sphinx = False
# everything a reader's browser needs lies in the site: no fonts, scripts or pictures from elsewhere
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "search_as_you_type": True,
}
