"""Bulkheads: logins and images on the same threads, and the images' storage gets slow.

A request that finds no free thread is refused. Where that stops being true: real pools let
requests wait first, which turns refusals into delays and, once the line is longer than anybody's
patience, into refusals again.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    error_bars,
    here,
    key,
    log_axis,
    ring,
    shares_axis,
    yours,
)
from helpers.foundations.events import Log
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    replications,
    seed,
    takes,
)
from helpers.foundations.prose import counted, duration, rounded
from helpers.foundations.prose import percent as in_percent
from helpers.foundations.statistics import Interval, mean_interval, seldom

KINDS, WAYS = ("login", "images"), ("shared", "bulkheads")

_WATCHED_S, _SETTLES = 20.0, 3.0  # seconds that count, after so many of the longest service
_TIMES_S = np.geomspace(0.05, 6.0, 60)


class Setting(Parameters):
    """A server's threads, and the two kinds of requests that take them."""

    way: str = option("shared", "Threads are", of=WAYS)
    image_s: float = number(4.0, "An image takes", unit="s", above=0)
    login_threads: int = integer(6, "Bulkhead for logins", unit="threads", at_least=1)
    threads: int = integer(20, "Threads", at_least=2)
    login_rps: float = number(20.0, "Logins", unit="per s", above=0)
    login_s: float = number(0.1, "A login takes", unit="s", above=0)
    image_rps: float = number(10.0, "Images", unit="per s", above=0)
    replications: int = replications(8)
    seed: int = seed()

    def agree(self) -> None:
        """Leave a thread for each kind."""
        if self.login_threads >= self.threads:
            raise ValueError(
                f"login_threads must be below threads, got {self.login_threads} of {self.threads}"
            )

    @property
    def settled_s(self) -> float:
        """From when on requests are counted: the pools were empty at first."""
        return _SETTLES * max(self.image_s, self.login_s)

    @property
    def sizes(self) -> dict[str, int]:
        """Threads of each pool; one pool has both kinds."""
        if self.way == "shared":
            return {"both": self.threads}
        return {"login": self.login_threads, "images": self.threads - self.login_threads}


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_server(at, draw):
    """Let both kinds of requests come, take a thread if one is free, and be refused if not."""
    world = simpy.Environment()
    pools = {name: simpy.Resource(world, size) for name, size in at.sizes.items()}
    asked, refused = {"login": 0, "images": 0}, {"login": 0, "images": 0}

    def request(kind, takes_s):
        pool = pools.get(kind) or pools["both"]
        counts = world.now > at.settled_s
        asked[kind] += counts
        if pool.count == pool.capacity:
            refused[kind] += counts
            return
        with pool.request() as thread:
            yield thread
            yield world.timeout(draw(f"{kind} services").exponential(takes_s))

    def traffic(kind, rate_rps, takes_s):
        while True:
            yield world.timeout(draw(f"{kind} arrivals").exponential(1 / rate_rps))
            world.process(request(kind, takes_s))

    world.process(traffic("login", at.login_rps, at.login_s))
    world.process(traffic("images", at.image_rps, at.image_s))
    world.run(until=at.settled_s + 20)
    return {kind: refused[kind] / max(1, asked[kind]) for kind in asked}


# --- the same, fast -------------------------------------------------------------------------------


class Visit(NamedTuple):
    """A request: when it came, of which kind, and when its thread was free again, if it had one."""

    came: float
    kind: str
    ended: float | None


def visits(at: Setting, draw: Draws) -> list[Visit]:
    """Play one run on the model's own draws."""
    end = at.settled_s + _WATCHED_S
    comers, services = [], {}
    for kind, rate_rps, takes_s in (
        ("login", at.login_rps, at.login_s),
        ("images", at.image_rps, at.image_s),
    ):
        now, gap = 0.0, draw(f"{kind} arrivals").exponential
        while (now := now + gap(1 / rate_rps)) < end:
            comers.append((now, kind))
        services[kind] = (draw(f"{kind} services").exponential, takes_s)
    busy: dict[str, list[float]] = {name: [] for name in at.sizes}
    done = []
    for now, kind in sorted(comers):
        name = kind if kind in busy else "both"
        pool = busy[name]
        while pool and pool[0] <= now:
            heappop(pool)
        ended = None
        if len(pool) < at.sizes[name]:
            service, takes_s = services[kind]
            ended = now + service(takes_s)
            heappush(pool, ended)
        done.append(Visit(now, kind, ended))
    return done


@takes(Setting)
def simulate(at: Setting) -> Bulkhead:
    """Run the server several times, each from empty, and count once it has settled."""
    draw, shares = Draws(at.seed), []
    for _ in range(at.replications):
        counted_ones = [one for one in visits(at, draw) if one.came > at.settled_s]
        shares.append([_refused(counted_ones, kind) for kind in KINDS])
    return Bulkhead(at, refused=np.array(shares))


def _refused(ones: list[Visit], kind: str) -> float:
    ended = [one.ended for one in ones if one.kind == kind]
    return ended.count(None) / max(1, len(ended))


# --- one run, event by event ----------------------------------------------------------------------


