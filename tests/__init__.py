"""Mirrors the tree; every test names the behaviour that it holds."""
