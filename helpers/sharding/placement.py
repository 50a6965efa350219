"""Where the load lands: users placed on shards by range, by hash or on a ring, and who waits.

Each shard is one queue, and what its users wait follows from the share of the requests whose keys
it has. Where that stops being true: every request costs the same here and asks for its key
independently of the others; a crowd that wants one key at one moment is the hot key's experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, key, marks, time_axis
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.keys import zipf_weights
from helpers.sharding.router import Ring, hash64, shard_by_modulo, shard_by_range
from helpers.sharding.shard_axes import shard_axis
from helpers.sharding.shard_queues import poisson_arrivals, queue_on_shards, unit_draws

#: Ways of placing users on shards.
SCHEMES = ("range", "hash", "ring")

#: What the requests ask for.
TRAFFIC = ("sign-ups", "popular users", "newest users")

#: Ids that one shard of a range placement holds: users 1 to 1,000,000 on shard A, and so on.
RANGE_WIDTH = 1_000_000

#: Mean service time, so that one shard serves 200 requests per second, and length of a run.
SERVICE_S = 0.005
HORIZON_S = 20.0

_MOST_REQUESTS = 42_000  # 2,000 requests/s for 20 s, and ten standard deviations
_ACTIVE_USERS = 20_000
_VIRTUAL_NODES = 100


class Setting(Parameters):
    """Shards of 200 requests per second each, and 20 seconds of traffic for them.

    Under "range", shard k holds the k-th million of ids and the last one is half full. Requests
    insert the next id ("sign-ups"), or ask for one of 20,000 active users by Zipf's law, where
    popularity has nothing to do with the id ("popular users") or the newest are the most popular.
    """

    scheme: str = option("range", "Scheme", of=SCHEMES)
    traffic: str = option("sign-ups", "Traffic", of=TRAFFIC)
    shards: int = integer(8, "Shards", at_least=2, at_most=64)
    rate_rps: float = number(800.0, "All requests", unit="requests/s", above=0, at_most=2_000)
    exponent: float = number(0.8, "Skew of popularity (reads)", at_least=0, at_most=3)
    seed: int = seed()


@takes(Setting)
def simulate(at: Setting) -> Placement:
    """Send every request to the shard that has its key, and let it queue there."""
    arrivals = poisson_arrivals(at.rate_rps, HORIZON_S, _MOST_REQUESTS, at.seed)
    services = SERVICE_S * unit_draws(at.seed, "services", "exponential", _MOST_REQUESTS)
    if at.traffic == "sign-ups":
        shard = _place(at, _existing(at.shards) + np.arange(len(arrivals)))
    else:
        uniform = unit_draws(at.seed, "keys", "uniform", _MOST_REQUESTS)[: len(arrivals)]
        cumulative = np.cumsum(zipf_weights(_ACTIVE_USERS, at.exponent))
        cumulative[-1] = 1.0
        shard = _homes(at)[np.searchsorted(cumulative, uniform, side="right")]
    responses, mean_s, p99_s = queue_on_shards(
        arrivals, services[: len(arrivals)], shard, at.shards
    )
    work = np.bincount(shard, minlength=at.shards) * SERVICE_S
    return Placement(
        at,
        seen_utilisation=work / HORIZON_S,
        mean_s=mean_s,
        p99_s=p99_s,
        overall_p99_s=float(np.quantile(responses, 0.99)) if len(responses) else np.nan,
    )


def _place(at: Setting, ids: np.ndarray) -> np.ndarray:
    if at.scheme == "range":
        return shard_by_range(ids, at.shards, RANGE_WIDTH)
    hashes = hash64(ids, at.seed)
    if at.scheme == "hash":
        return shard_by_modulo(hashes, at.shards)
    return Ring(at.shards, _VIRTUAL_NODES, at.seed).locate(hashes)


def _homes(at: Setting) -> np.ndarray:
    """Return the shard of every active user, the most popular first."""
    newest_first = at.traffic == "newest users"
    return _place(at, _active_users(_existing(at.shards), newest_first, at.seed))


def _existing(shards: int) -> int:
    return shards * RANGE_WIDTH - RANGE_WIDTH // 2


@lru_cache(maxsize=8)
def _active_users(existing: int, newest_first: bool, seed: int) -> np.ndarray:
    """Return the ids of the active users, the most popular first."""
    if newest_first:
        return existing - 1 - np.arange(_ACTIVE_USERS) * (existing // (4 * _ACTIVE_USERS))
    return Draws(seed)("users").choice(existing, _ACTIVE_USERS, replace=False, shuffle=True)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Offered load of each shard, above 1 it cannot keep up, and mean response time in seconds."""

    utilisation: np.ndarray
    mean_s: np.ndarray


@lru_cache(maxsize=16)
def theory(at: Setting) -> Theory:
    """What the exact popularity of the keys on each shard says of its load and its users' wait."""
    if at.traffic != "sign-ups":
        weights = zipf_weights(_ACTIVE_USERS, at.exponent)
        shares = np.bincount(_homes(at), weights=weights, minlength=at.shards)
    elif at.scheme == "ring":
        shares = Ring(at.shards, _VIRTUAL_NODES, at.seed).shares()
    elif at.scheme == "hash":
        shares = np.full(at.shards, 1 / at.shards)
    else:
        shares = np.eye(at.shards)[-1]
    utilisation = at.rate_rps * SERVICE_S * shares
    return Theory(utilisation, mean_response(utilisation, SERVICE_S, HORIZON_S))


