"""Tests of recipes, folders, reports and whole builds."""
