"""What happens at the database when a popular entry, or many entries at once, expire."""

from __future__ import annotations

import math

import numpy as np

from helpers.caching import theory
from helpers.caching.simulation._shared import frozen, rounded, unit_arrivals, unit_draws
from helpers.foundations import validation
from helpers.foundations.drawing.scales import round_up
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.queueing import queue_length_at

#: What can be done about the expiry of a hot key.
FIXES = ("none", "single-flight", "early refresh", "jitter")

_POINTS = 500
_JITTER_S = 6.0  # a tenth of a time to live of a minute
#: Requests that could refresh early with less than this probability in total are left out.
_NEGLIGIBLE = 1e-6


# --- one hot key ----------------------------------------------------------------------------------


class ExpiryHerdResult(Result):
    """One expiry of one hot key, seen from the database."""

    rate_rps: float
    recompute_s: float
    connections: int
    fix: str
    #: Time since the expiry, seconds; shape (points,). Negative before it.
    time_s: np.ndarray
    #: Queries for the key at the database, running and queued; shape (points,).
    at_database: np.ndarray
    #: The same without any fix, on the same traffic.
    at_database_unfixed: np.ndarray
    #: Queries sent to the database under each fix, on the same traffic, and their theory.
    queries: dict[str, int]
    queries_theory: dict[str, float]
    #: Requests that had to wait for a query, their own or another's.
    waiting_requests: int
    #: The longest that one of them waited.
    worst_wait_s: float
    #: When the fresh value was in the cache, since the expiry.
    cached_s: float
    #: How long all connections were taken by this one key.
    saturated_s: float
    saturated_theory_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "queries": self.queries[self.fix],
            "queries_theory": rounded(self.queries_theory[self.fix], 4),
            "waiting_requests": self.waiting_requests,
            "worst_wait_s": rounded(self.worst_wait_s),
            "cached_s": rounded(self.cached_s),
            "saturated_s": rounded(self.saturated_s),
        }

    @property
    def reading(self) -> str:
        queries = self.queries[self.fix]
        sent = f"{queries:,} {'query' if queries == 1 else 'queries'}"
        before = "before" if self.cached_s < 0 else "after"
        first = (
            f"{sent} for one value; it is cached {duration(abs(self.cached_s))} {before} the expiry"
        )
        if self.saturated_s == 0:
            return f"{first}, and the database always has a free connection."
        return (
            f"{first}, but every connection is taken for {duration(self.saturated_s)}, and the "
            f"unluckiest request waits {duration(self.worst_wait_s)}."
        )


