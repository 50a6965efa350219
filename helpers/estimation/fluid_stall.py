"""A stall as a fluid: what an open and a closed load tester would report of it.

One server of fixed speed stalls once, and requests are sent to it at a steady rate. Where that
stops being true: where nothing stalls, requests still wait for one another, a little.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.foundations import queueing


class FluidStall(NamedTuple):
    """What an open and a closed load tester report of one server that stalls once.

    Fluid model: a request that comes t seconds into the stall D waits ``D - t (1 - rho)``, until
    ``t = D / (1 - rho)``, so of the open tester's requests a share
    ``(D - x) / ((1 - rho) T)`` waits longer than x. A closed tester with k connections has at
    most k requests in the stall, and k once more when they are all freed together. The correction
    fills in ``D, D - i, D - 2 i, ...``, as if nobody queued behind the stall.

    The open mean is exact for Poisson arrivals in steady state: the stall adds D to the workload,
    which only idle time works off; each second of idle time takes ``1 / (1 - rho)`` seconds of
    real time, and the workload found at the start, W on average, as much again:
    ``S + W + D (D / 2 + W) / ((1 - rho) T)``, with W by Pollaczek and Khinchine.

    On open and closed testers: Schroeder, Wierman and Harchol-Balter, "Open Versus Closed: A
    Cautionary Tale", NSDI 2006. "Coordinated omission" is Gil Tene's name ("How NOT to Measure
    Latency"); "corrected" is what HdrHistogram's ``recordValueWithExpectedInterval`` does.
    """

    rate_rps: float
    service_s: float
    stall_s: float
    run_s: float
    connections: int

    @property
    def utilisation(self) -> float:
        """Share of the time the server works when it does not stall."""
        return self.rate_rps * self.service_s

    @property
    def interval_s(self) -> float:
        """Time between two requests of one connection of the closed tester."""
        return self.connections / self.rate_rps

    @property
    def recovery_s(self) -> float:
        """Seconds from the beginning of the stall until the last request it delayed."""
        return self.stall_s / (1 - self.utilisation)

    @property
    def caught(self) -> float:
        """Requests of the closed tester that the stall delays."""
        return self.rate_rps * min(self.interval_s, self.recovery_s)

    @property
    def samples(self) -> dict[str, float]:
        """How many response times each tester writes down in a run."""
        # A caught connection sends nothing until it has its answer.
        stuck = self.stall_s - (1 - self.utilisation) * self.interval_s / 2
        silent = self.connections * max(stuck / self.interval_s - 1, 0.0)
        closed = self.rate_rps * self.run_s - silent
        return {
            "open": self.rate_rps * self.run_s,
            "closed": closed,
            "corrected": closed + silent,
        }

    @property
    def mean_s(self) -> float:
        """Mean response time that the open tester reports, seconds; exact."""
        wait = float(queueing.mg1_wait(self.rate_rps, self.service_s, 0.0))
        delayed = self.stall_s * (self.stall_s / 2 + wait) / (1 - self.utilisation)
        return self.service_s + wait + delayed / self.run_s

    def slower(self, tester: str, times_s: np.ndarray) -> np.ndarray:
        """Return the share of a tester's samples slower than each time, by the fluid model.

        Parameters
        ----------
        tester : {"open", "closed", "corrected"}
            Which tester.
        times_s : numpy.ndarray
            Times well above the service time, seconds.
        """
        late = np.clip(np.asarray(times_s, dtype=float) - self.service_s, 0.0, None)
        beyond = np.maximum(self.stall_s - late, 0.0)
        sent_s = beyond / (1 - self.utilisation)  # requests sent so long into the stall, or sooner
        if tester == "corrected":
            hit = self.rate_rps * beyond
        elif tester == "open":
            hit = self.rate_rps * sent_s
        else:
            hit = self.rate_rps * np.minimum(sent_s, self.interval_s)
            if self.stall_s > self.interval_s:
                # Freed together, the connections send together, and wait for one another once.
                hit = hit + self.connections * (late < (self.connections - 1) * self.service_s)
        return np.minimum(hit / self.samples[tester], 1.0)

    def percentile_s(self, tester: str, q: float) -> float:
        """Return a tester's q-quantile by the fluid model, seconds.

        Parameters
        ----------
        tester : {"open", "closed", "corrected"}
            Which tester.
        q : float
            0 < q < 1.
        """
        low, high = self.service_s, self.service_s + self.stall_s
        if self.slower(tester, np.array([low]))[0] <= 1 - q:
            return low
        for _ in range(50):
            middle = (low + high) / 2
            if self.slower(tester, np.array([middle]))[0] > 1 - q:
                low = middle
            else:
                high = middle
        return high
