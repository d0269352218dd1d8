"""Previews: a query over a pinned sample, stage by stage, in a sealed database."""
