"""``python -m room``: wait for submissions of one lab, and run one after the other."""

from .serve import serve

serve()
