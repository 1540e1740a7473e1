"""Measurements, not tests: two ways in one run, with their ratio."""
