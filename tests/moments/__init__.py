"""Parity with references written from the formulas, and properties."""
