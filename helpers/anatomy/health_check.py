"""A server dies: how long its requests fail, and whether the others can carry its share.

A server can do 100 requests/s, and its queue holds two seconds of work. Where that stops being
true: a retry on another server hides the burst and adds load at the worst moment; a server that is
cut off does not refuse but stays silent, and each of its requests waits for a timeout.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, key, log_axis, yours
from helpers.foundations.drawing.scales import step_up
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import Interval, mean_interval

#: What a health check asks: whether the process answers, or whether a request gets through.
CHECKS = ("shallow", "deep")

#: Intervals at which theory is drawn, for each of these thresholds.
GRID_S = np.geomspace(0.5, 30, 25)
THRESHOLDS = (1, 2, 3, 5)

CAPACITY_RPS = 100.0  # of one server
DEATH_S = 30.0
STEP_S = 0.25
_GROUPS, _DEATHS = 10, 400  # the deaths of a group are spread evenly over the interval


class Setting(Parameters):
    """Servers behind a balancer that looks at each of them once in a while."""

    servers: int = integer(3, "Servers", at_least=2, at_most=10)
    utilisation: float = number(0.6, "Load on each before the death", above=0, at_most=0.95)
    interval_s: float = number(5.0, "Interval between checks", unit="s", at_least=0.5, at_most=30)
    threshold: int = integer(
        2, "Failed checks in a row", at_least=1, at_most=5, note="One good check brings it back."
    )
    check: str = option(
        "shallow",
        "What the check asks",
        of=CHECKS,
        note="Shallow: does the process answer? Deep: does a request get through the queue within "
        "a second? An overloaded server fails the deep one.",
    )
    seed: int = seed()

    @property
    def rate_rps(self) -> float:
        """Requests per second."""
        return self.utilisation * self.servers * CAPACITY_RPS

    @property
    def survivors(self) -> float:
        """Utilisation of the servers that are left; above 1 they cannot do it."""
        return self.utilisation * self.servers / (self.servers - 1)

    @property
    def horizon_s(self) -> float:
        """For how long a death is followed: a minute at least after it must have been noticed."""
        return step_up(DEATH_S + self.threshold * self.interval_s + 60, (120.0, 180.0, 240.0))

    def looks(self, phase: float) -> list[list[int]]:
        """Return the servers that are checked in each step, one interval after the other.

        `phase` of an interval passes between the death of server 0 and its next check; the checks
        of the others are spread over the interval.
        """
        steps = round(self.horizon_s / STEP_S)
        checked: list[list[int]] = [[] for _ in range(steps)]
        for server in range(self.servers):
            due_s = (phase + server / self.servers) * self.interval_s
            due_s += DEATH_S - self.interval_s * (1 + DEATH_S // self.interval_s)
            for look_s in np.arange(due_s, self.horizon_s, self.interval_s).tolist():
                if 0 <= (step := int(look_s // STEP_S)) < steps:
                    checked[step].append(server)
        return checked


# --- the model: what the page shows, and a learner changes ----------------------------------------


def one_death(at, draw):
    """Follow every server's queue in steps of a quarter of a second; server 0 dies after 30 s."""
    looks = at.looks(draw("check").random())  # whom the balancer checks in each step
    noise = draw("traffic").standard_normal((960, 10)).tolist()
    queue, bad = [0.0] * at.servers, [0] * at.servers
    serving = set(range(at.servers))  # whom it sends requests to
    course = []
    for step, checked in enumerate(looks):
        dead = step >= 120
        for i in checked:
            slow = at.check == "deep" and queue[i] > 100  # a request would take over a second
            bad[i] = bad[i] + 1 if slow or (dead and i == 0) else 0
            if bad[i] == 0:
                serving.add(i)
            elif bad[i] == at.threshold:
                serving.remove(i)
        share = at.rate_rps / 4 / max(len(serving), 1)
        for i in serving:
            queue[i] += max(share + share**0.5 * noise[step][i], 0)
        refused = queue[0] if dead else 0
        queue[0] -= refused
        done = [min(work, 25) for work in queue]  # a server does 100 requests a second
        left = [work - ready for work, ready in zip(queue, done, strict=True)]
        queue = [min(work, 200) for work in left]  # nobody waits for more than two seconds
        lost = sum(left) - sum(queue) if serving else share
        course.append((sum(done), refused, lost, len(serving)))
    answered, refused, lost, in_rotation = np.transpose(course)
    rates = {"answered_rps": 4 * answered, "refused_rps": 4 * refused, "lost_rps": 4 * lost}
    return {"in_rotation": in_rotation, **rates}


