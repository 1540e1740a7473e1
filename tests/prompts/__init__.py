"""Tests of the vocabulary, its rules and the words."""
