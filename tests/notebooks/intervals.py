"""What the intervals of experiments are intervals for: each beside the truth that theory knows.

An experiment that draws error bars, or says between which numbers a mean lies, stands here with the
settings at which it is tried: the one it opens with and the ends of its sliders. Where a result has
one interval for each point of a curve, each point counts for itself. Left out is what has no closed
form: there the truth is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from helpers.anatomy import balancing, cache_load, cdn, chain, health_check, sessions
from helpers.caching import xfetch
from helpers.consistency import inversion, last_writer, lost_ring, majorities, overdraft
from helpers.estimation import bottleneck as fix_ladder
from helpers.estimation import error_bars, interview, load_test, overload, same_mean, slo
from helpers.failure import (
    bulkhead,
    defence,
    degradation,
    fleet,
    layers,
    redundancy,
    replica,
    spares,
)
from helpers.foundations.statistics import ENOUGH, Interval, Intervals
from helpers.messaging import (
    bounded_queue,
    checkpoints,
    heavy_tails,
    impatience,
    index_lag,
    killed_consumers,
    visibility,
)
from helpers.scaling import (
    availability,
    bottleneck,
    knee,
    pooling,
    scalability,
    staffing,
)
from helpers.sharding import fan_out, virtual_nodes
from helpers.studio import latent_faults
from helpers.tradeoffs import budget, nines, versions
from helpers.why import concurrency, loss, traffic, users
from tests.scaling.pooled import wait_of_equals, wait_of_two_kinds

#: What is shown, and what theory says of it.
Pairs = Iterator[tuple[Interval | Intervals, Any]]


class Shown(NamedTuple):
    """An experiment, its intervals beside the truth, and the settings at which it is tried.

    An interval that the experiment's sentence judges comes first.

    `daily` says with how many seeds the first setting is tried each day: fewer where a run is slow.
    """

    module: Any
    pairs: Callable[[Any], Pairs]
    settings: tuple[dict[str, Any], ...]
    daily: int = 40


# --- 01 and 02 ------------------------------------------------------------------------------------


def _traffic(run: traffic.Waits) -> Pairs:
    for kind in ("poisson", "constant", "bursty"):
        if not run.at.is_exact(kind):
            continue
        here = traffic.theory(run.at, kind)
        exact = np.array([traffic.theory(run.at, kind, load) for load in traffic.UTILISATIONS])
        # A wait of less than a hundredth of a service time is drawn as none, and so is its bar.
        seen = exact > 0.01
        if here > 0.01:
            yield run.here[kind], here
        if seen.any():
            yield run.wait[kind][seen], exact[seen]


def _users(run: users.Users) -> Pairs:
    yield run.response, users.theory(run.at).response_s
    yield run.observed.response_s, [users.theory(run.at, n).response_s for n in users.USERS]
    yield run.utilisation_gap, 0.0
    yield run.little_gap, 0.0


def _concurrency(run: concurrency.Concurrency) -> Pairs:
    cores = run.at.cores
    yield run.shared, [concurrency.theory(run.at, n) for n in concurrency.WORKERS]
    yield run.spread, [concurrency.theory(run.at, n, cores) for n in concurrency.WORKERS]


def _loss(run: loss.Loss) -> Pairs:
    if "side the 95 % interval" in run.reading:
        yield run.after, loss.theory(run.at).offered
    yield run.before, run.at.utilisation


def _knee(run: knee.Knee) -> Pairs:
    here, grid = knee.theory(run.at), knee.theory(run.at, knee.GRID)
    known = np.array(knee.GRID) <= knee.TAIL_KNOWN_TO  # of the others there is no interval
    yield run.here_mean, here.mean_s
    if run.at.utilisation <= knee.TAIL_KNOWN_TO:
        yield run.here_p99, here.p99_s
    yield run.mean, grid.mean_s
    yield run.p99[known], grid.p99_s[known]


def _pooling(run: pooling.Pooling) -> Pairs:
    exact = np.array([pooling.theory(run.at, load).wait_s for load in pooling.GRID]).T
    service_s = 1e-3 * run.at.service_ms
    if np.isnan(exact[1]).any():
        exact[1] = [service_s * _pooled_wait(run.at, load) for load in pooling.GRID]
    # A wait next to nothing is drawn without an interval. Where services are all alike, nothing but
    # the wait makes responses differ.
    seen = exact > pooling._SEEN * service_s
    differ = seen | (run.at.variability != "all alike")
    for design, speed in enumerate((run.at.servers, 1, 1)):
        of = differ[design]
        yield run.response[design, of], exact[design, of] + service_s / speed
        yield run.wait_drawn[design, seen[design]], exact[design, seen[design]]


@lru_cache
def _pooled_wait(at: pooling.Setting, load: float) -> float:
    """In services, where there is no formula: from one of two chains of states."""
    kind, scv = pooling.VARIABILITY[at.variability]
    if kind == "deterministic":
        return wait_of_equals(load, at.servers)
    return wait_of_two_kinds(load, at.servers, scv)


def _availability(run: availability.Availability) -> Pairs:
    told = ~run.too_few  # of the others the page says that they are too few
    yield run.downtime_h[told], availability.theory(run.at)[told]


def _bottleneck(run: bottleneck.Bottleneck) -> Pairs:
    exact, users_ = bottleneck.theory(run.at).exact, np.array(bottleneck.USERS) - 1
    yield run.throughput, exact.throughput_rps[users_]
    yield run.response, exact.response_s[users_]


def _scalability(run: scalability.Scalability) -> Pairs:
    yield run.throughput, run.expected_rps[np.array(scalability.WORKERS) - 1]


# --- 03 to 06 -------------------------------------------------------------------------------------


def _chain(run: chain.Chain) -> Pairs:
    exact = chain.theory(run.at, chain.LENGTHS)
    yield run.direct, 1 - exact.direct
    yield run.queued, 1 - exact.queued


def _cdn(run: cdn.Cdn) -> Pairs:
    exact = cdn.theory(run.at)
    yield run.ttfb, exact.mean_s
    yield run.direct, exact.direct_s
    yield run.origin, exact.origin_rps


def _balancing(run: balancing.Balancing) -> Pairs:
    exact = balancing.theory(run.at)
    for name in ("random", "sticky", "round robin"):
        if name in exact:
            yield run.response[balancing.POLICIES.index(name)], exact[name]


def _health_check(run: health_check.HealthCheck) -> Pairs:
    exact = health_check.theory(run.at)
    yield run.errors, exact.errors
    yield run.detection, exact.detection_s


def _cache_load(run: cache_load.CacheLoad) -> Pairs:
    exact = cache_load.theory(run.at)
    yield run.database, exact.database_rps
    if run.read is not None:
        yield run.read, exact.read_s


def _fix_ladder(run: fix_ladder.Bottleneck) -> Pairs:
    exact = fix_ladder.theory(run.at).throughput_rps
    for users_, found in run.simulated.items():
        # With most users a run is too short for ten batches, unless the ceiling is low.
        if users_ < fix_ladder.USERS[-1] or run.at.fixes < 3:
            yield found, exact[users_ - 1]


def _slo(run: slo.Slo) -> Pairs:
    yield run.downtime, slo.theory(run.at, run.chosen).downtime_min


def _layers(run: layers.Layers) -> Pairs:
    exact = layers.theory(run.at)
    yield run.calls, float(exact.calls)
    if exact.failed < 1 and run.at.requests * exact.failed >= ENOUGH:
        yield run.failed, float(exact.failed)


def _defence(run: defence.Defence) -> Pairs:
    for on in run.rows.values():
        yield run.lost[on], defence.theory(run.at, on)


def _spares(run: spares.Spares) -> Pairs:
    during = spares.theory(run.at, deploying=run.at.deploying)
    yield run.quiet, spares.theory(run.at)
    if during < 1:
        yield run.during, during


def _bulkhead(run: bulkhead.Bulkhead) -> Pairs:
    exact = bulkhead.theory(run.at)
    yield run.login, float(exact.login)
    yield run.images, float(exact.images)


def _degradation(run: degradation.Degradation) -> Pairs:
    exact = degradation.theory(run.at)
    if exact.served < 1:
        yield run.served, float(exact.served)
    yield run.quality, float(exact.worth)


def _replica(run: replica.Replica) -> Pairs:
    exact = replica.theory(run.at)
    yield run.lost, float(exact.lost)
    yield run.down, float(exact.down_s)


# --- 07 to 11 -------------------------------------------------------------------------------------


def _lost_ring(run: lost_ring.LostRing) -> Pairs:
    exact = lost_ring.theory(run.at, run.at.thinks_ms)
    if run.at.vector_clocks:
        yield run.wait, float(exact.waits_ms)
    else:
        yield run.share, float(exact.puzzled)


def _fan_out(run: fan_out.FanOut) -> Pairs:
    exact = fan_out.theory(run.at, fan_out.THRESHOLDS).wait_s
    steady = np.isfinite(exact)
    ends = (part[steady] for part in (run.wait_s, run.low_s, run.high_s))
    yield Intervals(*ends, 0.95, 20), exact[steady]


def _visibility(run: visibility.Visibility) -> Pairs:
    here, each = (
        visibility.theory(run.at),
        [visibility.theory(run.at, timeout) for timeout in visibility.TIMEOUTS],
    )
    yield run.took_here_s, [here.took_s]
    yield run.took_s, [one.took_s for one in each]
    yield run.twice_here, [here.twice]
    yield run.twice, [one.twice for one in each]


def _killed(run: killed_consumers.Killed) -> Pairs:
    several = [batch for batch in killed_consumers.BATCHES if batch > 1]  # one is never doubled
    exact = [killed_consumers.theory(run.at, batch) for batch in several]
    yield run.doubled[-len(several) :], exact
    yield run.doubled_here, [killed_consumers.theory(run.at)]


def _impatience(run: impatience.Impatience) -> Pairs:
    exact = impatience.theory(run.at)
    yield run.wait, exact.wait
    yield run.give_up, exact.give_up


def _index_lag(run: index_lag.IndexLag) -> Pairs:
    yield run.missed_here, float(index_lag.theory(run.at))
    yield run.stale_here, float(index_lag.stale_theory(run.at))


def _bounded(run: bounded_queue.Bounded) -> Pairs:
    assert run.in_time is not None
    yield run.in_time, bounded_queue.theory(run.at).in_time


def _checkpoints(run: checkpoints.Checkpoints) -> Pairs:
    yield run.took_here_min, [checkpoints.theory(run.at)]
    yield run.took_min, [checkpoints.theory(run.at, each) for each in run.at.intervals_min.tolist()]


def _latent_faults(run: latent_faults.Chaos) -> Pairs:
    curve = latent_faults.theory(run.at, latent_faults.EVERY_DAYS)
    yield run.here, [float(each) for each in latent_faults.theory(run.at)]
    yield run.outages, curve.outages
    yield run.open, curve.open


# --- the settings ---------------------------------------------------------------------------------

_ALL_LAYERS = dict.fromkeys(defence.LAYERS, True)
_SPARE_BOXES = {"second_balancer": True, "replica": True}
_SLOW = {"work": "one in twenty is slow"}

SHOWN = (
    Shown(
        traffic,
        _traffic,
        (
            {},
            {"utilisation": 0.1, "work": "always the same", "burstiness": 1.0},
            {"utilisation": 0.9, "burstiness": 1.0},
            {"utilisation": 0.9, "burstiness": 8.0},
            {"utilisation": 0.9, "burstiness": 8.0, **_SLOW},
        ),
        daily=10,
    ),
    Shown(users, _users, ({}, {"users": 100}, {"users": 10_000_000, "think_s": 120.0}), daily=20),
    Shown(
        concurrency,
        _concurrency,
        ({}, {"cpu_ms": 50.0, "io_ms": 0.5}, {"cpu_ms": 0.5, "io_ms": 200.0, "cores": 16}),
        daily=20,
    ),
    Shown(
        loss,
        _loss,
        (
            {},
            {"servers": 12, "utilisation": 0.8},
            {"servers": 4, "utilisation": 0.6},
            {"servers": 2, "utilisation": 0.2},
            {"servers": 12, "utilisation": 0.95},
        ),
    ),
    Shown(
        knee,
        _knee,
        (
            {},
            {"utilisation": 0.05},
            {"utilisation": 0.6},
            {"utilisation": 0.95},
            {"utilisation": 0.6, "servers": 2},
            {"utilisation": 0.6, "servers": 4},
            {"utilisation": 0.95, "servers": 4},
        ),
        daily=15,
    ),
    Shown(
        staffing,
        lambda run: iter([(run.waited, staffing.theory(run.at))]),
        ({}, {"rate_rps": 50_000.0, "target": 0.01}),
    ),
    Shown(bottleneck, _bottleneck, ({},), daily=20),
    Shown(scalability, _scalability, ({}, {"pattern": scalability.PATTERNS[1]})),
    Shown(
        pooling,
        _pooling,
        (
            {},
            {"servers": 2},
            {"servers": 8},
            *(
                {"servers": servers, "variability": variability}
                for variability in ("all alike", "a few huge ones")
                for servers in (2, 4, 8)
            ),
        ),
        daily=15,
    ),
    Shown(
        availability,
        _availability,
        (
            {},
            {**_SPARE_BOXES},
            {**_SPARE_BOXES, "mtbf_days": 365.0, "mttr_h": 8.0, "needed": 2, "spare": 1},
            {**_SPARE_BOXES, "mtbf_days": 365.0, "mttr_h": 0.1},
            {**_SPARE_BOXES, "mtbf_days": 1.0, "mttr_h": 48.0, "spare": 3},
            {"mtbf_days": 1.0, "mttr_h": 48.0, "needed": 4, "spare": 0},
            {"mtbf_days": 1.0, "mttr_h": 0.1, "needed": 4, "spare": 1},
            {"mtbf_days": 365.0, "mttr_h": 48.0, "needed": 4, "spare": 3},
        ),
        daily=15,
    ),
    Shown(
        sessions, lambda run: iter([(run.lost, sessions.theory(run.at, sessions.FLEETS))]), ({},)
    ),
    Shown(chain, _chain, ({},)),
    Shown(
        cdn,
        _cdn,
        (
            {},
            {"rate_rps": 160.0, "hit_ratio": 0.0, "distance_km": 100.0},
            {"rate_rps": 160.0},
            {"rate_rps": 20.0, "hit_ratio": 0.9},
        ),
    ),
    Shown(balancing, _balancing, ({}, {"utilisation": 0.95}, {"utilisation": 0.5}), daily=3),
    Shown(
        health_check,
        _health_check,
        (
            {},
            {"utilisation": 0.2, "interval_s": 0.5, "threshold": 1},
            {"utilisation": 0.95, "interval_s": 30.0, "threshold": 5},
        ),
    ),
    Shown(
        cache_load,
        _cache_load,
        (
            {"hit_ratio": 0.82},
            {},
            {"hit_ratio": 0.99},
            {"hit_ratio": 0.805},
            {"hit_ratio": 0.84},
            {"hit_ratio": 0.0, "rate_rps": 100.0},
            {"hit_ratio": 0.985, "rate_rps": 50_000.0},
        ),
    ),
    Shown(
        error_bars,
        lambda run: iter([(run.half_interval, error_bars.theory(run.at))]),
        ({}, {"factors": 12, "factor": 5.0}),
    ),
    Shown(interview, lambda run: iter([(run.regret, interview.theory(run.at.asked))]), ({},)),
    Shown(
        load_test,
        lambda run: iter([(run.open_mean, load_test.theory(run.at).mean_s)]),
        ({}, {"utilisation": 0.8}, {"stall_s": 0.1, "utilisation": 0.8}),
    ),
    Shown(
        overload,
        lambda run: iter([(run.here, overload.theory(run.at))]),
        ({"load": 0.5}, {"load": 0.1}, {"load": 2.0}, {"load": 1.0, "room": "20 requests"}),
    ),
    Shown(
        same_mean,
        lambda run: iter([(run.p99, same_mean.theory(run.at).p99_s)]),
        ({}, {"spread": 0.1}, {"spread": 4.0}),
    ),
    Shown(fix_ladder, _fix_ladder, ({}, {"fixes": 2}, {"fixes": 3}), daily=8),
    Shown(
        slo,
        _slo,
        (
            {},
            {"slo_percent": 99.999, "machine_percent": 99.9, "repair_h": 0.5, "rate_rps": 1_000.0},
            {"slo_percent": 99.99, "machine_percent": 98.0, "repair_h": 24.0, "rate_rps": 1_000.0},
        ),
    ),
    Shown(
        versions,
        lambda run: iter([(run.here, versions.theory(run.at)[run.at.k - 1])]),
        ({}, {"k": 1}),
    ),
    Shown(
        budget,
        lambda run: iter([(run.spent, budget.theory(run.at).spent_min)]),
        (
            {},
            {"dependencies": 1, "their_nines": 7.0},
            {"dependencies": 20, "their_nines": 3.0},
        ),
    ),
    Shown(
        nines,
        lambda run: iter([(run.down, nines.theory(run.at).down[run.at.copies - 1])]),
        ({}, {"copies": 6, "down_percent": 20.0}),
    ),
    Shown(
        layers,
        _layers,
        (
            {"failing": 0.5},
            {"failing": 0.01},
            {"layers": 4, "attempts": 5, "failing": 0.1},
            {"layers": 4, "attempts": 5, "failing": 0.8},
            {"layers": 1, "attempts": 2, "failing": 0.3},
        ),
    ),
    Shown(defence, _defence, ({}, {"repair_min": 5.0}, {"repair_min": 600.0, **_ALL_LAYERS})),
    Shown(
        spares,
        _spares,
        ({}, {"servers": 12, "needed": 8, "up": 0.9}, {"needed": 3, "deploying": 0}),
    ),
    Shown(bulkhead, _bulkhead, ({}, {"way": "bulkheads"}, {"image_s": 6.0}), daily=20),
    Shown(
        degradation,
        _degradation,
        ({}, {"hard": 1}, {"up": 0.8}, {"up": 0.8, "hard": 0, "worth": 0.0}),
    ),
    Shown(
        redundancy,
        lambda run: iter([(run.pair, float(redundancy.theory(run.at).exact_h))]),
        ({}, {"common": 0.3}, {"mttf_h": 100.0, "mttr_h": 200.0}),
        daily=20,
    ),
    Shown(replica, _replica, ({}, {"ship_s": 0.01}, {"ship_s": 20.0, "misses": 1})),
    Shown(
        fleet,
        lambda run: iter([(run.bad_days, float(fleet.theory(run.at).bad_days))]),
        ({}, {"machines": 10}, {"machines": 5_000}, {"machines": 1, "mtbf_years": 0.5}),
    ),
    Shown(
        last_writer,
        lambda run: iter([(run.share, run.expected)]),
        ({}, {"gap_ms": 0.0, "replicas": 7}, {"gap_ms": 100.0}),
    ),
    Shown(lost_ring, _lost_ring, ({}, {"vector_clocks": True}, {"thinks_ms": 400.0})),
    Shown(
        majorities,
        lambda run: iter([(run.lost, run.exact)]),
        ({}, {"replicas": 9, "quorum": 9}, {"down_percent": 80.0}),
    ),
    Shown(
        inversion,
        lambda run: iter([(run.here, float(inversion.theory(run.at, run.at.first_ms)))]),
        ({}, {"first_ms": 120.0}, {"replicas": 7, "read_quorum": 1}),
    ),
    Shown(
        overdraft,
        lambda run: iter(
            [(run.cost, overdraft.theory(run.at, np.array([run.at.limit_usd])).cost_usd[0])]
        ),
        ({}, {"limit_usd": 0.0}, {"limit_usd": 600.0}),
    ),
    Shown(
        virtual_nodes,
        lambda run: iter([(run.mean, virtual_nodes.theory(run.at))]),
        ({}, {"shards": 2}, {"shards": 16}),
        daily=10,
    ),
    Shown(fan_out, _fan_out, ({}, {"post_rate_rps": 5.0}), daily=12),
    Shown(
        xfetch,
        lambda run: iter([(run.queries, xfetch.theory(run.at).queries)]),
        ({}, {"beta": 0.25}, {"beta": 4.0}),
    ),
    Shown(
        heavy_tails,
        lambda run: iter([(run.here, heavy_tails.theory(run.at))]),
        (
            {"spread": 10.0},
            {"spread": 1.5, "load": 0.8},
            {"discipline": "all at once"},
            {"discipline": "shortest remaining first"},
            {"discipline": "all at once", "load": 0.8, "spread": 100.0},
        ),
        daily=3,
    ),
    Shown(visibility, _visibility, ({}, {"dies": 0.0}, {"dies": 0.3}), daily=20),
    Shown(killed_consumers, _killed, ({}, {"batch": 50}, {"batch": 2})),
    Shown(impatience, _impatience, ({}, {"agents": 10}), daily=20),
    Shown(index_lag, _index_lag, ({}, {"gap_s": 10.0}, {"gap_s": 0.1})),
    Shown(bounded_queue, _bounded, ({}, {"policy": "push back"}), daily=20),
    Shown(
        checkpoints, _checkpoints, ({}, {"interval_min": 3.0}, {"interval_min": 240.0}), daily=20
    ),
    Shown(latent_faults, _latent_faults, ({}, {"every_days": 1_000.0}), daily=20),
)
