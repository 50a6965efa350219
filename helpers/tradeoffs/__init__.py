"""Chapter 03: what every choice optimises for, and at what expense: one experiment, one file.

`questions` holds what the chapter asks, `lab` each learner's own numbers.
"""
