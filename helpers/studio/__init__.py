"""Chapter 11: designs that are run, models that lie, and stories and bad days re-created.

One file for each experiment; `beside` holds how a model and its repair are drawn.
"""