@takes(Setting)
def watch(at: Setting) -> Log:
    """Follow the first ten seconds of a run, from empty pools on."""
    log = Log(f"{counted(at.threads, 'thread')}, {at.way}", noun="request")
    log.place("logins", "source").place("images", "source", at=(0, 1))
    rooms = {"both": "threads", "login": "login threads", "images": "image threads"}
    for row, (name, size) in enumerate(at.sizes.items()):
        log.place(rooms[name], "servers", number=size, at=(1, row))
    log.place("done", "sink", at=(2, 0))
    log.kind("login", "blue").kind("image", "orange")
    for token, one in enumerate(visits(at, Draws(at.seed))):
        if one.came > 10:
            break
        room = rooms[one.kind if one.kind in at.sizes else "both"]
        source, kind = ("logins", "login") if one.kind == "login" else ("images", "image")
        if one.ended is None:
            log.fails(one.came, token, "no thread is free", "is refused", place=room, start=source,
                      kind=kind)  # fmt: skip
            continue
        log.moves(one.came, token, room, start=source, kind=kind)
        log.moves(one.ended, token, "done", "is answered")
    for name in at.sizes:
        log.counts(rooms[name], f"busy {rooms[name]}")
    return log.between(0.0, 10.0)


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Shares of logins and of images that are refused; floats, or arrays."""

    login: Any
    images: Any


def theory(at: Setting, image_s: Any = None, way: str | None = None) -> Theory:
    """Erlang's B formula, for one pool with both loads or for one pool each.

    It needs Poisson arrivals and any service times: what counts is rate times mean. Erlang,
    "Solution of some problems in the theory of probabilities of significance in automatic
    telephone exchanges", 1917.
    """
    image_load = at.image_rps * np.asarray(at.image_s if image_s is None else image_s, float)
    login_load = at.login_rps * at.login_s
    if (way or at.way) == "shared":
        both = queueing.erlang_b(login_load + image_load, at.threads)
        return Theory(both, both)
    login = queueing.erlang_b(np.full_like(image_load, login_load), at.login_threads)
    return Theory(login, queueing.erlang_b(image_load, at.threads - at.login_threads))


# --- what it says ---------------------------------------------------------------------------------


class Bulkhead(Result):
    """Shares of logins and of images that are refused.

    Attributes
    ----------
    refused : numpy.ndarray, shape (replications, 2)
        In each run, of each of :data:`KINDS`.
    """

    at: Setting
    refused: np.ndarray

    @property
    def login(self) -> Interval:
        """Share of the logins that are refused."""
        return mean_interval(self.refused[:, 0])

    @property
    def images(self) -> Interval:
        """Share of the images that are refused."""
        return mean_interval(self.refused[:, 1])

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "logins_refused_percent": rounded(100 * self.login.estimate),
            "logins_theory_percent": rounded(100 * float(exact.login)),
            "images_refused_percent": rounded(100 * self.images.estimate),
            "images_theory_percent": rounded(100 * float(exact.images)),
            "image_load_erlangs": rounded(self.at.image_rps * self.at.image_s),
        }

    @property
    def reading(self) -> str:
        at, exact = self.at, theory(self.at)
        threads = (
            f"all {at.threads} threads are shared"
            if at.way == "shared"
            else f"logins have {counted(at.login_threads, 'thread')} of their own"
        )
        return (
            f"An image takes {duration(at.image_s)} and {threads}: "
            f"{in_percent(self.login.estimate)} of the logins are refused (Erlang B "
            f"{share(float(exact.login))}), and {in_percent(self.images.estimate)} of the images "
            f"({share(float(exact.images))})."
            + (
                seldom(self.refused[:, 0], "no login was refused")
                or seldom(self.refused[:, 1], "no image was refused")
            )
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        times = np.array([0.1, 0.5, 1.0, 2.0, 4.0, 6.0])
        shared, apart = (theory(self.at, times, way) for way in WAYS)
        return {
            "an image takes (s)": times,
            "refused, shared": shared.login,
            "logins refused, bulkheads": apart.login,
            "images refused, bulkheads": apart.images,
        }


def share(value: float) -> str:
    """Say a share, or that it is next to nothing."""
    return in_percent(value) if value >= 1e-6 else "next to nothing"


@style.panels(2)
def plot(run: Bulkhead, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the shares of logins and images that are refused, against how slow images are."""
    at = run.at
    for ax, kind in zip(axes, KINDS, strict=True):
        log_axis(ax, "x", 0.045, 7, ticks=(0.1, 1, 5))
        ax.set_ylim(-0.03, 1.03)
        shares_axis(ax)
        for way, color in zip(WAYS, (style.PURPLE, style.GREEN), strict=True):
            curve = getattr(theory(at, _TIMES_S, way), kind)
            ax.plot(_TIMES_S, curve, **style.THEORY | {"color": color})
        here(ax, at.image_s)
        interval: Interval = getattr(run, kind)
        error_bars(ax, at.image_s, interval, **style.DOTS)
        ring(ax, at.image_s, interval.estimate)
        ax.set_title(f"{kind.capitalize().replace('Login', 'Logins')} that are refused")
        ax.set_xlabel("an image takes (s)")
        if mine is not None:
            yours(ax, at.image_s, mine[kind])
    key(axes[0], [("╌", "shared threads, Erlang B", style.PURPLE),
                  ("╌", "bulkheads, Erlang B", style.GREEN)], left=True, x=0.96)  # fmt: skip
