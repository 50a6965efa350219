"""The edge of `cdn` for real: an edge and an origin on 127.0.0.1, each a delay away.

Where that stops being true: distance is a reply that is held back; no packet is lost, and no line
is full.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from helpers.anatomy.cdn import ROUND_TRIP_S_PER_KM, ROUND_TRIPS
from helpers.anatomy.far_servers import EDGE_KM, KINDS, WORK_S, fetch_all
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, key, marks
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import duration, percent, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval

#: How late a reply may be before the verdict calls it a disagreement: timers and a busy machine.
LATE_S, LATE_SHARE = 0.004, 0.1


class Trial(Parameters):
    """An edge 500 km away and an origin, both on the loopback interface."""

    distance_km: float = number(
        4_000.0, "Distance to the origin", unit="km", at_least=100, at_most=10_000
    )
    hit_ratio: float = number(0.75, "Hit ratio", above=0, below=1)
    requests: int = integer(
        80, "Requests each way", at_least=20, at_most=400, note="Within one second."
    )
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredCdn:
    """Fetch through a real edge server and from a real origin, each a delay away.

    Each reply is held back by one round trip of the distance. A fresh connection waits for three
    of them, as TCP, TLS 1.3 and the request would; the edge keeps its connection to the origin.

    Raises
    ------
    TimeoutError
        If the machine is so busy that it takes far longer than it should.
    """
    hits = Draws(at.seed)("hits").random(at.requests) < at.hit_ratio
    hits[:2] = True, False  # at least one of each
    near, far = (km * ROUND_TRIP_S_PER_KM for km in (EDGE_KM, at.distance_km))
    fetched = fetch_all(hits.tolist(), near, far)
    return MeasuredCdn(
        at,
        hits=float(hits.mean()),
        means={kind: mean_interval(np.array(times)) for kind, times in fetched.took_s.items()},
        origin_calls=fetched.origin_calls,
        late_s=fetched.late_s,
    )


class MeasuredCdn(Measured):
    """Times to first byte measured through an edge server and directly.

    Attributes
    ----------
    hits : float
        Fraction of the requests that the edge really answered.
    means : dict of str to Interval
        Mean time to first byte, seconds, of hits, misses and direct requests.
    origin_calls : int
        Requests that reached the origin through the edge.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    hits: float
    means: dict[str, Interval]
    origin_calls: int
    late_s: float

    @property
    def theory_s(self) -> dict[str, float]:
        """What the round trips add up to, and the origin's work."""
        near, far = (km * ROUND_TRIP_S_PER_KM for km in (EDGE_KM, self.at.distance_km))
        return {
            "hit": ROUND_TRIPS * near,
            "miss": ROUND_TRIPS * near + far + WORK_S,
            "direct": ROUND_TRIPS * far + WORK_S,
        }

    @property
    def agrees(self) -> bool:
        """Whether every kind takes as long as its round trips, or a little longer."""
        late = {kind: self.means[kind].estimate - s for kind, s in self.theory_s.items()}
        allowed = {kind: LATE_S + LATE_SHARE * s for kind, s in self.theory_s.items()}
        return all(-1e-4 <= late[kind] <= allowed[kind] for kind in KINDS)

    @property
    def summary(self) -> dict[str, float | int | str]:
        values: dict[str, float | int | str] = {"requests": self.at.requests}
        for kind in KINDS:
            values[f"{kind}_ms"] = 1e3 * self.means[kind].estimate
            values[f"{kind}_theory_ms"] = 1e3 * self.theory_s[kind]
        values["origin_calls"] = self.origin_calls
        return values

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.means["hit"].estimate):
            return busy
        parts = ", ".join(
            f"{kind} {duration(self.means[kind].estimate)} (theory {duration(self.theory_s[kind])})"
            for kind in KINDS
        )
        late = max(self.means[kind].estimate - self.theory_s[kind] for kind in KINDS)
        word = "agree" if self.agrees else "disagree"
        return (
            f"Verdict: two real servers {word} with the sum of the round trips to within "
            f"{duration(LATE_S)} and {percent(LATE_SHARE)}: {parts}; the latest is "
            f"{duration(late, 2)} late. The origin saw {self.origin_calls} of {self.at.requests} "
            f"requests, {significant(100 * (1 - self.hits))} %."
        )


def plot_measured(run: MeasuredCdn, ax: Axes) -> None:
    """Draw measured times to the first byte beside the sums of the round trips."""
    ax.set(
        title="Two real servers with injected distance",
        xlim=(-0.6, 2.6),
        ylim=(0, step_up(1.2e3 * run.theory_s["direct"], (50, 200, 400, 800))),
        ylabel="time to first byte (ms)",
    )
    ax.set_xticks(range(3), ["hit\nat the edge", "miss\nat the edge", "direct\nto the origin"])
    for i, kind in enumerate(KINDS):
        marks(ax, i, 1e3 * run.theory_s[kind], 0.6)
        error_bars(ax, i, run.means[kind], 1e3, **style.MEASUREMENT)
    names = [("●", "measured", style.VERMILION), ("--", "sum of round trips", style.INK)]
    key(ax, names, left=True)
