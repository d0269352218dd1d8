"""The one door, spoken from another process."""