# --- the same, once, and the burst of many deaths -------------------------------------------------


@takes(Setting)
def simulate(at: Setting) -> HealthCheck:
    """Kill a server behind a balancer that looks at it once in a while.

    The burst comes from ten groups of 400 deaths, each at a random moment between two checks, with
    Poisson traffic; the course of one death from :func:`one_death`, a balance of work with normal
    arrivals of Poisson's mean and variance.
    """
    detection = (at.threshold - 1 + _phases(at.seed)) * at.interval_s
    errors = Draws(at.seed)("counts").poisson(at.utilisation * CAPACITY_RPS * detection)
    # Deaths that are spread evenly do not err independently of one another. Whole groups do.
    return HealthCheck(
        at,
        errors=mean_interval(errors.mean(axis=1)),
        errors_spread=(float(np.percentile(errors, 5)), float(np.percentile(errors, 95))),
        detection=mean_interval(detection.mean(axis=1)),
        **one_death(at, Draws(at.seed)),
    )


@lru_cache(maxsize=4)
def _phases(seed: int) -> np.ndarray:
    """When in the interval each death falls, shape (groups, deaths): one in each 400th part."""
    phases = (np.arange(_DEATHS) + Draws(seed)("phases").random((_GROUPS, _DEATHS))) / _DEATHS
    phases.setflags(write=False)
    return phases


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Mean time until a death is noticed, seconds, and requests it costs; floats, or arrays."""

    detection_s: Any
    errors: Any


def theory(at: Setting, interval_s: Any = None, threshold: int | None = None) -> Theory:
    """What a death costs at the setting, or with other checks."""
    return burst(
        rate_rps=at.rate_rps,
        servers=at.servers,
        interval_s=at.interval_s if interval_s is None else interval_s,
        threshold=at.threshold if threshold is None else threshold,
    )


def burst(*, rate_rps: float, servers: int, interval_s: Any, threshold: int) -> Theory:
    """Return how long a death goes unnoticed and how many requests it costs, on average.

    A death falls anywhere between two checks, so the first check after it comes after half an
    interval on average and the k-th after ``(k - 1/2) T``; ``errors = rate / n`` times that.
    """
    detection_s = (threshold - 0.5) * interval_s
    return Theory(detection_s, rate_rps / servers * detection_s)


# --- what it says ---------------------------------------------------------------------------------


class HealthCheck(Result):
    """The burst of errors after many deaths, and one death followed through time.

    Attributes
    ----------
    errors : Interval
        Mean number of requests sent to the dead server before it is out of rotation.
    errors_spread : tuple of float
        5th and 95th percentile of that number.
    detection : Interval
        Mean time until then, seconds.
    answered_rps, refused_rps, lost_rps : numpy.ndarray, shape (n,)
        Requests answered, refused by the dead server, and lost because the servers in rotation
        were full or there was none, in each step of the death that is followed.
    in_rotation : numpy.ndarray, shape (n,)
        Servers the balancer sends to.
    """

    at: Setting
    errors: Interval
    errors_spread: tuple[float, float]
    detection: Interval
    answered_rps: np.ndarray
    refused_rps: np.ndarray
    lost_rps: np.ndarray
    in_rotation: np.ndarray

    @property
    def time_s(self) -> np.ndarray:
        """Middle of each step, seconds."""
        return STEP_S * (np.arange(self.answered_rps.size) + 0.5)

    @property
    def failed_after(self) -> float:
        """Fraction of the requests of the last 30 seconds that failed."""
        last = self.time_s >= self.at.horizon_s - 30
        bad = (self.lost_rps + self.refused_rps)[last].sum()
        return float(bad / (self.answered_rps[last].sum() + bad))

    @property
    def fewest(self) -> int:
        """Servers in rotation when there were fewest, after the death."""
        return int(self.in_rotation[self.time_s > DEATH_S].min())

    @property
    def summary(self) -> dict[str, float | int | str]:
        exact = theory(self.at)
        return {
            "errors_mean": self.errors.estimate,
            "errors_theory": exact.errors,
            "detection_s": self.detection.estimate,
            "detection_theory_s": exact.detection_s,
            "survivors_percent": 100 * self.at.survivors,
            "failed_at_the_end_percent": 100 * self.failed_after,
            "fewest_in_rotation": self.fewest,
        }

    @property
    def reading(self) -> str:
        at, left = self.at, self.at.servers - 1
        others, they = ("the other one then runs", "it") if left == 1 else (
            f"the other {left} then run", "they"
        )  # fmt: skip
        if self.failed_after >= 0.001:
            share = significant(100 * self.failed_after)
            then = f"{share} % of the requests of the last half minute fail"
            if at.check == "deep" and self.fewest < left:
                then += f", and at times {self.fewest} of {at.servers} servers are in rotation"
        elif at.survivors >= 1:
            then = f"{they} cannot carry it, and requests fail as soon as the queues are full"
        else:
            then = f"{they} {'carries' if left == 1 else 'carry'} it, and nothing fails any more"
        return (
            f"The death goes unnoticed for {duration(self.detection.estimate)} on average and "
            f"costs {significant(self.errors.estimate)} requests (theory "
            f"{significant(theory(at).errors)}); {others} at "
            f"{significant(100 * at.survivors)} %: {then}."
        )


@style.panels(2)
def plot(run: HealthCheck, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw the burst of errors against the interval, and one death through time."""
    _burst(run, axes[0])
    _course(run, axes[1])
    if mine is not None:
        refused = STEP_S * float(np.sum(mine["refused_rps"]))
        if refused > 0:  # the axis is logarithmic
            yours(axes[0], run.at.interval_s, refused)
        tens = round(10 / STEP_S)  # a diamond every ten seconds
        answered = np.asarray(mine["answered_rps"], float).reshape(-1, tens).mean(axis=1)
        yours(axes[1], 10 * (np.arange(answered.size) + 0.5), answered)


