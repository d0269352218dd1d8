"""The screens in Panel: a page, and components that stand alone."""
