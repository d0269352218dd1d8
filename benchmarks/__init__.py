"""Measurements of streamops_nb: ``python -m benchmarks [NAME…]``; the tables are in the docs."""