def simulate_expiry_herd(
    *,
    rate_rps: float = 1_000.0,
    recompute_s: float = 0.4,
    connections: int = 20,
    fix: str = "none",
    seed: int = 1,
) -> ExpiryHerdResult:
    """Let one hot key expire, and follow its requests to the database.

    Parameters
    ----------
    rate_rps : float
        Requests for the key, per second, Poisson; > 0.
    recompute_s : float
        Time a query for the key holds a connection, seconds; > 0.
    connections : int
        Connections of the database that this key can take; >= 1. Queries queue for them, first
        come first served.
    fix : {"none", "single-flight", "early refresh", "jitter"}
        ``"single-flight"``: one query, all others wait for its answer. ``"early refresh"``:
        XFetch with beta 1. ``"jitter"``: the expiry comes up to 6 s earlier, at random.
    seed : int
        Seed of the traffic.

    Returns
    -------
    ExpiryHerdResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    recompute_s = validation.number("recompute_s", recompute_s, above=0, unit="s")
    connections = validation.integer("connections", connections, at_least=1)
    validation.one_of("fix", fix, FIXES)
    sent = {name: _herd_queries(name, rate_rps, recompute_s, seed) for name in FIXES}

    time_s = _herd_window(rate_rps, recompute_s, connections)
    queries = sent[fix]
    starts = equal_service_starts(queries, recompute_s, connections)
    unfixed = equal_service_starts(sent["none"], recompute_s, connections)
    waits = starts + recompute_s - queries
    cached_s = float(queries[0]) + recompute_s
    waiting = queries.size
    if fix == "single-flight":
        waiting = sent["none"].size  # the same requests wait, but for one query
    return ExpiryHerdResult(
        rate_rps=rate_rps,
        recompute_s=recompute_s,
        connections=connections,
        fix=fix,
        time_s=frozen(time_s),
        at_database=frozen(queue_length_at(time_s, queries, starts + recompute_s)),
        at_database_unfixed=frozen(queue_length_at(time_s, sent["none"], unfixed + recompute_s)),
        queries={name: times.size for name, times in sent.items()},
        queries_theory={
            name: theory.theory_expiry_herd(rate_rps, recompute_s, name) for name in FIXES
        },
        waiting_requests=waiting,
        worst_wait_s=float(waits.max()),
        cached_s=cached_s,
        saturated_s=saturated_time(queries, starts + recompute_s, connections),
        saturated_theory_s=theory.theory_herd_drain(
            theory.theory_expiry_herd(rate_rps, recompute_s, fix), recompute_s, connections
        ),
    )


def _herd_queries(fix: str, rate_rps: float, recompute_s: float, seed: int) -> np.ndarray:
    """Return when queries reach the database, seconds since the expiry, ascending."""
    expected = rate_rps * (recompute_s + _JITTER_S)
    after = _poisson("requests after", expected, seed) / rate_rps
    if fix == "single-flight":
        return after[:1]
    if fix == "early refresh":
        return _early_refreshes(after, rate_rps, recompute_s, seed)
    if fix == "jitter":
        moved = _JITTER_S * float(unit_draws("uniform", "jitter", 1, seed)[0])
        after = after[np.searchsorted(after, moved) :] - moved
    return after[: np.searchsorted(after, after[0] + recompute_s)]


def _early_refreshes(
    after: np.ndarray, rate_rps: float, recompute_s: float, seed: int
) -> np.ndarray:
    """Let every request toss XFetch's coin, from long before the expiry on."""
    at_expiry = rate_rps * recompute_s
    lead_s = recompute_s * max(math.log(at_expiry / _NEGLIGIBLE), 1.0)
    before = -_poisson("requests before", rate_rps * lead_s, seed)[::-1] / rate_rps
    # -ln(uniform) is a standard exponential draw.
    coins = _coins("coins", before.size, seed)[::-1]
    refreshing = before[before + recompute_s * coins >= 0]
    if refreshing.size == 0:
        refreshing = after
    elif refreshing[0] + recompute_s > 0:  # not back in time: from 0 on everyone recomputes
        refreshing = np.concatenate([refreshing, after])
    return refreshing[: np.searchsorted(refreshing, refreshing[0] + recompute_s)]


def _poisson(name: str, expected: float, seed: int) -> np.ndarray:
    """Return arrivals at rate 1 that reach beyond `expected` in all but 1 of 10^9 runs."""
    return unit_arrivals(name, _enough(expected), seed)


def _coins(name: str, size: int, seed: int) -> np.ndarray:
    return unit_draws("exponential", name, size, seed)


def _enough(expected: float) -> int:
    # A power of two, so that a moving slider finds most draws in the cache.
    return 1 << math.ceil(math.log2(expected + 6 * math.sqrt(expected) + 32))


def _herd_window(rate_rps: float, recompute_s: float, connections: int) -> np.ndarray:
    """Return instants to look at, the same for every fix."""
    herd = theory.theory_expiry_herd(rate_rps, recompute_s)
    drain = max(1.25 * herd * recompute_s / connections, 4 * recompute_s)
    lead = recompute_s * max(1.5, math.log(rate_rps * recompute_s) + 3)
    return np.linspace(-round_up(lead), round_up(drain), _POINTS)


# --- XFetch across request rates ------------------------------------------------------------------


class XFetchResult(Result):
    """The size of the stampede over five decades of request rate."""

    recompute_s: float
    beta: float
    replications: int
    #: Requests per second; shape (rates,).
    rate_rps: np.ndarray
    #: Mean queries for one expiry; shape (rates,).
    queries: np.ndarray
    queries_theory: np.ndarray
    #: Half-width of the 95 % interval of the mean.
    queries_error: np.ndarray
    #: The same without early refresh.
    unfixed: np.ndarray
    #: Mean time from the first refresh to the expiry, seconds; negative if it comes too late.
    lead_s: np.ndarray
    lead_theory_s: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "queries_at_10_rps": rounded(self.queries[0]),
            "queries_at_100000_rps": rounded(self.queries[-1]),
            "queries_limit": rounded(math.exp(1 / self.beta)),
            "unfixed_at_100000_rps": rounded(self.unfixed[-1]),
            "lead_at_100000_rps_s": rounded(self.lead_s[-1]),
        }

    @property
    def reading(self) -> str:
        return (
            f"From {significant(self.rate_rps[0])} to {significant(self.rate_rps[-1])} requests/s "
            f"the unfixed herd grows from {significant(self.unfixed[0])} to "
            f"{significant(self.unfixed[-1])} queries, XFetch's stampede from "
            f"{significant(self.queries[0])} to {significant(self.queries[-1])}; at the highest "
            f"rate it refreshes {duration(self.lead_s[-1])} early."
        )


