"""Chapter 04, the anatomy of a system: what each box does, and what happens when it is gone.

An experiment is a file: what it shows, its parameters, its model, what theory says, its picture,
and the same on a real component. ``questions`` holds what the page asks.
"""
