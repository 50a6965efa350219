"""Chapter 07: what copies promise, and what breaks the promise: one experiment, one file.

`questions` holds what the chapter asks, `lab` each learner's own numbers.
"""
