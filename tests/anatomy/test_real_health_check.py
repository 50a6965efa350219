"""One of three real servers killed in each of several clusters, beside theory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from helpers.anatomy import loopback_clusters, real_health_check
from helpers.anatomy.loopback_clusters import SERVERS, Killed, kill_one_in_each
from helpers.foundations.drawing import style
from tests import drawn
from tests.checks import assert_summary, axes_of
from tests.measurements import had_time


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_clusters() -> None:
    """What holds however busy the machine is; times are judged on a clock of our own, below."""
    run = real_health_check.measure()
    assert run.after == 0, "who is out of rotation is not asked"
    assert (run.detection_s > 0).all()
    assert run.errors.sum() > 0
    most = int(2 * run.at.rate_rps * (run.at.threshold + 2.5)) + 50  # requests of a cluster
    assert (run.errors <= most / SERVERS + 1).all(), "servers take turns"
    had_time(run.reading)


class OwnClock(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while anything is to be done, and then jumps."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class Pretended:
    """A server without sockets; who connects to one that has stopped is refused."""

    def __init__(self, network: dict[int, Pretended]) -> None:
        self.port = len(network)
        self.lost: list[Callable[[], None]] = []
        network[self.port] = self
        self.up = True

    async def start(self) -> None:
        """Be there."""

    def stop(self) -> None:
        """Be gone, and let everybody know."""
        self.up = False
        for lost in self.lost:
            lost()


class Link:
    """A connection to such a server."""

    def write(self, line: bytes) -> None:
        """Ask, and be answered by nobody."""

    def abort(self) -> None:
        """Hang up."""

    def is_closing(self) -> bool:
        """Whether it is about to be gone."""
        return False


@pytest.fixture
def own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters run on a clock of our own, without sockets, in no time."""
    network: dict[int, Pretended] = {}

    async def connect(port: int, on_line: object, on_lost: Callable[[], None] | None = None):
        if not network[port].up:
            raise ConnectionRefusedError(port)
        if on_lost is not None:
            network[port].lost.append(on_lost)
        return Link()

    def run_apart(main: Callable[[], Awaitable[None]], limit_s: float) -> None:
        with asyncio.Runner(loop_factory=OwnClock) as runner:
            runner.run(main())

    monkeypatch.setattr(loopback_clusters, "LineServer", lambda _: Pretended(network))
    monkeypatch.setattr(loopback_clusters, "connect", connect)
    monkeypatch.setattr(loopback_clusters, "run_apart", run_apart)


@pytest.mark.usefixtures("own_clock")
@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_each_death_is_noticed_at_its_check_and_one_request_in_three_fails_until_then(
    threshold: int,
) -> None:
    """On a clock that waits for nobody, to the request: what came meanwhile, one in three."""
    interval_s, clusters = 0.2, 8
    rng = np.random.default_rng(7)
    gaps = [rng.exponential(1 / 150, 400) for _ in range(clusters)]
    killed: Killed = kill_one_in_each(gaps, interval_s, threshold)
    phases = (np.arange(clusters) + 0.5) / clusters
    noticed = interval_s * (threshold - 1 + phases)
    np.testing.assert_allclose(killed.detection_s, noticed, rtol=1e-9)
    died = 0.3 + interval_s * (1 - phases)
    for one, errors in enumerate(killed.errors):
        due = np.cumsum(gaps[one])
        while_dead = (due > died[one]) & (due < died[one] + noticed[one])
        assert errors == (while_dead & (np.arange(due.size) % SERVERS == 0)).sum()
    assert killed.after == 0


@pytest.mark.usefixtures("own_clock")
def test_on_a_clock_of_our_own_the_clusters_are_as_theory_has_them() -> None:
    run = real_health_check.measure(clusters=16)
    assert run.detection_s.mean() == pytest.approx(run.expected.detection_s, rel=1e-9)
    # A cluster's errors spread by 3 or 4: with sixteen of them one time in 10,000.
    spread = run.errors.std(ddof=1) / np.sqrt(run.errors.size)
    assert abs(run.errors.mean() - run.expected.errors) < 3.9 * spread + 0.5


def test_what_is_said_and_drawn_of_real_clusters() -> None:
    errors, detection = np.array([10, 20, 15, 17]), np.array([0.25, 0.35, 0.3, 0.31])
    run = real_health_check.MeasuredHealthCheck(
        real_health_check.Trial(clusters=4), errors, detection, after=2, late_s=0.0
    )
    assert_summary(
        run,
        {
            "clusters": 4,
            "errors_mean": 15.5,
            "errors_theory": 15.0,
            "detection_s": detection.mean(),
            "detection_theory_s": 0.3,
            "errors_afterwards": 2,
        },
    )
    assert run.reading.startswith("Verdict: theory 15 failed requests lies inside the 95 % ")
    assert run.reading.endswith(
        "4 clusters of three real servers lost 15.5 requests each on average, in 302 ms (theory "
        "300 ms); 2 failed after the dead server was out of rotation."
    )
    (ax,) = axes_of(real_health_check.plot_measured, run)
    x, y = drawn.curve(ax, color=style.VERMILION, alpha=0.55).T
    np.testing.assert_allclose(x, [4, 3, 2, 1])
    np.testing.assert_allclose(y, errors)
    assert drawn.levels(ax, **style.THEORY) == [pytest.approx(15)]
