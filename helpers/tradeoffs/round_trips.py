"""How long a round trip takes, and how likely it is that fewer than k of several are over.

Where that stops being true: both ask for delays that know nothing of one another.
"""

from __future__ import annotations

import numpy as np

from helpers.tradeoffs.wars import Delay


def round_trip(go: Delay, back: Delay, ms: np.ndarray) -> np.ndarray:
    """Probability that one way and the other take at most so long together."""
    edges = np.concatenate([[0.0], 1 - np.geomspace(1, 1e-8, 800)[1:]])
    middles = (edges[1:] + edges[:-1]) / 2
    # Where in the second delay: both of its parts, each at fine steps.
    total = np.zeros(ms.shape)
    for share, which in ((back.body, 0.0), (1 - back.body, 1.0)):
        steps = back.at(np.full(middles.shape, which), middles)
        left = np.maximum(ms[:, None] - steps, 0.0)
        total += share * (go.below(left) * np.diff(edges)).sum(axis=1)
    return total


def fewer_than(k: int, shares: list[np.ndarray]) -> np.ndarray:
    """Probability that fewer than `k` of independent events happen, each with its share."""
    counts = [np.ones_like(shares[0])] + [np.zeros_like(shares[0]) for _ in shares]
    for share in shares:
        for many in range(len(counts) - 1, 0, -1):
            counts[many] = counts[many] * (1 - share) + counts[many - 1] * share
        counts[0] = counts[0] * (1 - share)
    return np.sum(counts[:k], axis=0)
