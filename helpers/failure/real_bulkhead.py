"""The thread pools of `bulkhead` for real: one ``ThreadPoolExecutor`` for all, and one for each.

Where that stops being true: tasks sleep, so that a slow image takes a thread and no processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from helpers.failure.bulkhead import KINDS, WAYS, Setting, share, theory
from helpers.failure.thread_pools import run_pools
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, key, shares_axis
from helpers.foundations.experiment import Draws, Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import duration, rounded
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Interval, mean_interval


class Trial(Parameters):
    """Real thread pools, whose tasks sleep; about two seconds."""

    image_s: float = number(0.5, "An image takes", unit="s", above=0, at_most=2)
    login_threads: int = integer(4, "Bulkhead for logins", unit="threads", at_least=1)
    threads: int = integer(10, "Threads", at_least=2, at_most=50)
    login_rps: float = number(20.0, "Logins", unit="per s", above=0)
    login_s: float = number(0.06, "A login takes", unit="s", above=0)
    image_rps: float = number(32.0, "Images", unit="per s", above=0)
    run_s: float = number(1.2, "Time of a run", unit="s", above=0, at_most=20)
    copies: int = integer(10, "Servers of each way", at_least=2, at_most=20)
    seed: int = seed()

    def setting(self, way: str) -> Setting:
        """Return the same server for the theory."""
        names = ("image_s", "login_threads", "threads", "login_rps", "login_s", "image_rps")
        return Setting(way=way, **{name: getattr(self, name) for name in names})


@takes(Trial)
def measure(at: Trial) -> MeasuredBulkhead:
    """Send traffic at servers with one `ThreadPoolExecutor` and with two, all at the same time."""
    draw = Draws(at.seed)
    traffic = {"login": (at.login_rps, at.login_s), "images": (at.image_rps, at.image_s)}
    sizes = [at.setting(way).sizes for way in WAYS]
    shares, late_s = run_pools(sizes, traffic, 2 * at.image_s, at.run_s, at.copies, draw)
    refused = {
        way: (mean_interval(each["login"]), mean_interval(each["images"]))
        for way, each in zip(WAYS, shares, strict=True)
    }
    return MeasuredBulkhead(at, refused=refused, late_s=late_s)


class MeasuredBulkhead(Measured):
    """Shares of logins and images that real pools refused.

    Attributes
    ----------
    refused : dict of str to (Interval, Interval)
        Of logins and of images, with shared threads and with bulkheads.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    refused: dict[str, tuple[Interval, Interval]]
    late_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            f"{kind}_refused_percent_{way}": rounded(100 * interval.estimate)
            for way, both in self.refused.items()
            for kind, interval in zip(KINDS, both, strict=True)
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, self.at.login_s):
            return busy
        (shared, _), (apart, _) = (self.refused[way] for way in WAYS)
        exact = [float(theory(self.at.setting(way)).login) for way in WAYS]
        helps = apart.high < shared.low
        return (
            f"Verdict: with an image of {duration(self.at.image_s)}, real pools refuse "
            f"{in_percent(shared.estimate)} of the logins on shared threads (Erlang B "
            f"{share(exact[0])}) and {in_percent(apart.estimate)} behind a bulkhead "
            f"({share(exact[1])}): "
            + ("the bulkhead keeps them safe." if helps else "too few requests to tell them apart.")
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        rows = [(way, kind, each) for way, both in self.refused.items()
                for kind, each in zip(KINDS, both, strict=True)]  # fmt: skip
        return {
            "threads, requests": [f"{way}, {kind}" for way, kind, _ in rows],
            "refused": [each.estimate for _, _, each in rows],
            "from": [each.low for _, _, each in rows],
            "to": [each.high for _, _, each in rows],
            "Erlang B": [
                float(getattr(theory(self.at.setting(way)), kind)) for way, kind, _ in rows
            ],
        }


def plot_measured(run: MeasuredBulkhead, ax: Axes) -> None:
    """Draw what real pools refused, beside Erlang's formula."""
    labels, places = [], []
    ax.set_ylim(-0.03, 1.1)
    shares_axis(ax)
    for column, (way, both) in enumerate(run.refused.items()):
        for kind, interval in zip(KINDS, both, strict=True):
            x = 2.4 * column + KINDS.index(kind)
            expected = float(getattr(theory(run.at.setting(way)), kind))
            ax.plot([x - 0.35, x + 0.35], [expected] * 2, **style.THEORY)
            error_bars(ax, x, interval, **style.MEASUREMENT)
            labels.append(f"{kind},\n{way}")
            places.append(x)
    ax.set_xlim(-0.6, 4.0)
    ax.set_xticks(places, labels)
    key(ax, [("●", "measured", style.VERMILION), ("╌", "Erlang B", style.INK)])
    ax.set_title("Real thread pools, and Erlang's formula")
    ax.set_ylabel("refused")
