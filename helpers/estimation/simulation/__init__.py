"""Simulations of the chapter: parameters in, results out."""