def simulate_xfetch(
    *, recompute_s: float = 0.4, beta: float = 1.0, replications: int = 1_000, seed: int = 1
) -> XFetchResult:
    """Measure XFetch's stampede at request rates from 10 to 100,000 per second.

    Parameters
    ----------
    recompute_s : float
        Time to compute the value anew, seconds; > 0.
    beta : float
        Eagerness; > 0.
    replications : int
        Expiries at each rate; >= 2.
    seed : int
        Seed of the traffic.

    Returns
    -------
    XFetchResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    recompute_s = validation.number("recompute_s", recompute_s, above=0, unit="s")
    beta = validation.number("beta", beta, above=0)
    replications = validation.integer("replications", replications, at_least=2)
    rates = np.geomspace(10, 100_000, 13)
    sizes, leads = xfetch_stampedes(rates, recompute_s, beta, replications, seed)
    predicted = [theory.theory_xfetch(rate, recompute_s, beta) for rate in rates.tolist()]
    return XFetchResult(
        recompute_s=recompute_s,
        beta=beta,
        replications=replications,
        rate_rps=frozen(rates),
        queries=frozen(sizes.mean(axis=1)),
        queries_theory=np.array([each.queries for each in predicted]),
        queries_error=frozen(1.96 * sizes.std(axis=1, ddof=1) / math.sqrt(replications)),
        unfixed=frozen(1 + rates * recompute_s),
        lead_s=frozen(leads.mean(axis=1)),
        lead_theory_s=np.array([each.lead_s for each in predicted]),
    )


def xfetch_stampedes(
    rates_rps: np.ndarray, recompute_s: float, beta: float, replications: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw sizes and leads of XFetch's stampedes without drawing the requests that do nothing.

    Requests whose coin says refresh are a Poisson process themselves, with a mean count of
    ``A exp(t / (beta recompute))`` up to time t < 0 before the expiry and, after it, of A plus
    one for each request. So the first is drawn from its distribution and the number that follow
    while it runs from theirs. `simulate_expiry_herd` tosses every coin; a test compares the two.

    Parameters
    ----------
    rates_rps : numpy.ndarray, shape (rates,)
    recompute_s, beta : float
    replications, seed : int

    Returns
    -------
    sizes : numpy.ndarray of int, shape (rates, replications)
    leads_s : numpy.ndarray, shape (rates, replications)
    """
    rates = rates_rps[:, np.newaxis]
    at_expiry = rates * beta * recompute_s
    scale = beta * recompute_s
    count = unit_draws("exponential", "first refresh", (1, replications), seed)
    first = np.where(count < at_expiry, scale * np.log(count / at_expiry), count - at_expiry)
    first = np.where(count < at_expiry, first, first / rates)
    back = first + recompute_s
    by_then = np.where(
        back < 0, at_expiry * np.exp(np.minimum(back, 0) / scale), at_expiry + rates * back
    )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    return 1 + rng.poisson(by_then - count), -first


# --- many keys at once ----------------------------------------------------------------------------


class SynchronisedExpiryResult(Result):
    """Many keys, loaded together, that expire within an interval of chosen width."""

    keys: int
    query_s: float
    connections: int
    jitter_s: float
    #: Seconds since the first key may expire; shape (points,).
    time_s: np.ndarray
    #: Queries at the database, running and queued; shape (points,).
    at_database: np.ndarray
    at_database_unfixed: np.ndarray
    #: Widths of the interval, seconds, and the longest wait at each; shape (widths,).
    widths_s: np.ndarray
    worst_waits_s: np.ndarray
    worst_waits_theory_s: np.ndarray
    worst_wait_s: float
    saturated_s: float
    #: How long the queries would keep all connections busy without a gap.
    work_s: float

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "worst_wait_s": rounded(self.worst_wait_s),
            "worst_wait_unfixed_s": rounded(self.worst_waits_s[0]),
            "saturated_s": rounded(self.saturated_s),
            "work_s": rounded(self.work_s),
        }

    @property
    def reading(self) -> str:
        if self.jitter_s == 0:
            spread = f"{self.keys:,} keys expire at once"
        else:
            spread = f"{self.keys:,} keys expire within {duration(self.jitter_s)}"
        return (
            f"{spread}: the longest wait for a connection is {duration(self.worst_wait_s)}, and "
            f"all connections are taken for {duration(self.saturated_s)} in total. The work alone "
            f"would fill every connection for {duration(self.work_s)}."
        )


