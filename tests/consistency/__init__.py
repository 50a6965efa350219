"""Tests of the chapter on consistency models."""
