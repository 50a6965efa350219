"""Tests of the chapter on trade-offs."""
