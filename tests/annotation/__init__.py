"""Tests of people's judgement."""
