"""The herd: theory, the open model and its edits, a real origin, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.caching import expiry, herd
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    assert_tells,
    diamonds,
    drawn_by,
    each_of,
    runs_of,
)
from tests.models import edited

MODEL = "helpers.caching.expiry:one_expiry"
SEEDS = range(150)


def check_herd(fix, rate_rps=200.0, recompute_s=0.25):
    sizes = [
        expiry.simulate(rate_rps=rate_rps, recompute_s=recompute_s, fix=fix, seed=seed).queries[fix]
        for seed in SEEDS
    ]
    at = expiry.Setting(rate_rps=rate_rps, recompute_s=recompute_s)
    expected = expiry.theory(at).queries[fix]
    if fix == "single-flight":
        assert set(sizes) == {expected} == {1}
    else:
        assert_mean(sizes, expected, what=fix)


@pytest.mark.parametrize("fix", expiry.FIXES)
def test_a_herd_is_as_large_as_theory_says(fix):
    check_herd(fix)


def test_xfetch_at_rates_too_low_to_be_in_time():
    # The second and third case of the theory: the answer is back after the expiry, or nobody
    # refreshed before it.
    for rate_rps, recompute_s in ((2.0, 0.3), (10.0, 0.3)):
        check_herd("early refresh", rate_rps, recompute_s)


_queries = herd.queries_of


def let_two_through(fix, after, *rest):
    return after[:2] if fix == "single-flight" else _queries(fix, after, *rest)


def count_half_of_the_recompute_time(fix, after, rate_rps, recompute_s, draw):
    return _queries(fix, after, rate_rps, recompute_s / 2, draw)


@pytest.mark.parametrize(
    ("fix", "mutant"),
    [
        ("single-flight", let_two_through),
        ("none", count_half_of_the_recompute_time),
        ("jitter", count_half_of_the_recompute_time),
    ],
)
def test_a_wrong_herd_is_caught(monkeypatch, fix, mutant):
    monkeypatch.setattr(expiry, "queries_of", mutant)
    with pytest.raises(AssertionError):
        check_herd(fix)


class _Coins:
    """Draws whose coins are another's."""

    def __init__(self, draw, change):
        self.draw, self.change = draw, change

    def __call__(self, name):
        return self if name == "coins" else self.draw(name)

    def standard_exponential(self, size):
        return self.change(self.draw("coins").standard_exponential(size))


@pytest.mark.parametrize(
    "change",
    [np.negative, np.zeros_like, lambda coins: 2 * coins, np.ones_like],
    ids=["sign flipped", "never early", "beta doubled", "no randomness"],
)
def test_a_wrong_coin_in_xfetch_is_caught(monkeypatch, change):
    monkeypatch.setattr(expiry, "Draws", lambda seed: _Coins(Draws(seed), change))
    with pytest.raises(AssertionError):
        check_herd("early refresh")


@pytest.mark.parametrize("fix", ["none", "single-flight"])
@pytest.mark.parametrize(
    "setting",
    [{}, {"rate_rps": 10.0, "recompute_s": 0.05}, {"rate_rps": 2_000.0, "connections": 1}],
)
def test_the_open_model_is_the_simulation_on_the_same_draws(fix, setting):
    at = expiry.Setting(fix=fix, **setting)
    run, mine = expiry.simulate(at), expiry.one_expiry(at, Draws(at.seed))
    assert mine["queries"] == run.queries[fix]
    assert len(mine["waits_s"]) == run.waiting_requests
    assert max(mine["waits_s"]) == pytest.approx(run.worst_wait_s, rel=1e-9)
    assert mine["saturated_s"] == pytest.approx(run.saturated_s, abs=1e-9)
    np.testing.assert_array_equal(mine["at_database"], run.at_database)


def test_the_database_is_saturated_as_long_as_the_fluid_says():
    # The fluid ignores that connections fill and empty one by one: one recompute time.
    for rate_rps, recompute_s, connections in ((500.0, 0.4, 10), (2_000.0, 0.2, 5), (50.0, 1, 3)):
        at = expiry.Setting(rate_rps=rate_rps, recompute_s=recompute_s, connections=connections)
        times = [expiry.simulate(at.but(seed=seed)).saturated_s for seed in range(40)]
        assert_mean(times, expiry.theory(at).saturated_s, allowance=recompute_s)


def test_what_each_fix_leaves():
    runs = {fix: expiry.simulate(fix=fix) for fix in expiry.FIXES}
    assert runs["single-flight"].saturated_s == 0
    assert runs["single-flight"].waiting_requests == runs["none"].queries["none"]
    assert runs["early refresh"].cached_s < 0
    assert runs["jitter"].saturated_s > 0.8 * runs["none"].saturated_s
    for run in runs.values():
        assert run.at_database[0] == 0
        assert run.at_database.max() <= run.queries[run.at.fix]
        assert run.queries == runs["none"].queries  # the same traffic for every fix


# --- what is watched ------------------------------------------------------------------------------


SMALL = {"rate_rps": 200.0, "connections": 4}