def mean_response(utilisation: npt.ArrayLike, service_s: float, horizon_s: float) -> np.ndarray:
    """Mean response time of requests that reach a shard within a given time, seconds.

    ``S / (1 - rho)`` where the shard keeps up: M/M/1 (Kleinrock, *Queueing Systems* vol. 1, 1975,
    chapter 3), since a Poisson process split by independent keys stays Poisson. ``S + (rho - 1)
    T / 2`` where it does not, for the backlog at time t is ``(rho - 1) t``, half of its end on
    average (Kleinrock, vol. 2, 1976, chapter 2). NaN for ``0.95 < rho < 1.05``: within `horizon_s`
    neither holds.
    """
    rho = np.asarray(utilisation, dtype=float)
    steady = service_s / (1 - np.where(rho < 1, rho, 0.0))
    fluid = service_s + (rho - 1) * horizon_s / 2
    return np.where(rho <= 0.95, steady, np.where(rho >= 1.05, fluid, np.nan))


# --- what it says ---------------------------------------------------------------------------------


class Placement(Result):
    """Load and response times of each shard, arrays of shape (shards,); NaN if nothing came.

    Attributes
    ----------
    seen_utilisation : numpy.ndarray
        Offered load of each shard, from the requests that came.
    overall_p99_s : float
        99th percentile over all requests.
    """

    at: Setting
    seen_utilisation: np.ndarray
    mean_s: np.ndarray
    p99_s: np.ndarray
    overall_p99_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        load = theory(self.at).utilisation
        hottest = int(load.argmax())
        return {
            "hottest_shard": hottest + 1,
            "hottest_utilisation": float(load[hottest]),
            "coldest_utilisation": float(load.min()),
            "hottest_mean_ms": 1e3 * float(self.mean_s[hottest]),
            "overall_p99_ms": 1e3 * self.overall_p99_s,
        }

    @property
    def reading(self) -> str:
        loads = theory(self.at).utilisation
        hottest = int(loads.argmax())
        load = loads[hottest]
        idle = int((np.delete(loads, hottest) < load / 10).sum())
        text = (
            f"Shard {hottest + 1} of {self.at.shards} gets "
            f"{significant(100 * load / loads.sum())} % of the requests and its users "
            f"wait {duration(self.mean_s[hottest])} on average"
        )
        if load > 1:
            times = significant(load)
            more = "a little more than" if times == "1" else f"{times} times what"
            text += f" and rising: it is offered {more} it can do"
        else:
            text += f", at {significant(100 * load)} % utilisation"
        if idle == 1:
            text += "; one other shard has less than a tenth of its load"
        elif idle:
            text += f"; {idle} other shards have less than a tenth of its load"
        return text + "."

    @property
    def columns(self) -> Mapping[str, Any]:
        exact = theory(self.at)
        return {
            "shard": np.arange(1, self.at.shards + 1),
            "utilisation": exact.utilisation,
            "in this run": self.seen_utilisation,
            "mean (ms)": 1e3 * self.mean_s,
            "theory (ms)": 1e3 * exact.mean_s,
            "p99 (ms)": 1e3 * self.p99_s,
        }


@style.panels(2)
def plot(run: Placement, axes: tuple[Axes, Axes]) -> None:
    """Draw load and response time of every shard."""
    load, latency = axes
    exact = theory(run.at)
    shards = np.arange(run.at.shards)
    top = step_up(1.1 * float(exact.utilisation.max()), (1.5, 3.0, 6.0, 12.0))
    bars(load, shards, run.seen_utilisation, 0.74, facecolor=style.SIMULATION["color"])
    marks(load, shards, exact.utilisation)
    load.axhline(1, color=style.VERMILION, linewidth=1.4)
    load.text(
        0, 1 + 0.012 * top, "all a shard can do", color=style.VERMILION, fontsize=9, va="bottom"
    )
    load.set_ylim(0, top)
    shard_axis(load, run.at.shards)
    load.set_ylabel("utilisation")
    load.set_title("Where the load lands")
    plot_response(latency, run.mean_s, run.p99_s, exact.mean_s)
    latency.set_title("What its users wait")


def plot_response(ax: Axes, mean_s: np.ndarray, p99_s: np.ndarray, expected_s: np.ndarray) -> None:
    """Draw mean, 99th percentile and theory of the response time at each shard."""
    shards = np.arange(len(mean_s))
    ax.plot(shards, p99_s, linestyle="none", marker="^", color=style.SKY, markersize=6)
    ax.plot(shards, mean_s, linestyle="none", marker="o", color=style.BLUE, markersize=7)
    marks(ax, shards, expected_s)
    entries = [
        ("▲", "p99", style.SKY),
        ("●", "mean, simulated", style.BLUE),
        ("- -", "theory", style.BLACK),
    ]
    key(ax, entries)
    shard_axis(ax, len(shards))
    time_axis(ax, "y", 2e-3, 3e3)
    ax.set_ylabel("response time")
