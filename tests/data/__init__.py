"""Tests of the edge: every bad file, every promise of the store and the shards."""