def followed(log):
    """For each request: when it came to the cache, where it ended and when, and what was said."""
    names, rows = [place.name for place in log.places], log.rows
    came, ended = {}, {}
    for row in np.flatnonzero(rows.token >= 0):
        token, place = log.tokens[rows.token[row]], names[rows.place[row]]
        if place == "cache":
            came[token] = float(rows.time_s[row])
        elif place in ("in time", "too late"):
            assert token not in ended, "a request is answered once"
            ended[token] = (place, float(rows.time_s[row]), log.words[rows.why[row]])
    return came, ended


@pytest.mark.parametrize("fix", expiry.FIXES)
@pytest.mark.parametrize("setting", [SMALL, {"rate_rps": 40.0, "connections": 1, "seed": 3}])
def test_what_is_watched_is_the_simulation(fix, setting):
    run, log = expiry.simulate(fix=fix, **setting), expiry.watch(fix=fix, **setting)
    for moment, expected in zip(run.at.time_s, run.at_database, strict=True):
        standing = log.standing(moment)
        assert len(standing["line"]) + len(standing["database"]) == expected
    names, rows = [place.name for place in log.places], log.rows
    served = rows.token[rows.place == names.index("database")]
    assert len(set(served)) == len(served) == run.queries[fix]
    fresh = [row for row in np.flatnonzero(rows.token < 0) if log.told(row) == "cache: fresh"]
    assert rows.time_s[fresh].tolist() == [pytest.approx(run.cached_s)]
    came, ended = followed(log)
    assert came.keys() == ended.keys()
    waits = np.array([ended[token][1] - came[token] for token in came])
    assert (waits > 0).sum() == run.waiting_requests
    assert waits.max() == pytest.approx(run.worst_wait_s)


@pytest.mark.parametrize("fix", expiry.FIXES)
def test_whoever_is_late_says_why_and_nobody_else_does(fix):
    late = 0
    for limit in (0.1, 1.0):
        log = expiry.watch(fix=fix, late_s=limit, **SMALL)
        came, ended = followed(log)
        for token, (where, when, why) in ended.items():
            assert (where == "too late") == (when - came[token] > limit) == bool(why)
        late += sum(log.reasons.values())
        assert set(log.reasons) <= {expiry.IN_LINE, expiry.TOO_LONG}
        if limit > 0.4:  # a query is in time by itself
            assert expiry.TOO_LONG not in log.reasons
    assert late


def test_without_a_fix_the_late_ones_stood_in_line_for_what_was_in_the_cache():
    log = expiry.watch(**SMALL)
    names, rows = [place.name for place in log.places], log.rows
    (fresh,) = rows.time_s[[log.told(row) == "cache: fresh" for row in range(len(rows))]]
    starts = {
        log.tokens[rows.token[row]]: float(rows.time_s[row])
        for row in np.flatnonzero(rows.place == names.index("database"))
    }
    for token, (_, _, why) in followed(log)[1].items():
        assert not why or starts[token] >= fresh
    assert sum(log.reasons.values()) > 50


def test_with_single_flight_one_goes_through_and_all_others_leave_with_it():
    log = expiry.watch(fix="single-flight", **SMALL)
    came, ended = followed(log)
    back = ended[0][1]
    waited = [token for token in came if came[token] < back]
    assert len(waited) > 50
    assert {ended[token][1] for token in waited} == {back}
    assert not log.reasons
    assert max(len(log.standing(moment)["cache"]) for moment in log.rows.time_s) == len(waited) - 1


def test_those_who_hit_are_followed_for_as_long_as_it_takes_to_recompute():
    log = expiry.watch(fix="single-flight", **SMALL)
    came, ended = followed(log)
    hits = [token for token in came if ended[token][1] == came[token]]
    assert hits[0] == max(set(came) - set(hits)) + 1
    assert 0.4 * 200 / 2 < len(hits) < 0.4 * 200 * 2
    assert log.end_s <= ended[0][1] + 0.4


# --- the open model -------------------------------------------------------------------------------


def test_telling_those_in_line_cuts_the_triangle_off():
    told = edited(
        MODEL,
        "            yield world.timeout(at.recompute_s)\n",
        "            if not answered:\n                yield world.timeout(at.recompute_s)\n",
    )
    before = runs_of(expiry.one_expiry, expiry.Setting)
    after = runs_of(told, expiry.Setting)
    assert after["queries"] == before["queries"]
    assert before["saturated_s"] > 7
    assert after["saturated_s"] < 0.5
    assert max(after["waits_s"]) <= 0.4 + 1e-9
    assert after["at_database"].max() == pytest.approx(before["at_database"].max(), rel=0.05)


