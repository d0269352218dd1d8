"""The compact screens, of ipywidgets alone: they work also where Panel's messages do not pass."""
