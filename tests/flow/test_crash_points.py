"""Crash points; being written by U."""
