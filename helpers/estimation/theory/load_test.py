"""What two kinds of load tester see of one stall: closed forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.foundations import queueing, validation

#: The three ways of telling how long requests took.
TESTERS = ("open", "closed", "corrected")


@dataclass(frozen=True, eq=False)
class LoadTestTheory:
    """Response times that each tester reports of a single server that stalls once.

    Attributes
    ----------
    rate_rps, service_s, stall_s, run_s, connections
        The parameters it was made with.
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
        validation.one_of("tester", tester, TESTERS)
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
        validation.one_of("tester", tester, TESTERS)
        q = validation.number("q", q, above=0, below=1)
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


def theory_load_test(
    *, rate_rps: float, service_s: float, stall_s: float, run_s: float, connections: int
) -> LoadTestTheory:
    """Return what an open and a closed load tester report of one stall.

    Parameters
    ----------
    rate_rps : float
        Rate at which both testers mean to send, requests per second; < 1 / service_s.
    service_s : float
        Service time of the single server, always the same, seconds; > 0.
    stall_s : float
        Length of the one stall, seconds; 0 <= stall_s < run_s (1 - utilisation).
    run_s : float
        Length of the test, seconds; > 0.
    connections : int
        Connections of the closed tester, each with at most one request under way; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
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
    rate = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    service = validation.number("service_s", service_s, above=0, unit="s")
    if rate * service >= 1:
        raise ValueError(
            f"rate_rps must be < 1 / service_s = {1 / service:g} requests/s, got {rate:g}"
        )
    run = validation.number("run_s", run_s, above=0, unit="s")
    most = run * (1 - rate * service)
    return LoadTestTheory(
        rate_rps=rate,
        service_s=service,
        stall_s=validation.number("stall_s", stall_s, at_least=0, below=most, unit="s"),
        run_s=run,
        connections=validation.integer("connections", connections, at_least=1),
    )
