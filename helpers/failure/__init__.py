"""Chapter 06: what breaks, what keeps it from becoming an outage, and what makes it worse.

One file for each experiment; `remedies` holds what clients do about a server that does not answer.
"""
