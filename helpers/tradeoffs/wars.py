"""Delays of messages between a client's coordinator and replicas, as production systems had them.

W carries a write to a replica, A acknowledges it, R carries a read there, S brings the answer back.
Bailis, Venkataraman, Franklin, Hellerstein and Stoica, "Probabilistically Bounded Staleness for
Practical Partial Quorums", VLDB 2012, table 3: each is a body (Pareto) with a tail (exponential).

The paper prints 3.35 for the shape of YMMR's writes. Its own results (table 4, and 89.3 % fresh
reads right after a write) belong to 3.5, which stands here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: The data sets: LinkedIn's Voldemort on solid-state and on spinning disks, Yammer's Riak, and
#: LinkedIn's disks in data centres that are 75 ms away from each other.
FITS = ("LNKD-SSD", "LNKD-DISK", "YMMR", "WAN")

#: What each message to a data centre other than the coordinator's takes more, ms.
FAR_MS = 75.0


class Delay(NamedTuple):
    """A one-way delay in ms: Pareto with probability `body`, else exponential.

    Attributes
    ----------
    body : float
        Probability of the Pareto part.
    least_ms, shape : float
        Of the Pareto part.
    rate : float
        Of the exponential part, per ms.
    """

    body: float
    least_ms: float
    shape: float
    rate: float

    def at(self, which: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Return delays for uniform random numbers: which part, and where in it."""
        return self.after(which, -np.log(1 - where))

    def after(self, which: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Return the same for uniform and for exponential random numbers, which is quicker."""
        body = self.least_ms * np.exp(age / self.shape)
        return np.where(which < self.body, body, age / self.rate)

    def below(self, delay_ms: np.ndarray) -> np.ndarray:
        """Return the probability of at most so long a delay."""
        from_least = np.maximum(delay_ms, self.least_ms)
        pareto = 1 - (self.least_ms / from_least) ** self.shape
        return self.body * pareto + (1 - self.body) * -np.expm1(-self.rate * delay_ms)


_SSD = Delay(0.9122, 0.235, 10.0, 1.66)
_DISK = Delay(0.38, 1.05, 1.51, 0.183)
_YAMMER = Delay(0.982, 1.5, 3.8, 0.0217)
_YAMMER_WRITES = Delay(0.939, 3.0, 3.5, 0.0028)


def delay_of(fit: str, message: str) -> Delay:
    """Return how long one kind of message takes under one fit.

    Parameters
    ----------
    fit : str
        One of `FITS`.
    message : {"W", "A", "R", "S"}
    """
    if message == "W":
        return {"LNKD-SSD": _SSD, "YMMR": _YAMMER_WRITES}.get(fit, _DISK)
    return _YAMMER if fit == "YMMR" else _SSD


def delays(fit, n, draw):
    """Draw the four one-way delays of one write and one read, in ms: a list of `n` for each."""
    took = {}
    for message in "WARS":
        uniform = draw(message).random((2, n))
        took[message] = delay_of(fit, message).at(*uniform).tolist()
    if fit == "WAN":  # the writer's data centre, and the reader's, hold one copy each
        for near, messages in zip(draw("centres").integers(0, n, 2), ("WA", "RS"), strict=True):
            for message in messages:
                far = enumerate(took[message])
                took[message] = [ms + FAR_MS * (i != near) for i, ms in far]
    return took
