"""Runs jobs: the recipe of a batch, the loop around it, many loops on few threads."""
