"""How to approach design: ask, estimate, draw, break, and find what breaks first."""
