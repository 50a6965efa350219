"""Measurements leave nothing behind."""

from tests.caching.conftest import tidy

__all__ = ["tidy"]
