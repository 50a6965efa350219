"""Tests of chapter 10's experiments and lab."""