def simulate_synchronised_expiry(
    *,
    keys: int = 2_000,
    rate_rps: float = 5_000.0,
    query_s: float = 0.05,
    connections: int = 20,
    jitter_s: float = 0.0,
    seed: int = 1,
) -> SynchronisedExpiryResult:
    """Let many keys that were loaded together expire, each reloaded by one query.

    Parameters
    ----------
    keys : int
        Keys loaded at the same time with the same time to live; >= 1. All equally popular.
    rate_rps : float
        Requests for all of them together, per second, Poisson; > 0.
    query_s : float
        Time one query holds a connection, seconds; > 0.
    connections : int
        Connections of the database; >= 1.
    jitter_s : float
        Expiries are spread evenly over an interval of this width, seconds; >= 0.
    seed : int
        Seed of the traffic.

    Returns
    -------
    SynchronisedExpiryResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Single-flight is on: a key costs one query, at the first request after its expiry.
    """
    keys = validation.integer("keys", keys, at_least=1)
    rate_rps = validation.number("rate_rps", rate_rps, above=0, unit="requests/s")
    query_s = validation.number("query_s", query_s, above=0, unit="s")
    connections = validation.integer("connections", connections, at_least=1)
    jitter_s = validation.number("jitter_s", jitter_s, at_least=0, unit="s")
    place = unit_draws("uniform", "expiry", keys, seed)
    first = unit_draws("exponential", "first request", keys, seed) * (keys / rate_rps)
    work_s = keys * query_s / connections
    ceiling = round_up(1.6 * work_s)
    widths = np.append(np.linspace(0, ceiling, 17), jitter_s)

    arrivals = widths[:, np.newaxis] * place + first
    arrivals.sort(axis=1)
    starts = equal_service_starts(arrivals, query_s, connections)
    worst = (starts - arrivals).max(axis=1)
    ends = starts + query_s
    time_s = np.linspace(0, ceiling, _POINTS)
    return SynchronisedExpiryResult(
        keys=keys,
        query_s=query_s,
        connections=connections,
        jitter_s=jitter_s,
        time_s=frozen(time_s),
        at_database=frozen(queue_length_at(time_s, arrivals[-1], ends[-1])),
        at_database_unfixed=frozen(queue_length_at(time_s, arrivals[0], ends[0])),
        widths_s=frozen(widths[:-1]),
        worst_waits_s=frozen(worst[:-1]),
        worst_waits_theory_s=np.array(
            [
                theory.theory_synchronised_expiry(keys, rate_rps, query_s, connections, width)
                for width in widths[:-1].tolist()
            ]
        ),
        worst_wait_s=float(worst[-1]),
        saturated_s=saturated_time(arrivals[-1], ends[-1], connections),
        work_s=work_s,
    )


# --- the database's queue -------------------------------------------------------------------------


def equal_service_starts(arrivals_s: np.ndarray, service_s: float, servers: int) -> np.ndarray:
    """Return when queries of equal length start, first come first served.

    Equal queries end in the order they began, so query n gets the connection of query
    ``n - servers``: the queue is `servers` single-server queues dealt like cards, and each is
    solved by a running maximum. A test compares this with `foundations.queueing.fifo_waits`.

    Parameters
    ----------
    arrivals_s : numpy.ndarray, shape (n,) or (R, n)
        Ascending along the last axis.
    service_s : float
    servers : int

    Returns
    -------
    numpy.ndarray
        Start times, same shape.
    """
    *rows, size = arrivals_s.shape
    turns = -(-size // servers)
    dealt = np.full((*rows, turns * servers), np.inf)
    dealt[..., :size] = arrivals_s
    dealt = dealt.reshape(*rows, turns, servers)
    earlier_work = service_s * np.arange(turns)[:, np.newaxis]
    starts = np.maximum.accumulate(dealt - earlier_work, axis=-2) + earlier_work
    # The round trip through the subtraction may land a hair before the arrival.
    return np.maximum(starts, dealt).reshape(*rows, -1)[..., :size]


def saturated_time(arrivals_s: np.ndarray, departures_s: np.ndarray, servers: int) -> float:
    """Return for how long at least `servers` queries were at the database, seconds."""
    times = np.concatenate([arrivals_s, departures_s])
    change = np.repeat([1, -1], [arrivals_s.size, departures_s.size])
    order = np.argsort(times, kind="stable")
    present = np.cumsum(change[order])[:-1]
    return float(np.diff(times[order])[present >= servers].sum())
