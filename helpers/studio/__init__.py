"""Chapter 11: designs that are run, models that lie, and stories and bad days re-created.

One file for each experiment. `deck` holds the briefs, `judge` the scorecard, `references` the
course's own designs; `beside` holds how a model and its repair are drawn.
"""
