"""The screens: what they hold (`state`), where threads meet them (`bridge`), how they look."""