def _burst(run: HealthCheck, ax: Axes) -> None:
    ax.set(
        title="Errors until the death is noticed",
        xlabel="interval between checks (s)",
        ylabel="failed requests",
    )
    log_axis(ax, "x", 0.5, 30, ticks=(0.5, 1, 2, 5, 10, 30))
    log_axis(ax, "y", 3, 2e4)
    ghost = {"color": style.GHOST, "linewidth": 1.0}
    for threshold in sorted({*THRESHOLDS, run.at.threshold}):
        exact = theory(run.at, GRID_S, threshold).errors
        chosen = threshold == run.at.threshold
        ax.plot(GRID_S, exact, **(style.THEORY | ({} if chosen else ghost)))
        color = style.INK if chosen else style.MUTED
        style.label(ax, 28, exact[-1], str(threshold), color, ha="right", xytext=(0, 6))
    low, high = run.errors_spread
    x = run.at.interval_s
    if high > 0:
        ax.plot([x] * 2, [max(low, 1.0), high], color=style.SKY, linewidth=5, alpha=0.6)
    error_bars(ax, x, run.errors, **style.DOTS)
    names = [
        ("●", "simulated mean; bar: 90 % of deaths", style.BLUE),
        ("--", "theory; number: failed checks it takes", style.INK),
    ]
    key(ax, names, left=True)


def _course(run: HealthCheck, ax: Axes) -> None:
    most = CAPACITY_RPS * run.at.servers
    ax.set(
        title="One death, followed",
        xlim=(0, run.at.horizon_s),
        ylim=(0, step_up(1.55 * most, (600, 1_000, 1_600))),
        xlabel="time (s)",
        ylabel="requests per second",
    )
    lost = run.refused_rps + run.lost_rps
    seconds, lost, answered = (
        each.reshape(-1, 4).mean(axis=1) for each in (run.time_s, lost, run.answered_rps)
    )
    ax.fill_between(seconds, 0, lost, color=style.VERMILION, alpha=0.3, linewidth=0)
    ax.plot(seconds, lost, color=style.VERMILION, linewidth=1.3, linestyle=(0, (4, 1)))
    ax.plot(seconds, answered, color=style.BLUE, linewidth=1.6)
    capacity = CAPACITY_RPS * run.in_rotation
    look: dict[str, Any] = {"color": style.GREEN, "linewidth": 1.4, "linestyle": (0, (1, 0.8))}
    ax.step(run.time_s, capacity, where="post", **look)
    ax.axvline(DEATH_S, color=style.MUTED, linewidth=1.0, linestyle=":")
    names = [
        ("—", "answered", style.BLUE),
        ("--", "failed", style.VERMILION),
        ("··", "capacity in rotation", style.GREEN),
    ]
    key(ax, names, left=True)
