"""Chapter 09, caching: strategies, herds, races, loss, staleness and eviction.

An experiment is a file: what it shows, its parameters, its model, what theory says, its picture,
and the same on a real component. ``questions`` holds what the page asks.
"""
