"""Closed forms of the chapter."""
