"""How long a round trip takes.

Where that stops being true: the delays of both ways must know nothing of one another.
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
