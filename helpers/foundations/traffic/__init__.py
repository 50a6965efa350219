"""Seeded traffic: named random streams, arrivals, service times and the keys requests ask for.

Every distribution is available with unit mean, so that a caller can draw once and rescale: two
designs, or two positions of a slider, then meet the *same* traffic (common random numbers), and
the difference between them is the design's and not the dice's.

Arrays of times with shape (R, n), for R replications of n requests, are laid out with the
replications of one request side by side in memory, which is the way the queueing engine steps.
"""