def test_ten_servers_with_a_flight_each_send_ten_queries():
    ten = edited(
        MODEL,
        "flights, sent, answered, waits = [], [], [], []",
        "flights, sent, answered, waits = {}, [], [], []",
        '        if not (at.fix == "single-flight" and flights):\n'
        "            flights.append(world.process(query()))\n"
        "        yield flights[-1]\n",
        '        server = draw("servers").integers(10)\n'
        '        if not (at.fix == "single-flight" and server in flights):\n'
        "            flights[server] = world.process(query())\n"
        "        yield flights[server]\n",
    )
    runs = each_of(ten, expiry.Setting, 8, fix="single-flight")
    assert {each["queries"] for each in runs} == {10}
    same = [each["queries"] for each in each_of(ten, expiry.Setting, 1)]
    assert same == [expiry.simulate().queries["none"]]


def test_whoever_serves_the_old_value_sends_one_query_and_waits_once():
    stale = edited(
        MODEL,
        "        asked = world.now\n",
        "        if flights:\n            return\n        asked = world.now\n",
    )
    for each in each_of(stale, expiry.Setting, 8):
        assert each["queries"] == len(each["waits_s"]) == 1
        assert each["saturated_s"] == 0


# --- the page -------------------------------------------------------------------------------------


CORNERS = [
    {},
    {"fix": "single-flight"},
    {"fix": "early refresh"},
    {"fix": "jitter"},
    {"rate_rps": 10.0, "recompute_s": 0.05, "connections": 1},
    {"rate_rps": 10.0, "recompute_s": 0.05, "connections": 1, "fix": "single-flight"},
    {"rate_rps": 5_000.0, "recompute_s": 2.0, "connections": 200},
    {"rate_rps": 310.0, "recompute_s": 2.0, "connections": 20},
]


@pytest.mark.parametrize("setting", CORNERS)
def test_the_page(setting):
    run = expiry.simulate(**setting)
    at, exact = run.at, expiry.theory(run.at)
    queries = run.queries[at.fix]
    said = [
        "1 query " if queries == 1 else f"{queries:,} queries ",
        duration(abs(run.cached_s)),
        "before the expiry" if run.cached_s < 0 else "after the expiry",
    ]
    if run.saturated_s:
        which = "the only connection" if at.connections == 1 else "every connection"
        taken = f"{which} is taken for {duration(run.saturated_s)}"
        said += [taken, duration(run.worst_wait_s)]
    else:
        said += ["always has a free connection"]
    assert run.reading.endswith("never empties again.") == (run.saturated_s >= 60)
    assert_tells(run.reading, *said)
    assert run.summary["queries"] == queries
    assert run.summary["queries_theory"] == pytest.approx(exact.queries[at.fix], rel=6e-4)
    assert run.summary["waiting_requests"] == run.waiting_requests
    expected = [exact.queries[fix] for fix in expiry.FIXES]
    counts = [run.queries[fix] for fix in expiry.FIXES]
    assert_columns(run, fix=expiry.FIXES, queries=counts, theory=expected)

    mine = {"queries": 17, "at_database": np.arange(500)}
    over_time, bars = drawn_by(expiry, run, mine=mine)
    points = np.column_stack([at.time_s, run.at_database])
    np.testing.assert_allclose(drawn.curve(over_time, **style.SIMULATION), points)
    assert drawn.levels(over_time, color=style.MUTED) == [at.connections]
    if at.fix in ("single-flight", "early refresh"):
        points = np.column_stack([at.time_s, run.at_database_unfixed])
        np.testing.assert_allclose(drawn.curve(over_time, color=style.PALE_BLUE), points)
    if at.fix == "early refresh":
        (mark,) = drawn.curve(over_time, marker="^")
        np.testing.assert_allclose(mark, [run.cached_s, 0])
    damage = drawn.area(over_time, style.PALE_RED)
    np.testing.assert_allclose(damage.high, run.at_database)
    np.testing.assert_allclose(damage.low, np.minimum(run.at_database, at.connections))
    np.testing.assert_allclose(
        diamonds(over_time), np.column_stack([at.time_s[::20], np.arange(0, 500, 20)])
    )
    chosen = drawn.bars(bars, facecolor=style.BLUE)
    others = drawn.bars(bars, facecolor=style.PALE_BLUE)
    assert chosen.places.tolist() == [expiry.FIXES.index(at.fix)]
    ends = dict(zip([*chosen.places, *others.places], [*chosen.ends, *others.ends], strict=True))
    np.testing.assert_allclose([ends[row] for row in range(4)], counts)
    np.testing.assert_allclose(drawn.marks(bars, "x"), [range(4), expected])
    assert [significant(count) for count in counts] == drawn.written(bars)[-4:]
    np.testing.assert_allclose(diamonds(bars), [(17, expiry.FIXES.index(at.fix) + 0.32)])
    assert_legible(*drawn_by(expiry, run))


def test_the_axes_stay_put_while_the_herd_grows_a_little():
    low, high = (expiry.simulate(rate_rps=rate) for rate in (700.0, 900.0))
    for one, other in zip(drawn_by(expiry, low), drawn_by(expiry, high), strict=True):
        assert one.get_ylim() == other.get_ylim()
        assert one.get_xlim() == other.get_xlim()
    assert high.at_database.max() > 1.2 * low.at_database.max()


# --- measured -------------------------------------------------------------------------------------
