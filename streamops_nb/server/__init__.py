"""The one door over HTTP."""
