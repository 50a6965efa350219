"""Every simulation against its closed form, and the faults that these checks must catch.

Means are compared over independent seeds: ``within`` allows 4.5 standard errors, which refuses a
right simulation 7 times in a million, plus a stated slack where a run begins empty.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from helpers import sharding
from tests.sharding.test_theory import Z, within

SEEDS = range(1, 25)


# --- C72 ----------------------------------------------------------------------------------------


def test_every_shard_is_an_mm1_queue_under_hashing():
    # Runs begin with empty queues, which at these loads costs less than 1 %.
    runs = [
        sharding.simulate_placement(scheme="hash", traffic="popular users", shards=4, seed=s,
                                    rate_rps=400.0, exponent=0.6)
        for s in SEEDS
    ]  # fmt: skip
    for shard in range(4):
        ratio = [run.mean_s[shard] / run.theory_s[shard] for run in runs]
        assert within(ratio, 1.0, slack=0.01)
    seen = np.array([run.seen_utilisation - run.utilisation for run in runs]).ravel()
    assert within(seen, 0.0)


def test_growing_ids_hit_the_last_shard_alone_and_its_queue_runs_away():
    run = sharding.simulate_placement(scheme="range", traffic="sign-ups")
    assert run.seen_utilisation[:-1].sum() == 0
    assert run.utilisation[-1] == pytest.approx(4)
    # Fluid limit; the random part of a mean over 20 s is about 1 %.
    assert run.mean_s[-1] == pytest.approx(run.theory_s[-1], rel=0.04)
    even = sharding.simulate_placement(scheme="hash", traffic="sign-ups")
    assert even.mean_s.max() < run.mean_s[-1] / 500


def test_newest_users_overload_a_range_and_not_a_hash():
    hot = sharding.simulate_placement(scheme="range", traffic="newest users", rate_rps=1_000.0)
    cool = sharding.simulate_placement(scheme="hash", traffic="newest users", rate_rps=1_000.0)
    assert hot.utilisation.max() > 2 > 1 > cool.utilisation.max()
    assert hot.utilisation.sum() == pytest.approx(cool.utilisation.sum())


def test_range_scan_simulation_equals_theory():
    runs = [sharding.simulate_range_scan(shards=16, seed=s) for s in SEEDS]
    for scheme in ("range", "hash"):
        for k in range(len(runs[0].lengths)):
            visited = [run.visited[scheme][k] for run in runs]
            assert within(visited, runs[0].theory[scheme][k], slack=1e-6)


@pytest.mark.parametrize("design", sharding.WRITER_DESIGNS)
def test_closed_loops_of_writers_follow_mean_value_analysis(design):
    runs = [sharding.simulate_shard_writers(design=design, seed=s) for s in SEEDS]
    for k, writers in enumerate(runs[0].writers):
        rates = [run.throughput_rps[k] for run in runs]
        assert within(rates, runs[0].theory_rps[writers - 1], slack=0.005)


# --- C73 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", sharding.SCHEMES)
def test_moved_keys_equal_theory(scheme):
    runs = [sharding.simulate_resharding(scheme=scheme, virtual_nodes=5, seed=s) for s in SEEDS]
    for k in (0, 1, 3, 7, 15):
        moved = np.array([run.moved_by_size[k] for run in runs])
        # Ranges are cut at a whole key: 2^-k of 10,000 rounds by half a key.
        assert within(moved, runs[0].theory_by_size[k], slack=1e-2 if scheme == "range" else 1e-9)


def test_no_even_scheme_moves_less_than_the_newcomers_share():
    for scheme in ("mod N", "ring", "slots"):
        run = sharding.simulate_resharding(scheme=scheme, virtual_nodes=500)
        assert (run.moved_by_size > 0.8 / (np.arange(1, 17) + 1)).all()


def test_range_split_moves_little_and_helps_one_shard_only():
    run = sharding.simulate_resharding(scheme="range", shards=4)
    assert run.moved == pytest.approx(0.125)
    assert run.load_after.max() == pytest.approx(1.25)


def test_progress_moves_the_picture_and_nothing_else():
    begin, end = (
        sharding.simulate_resharding(scheme="ring", progress=progress) for progress in (0.0, 1.0)
    )
    assert begin.summary == end.summary
    assert begin.travelled.max() == 0
    assert end.travelled[end.before != end.after].min() == 1


@pytest.mark.parametrize(("live", "share", "chunk_ms"), [(0.5, 0.2, 20.0), (0.3, 0.4, 5.0)])
def test_live_latency_during_a_copy_is_pollaczek_khinchine(live, share, chunk_ms):
    means = [
        sharding.simulate_migration(
            live_utilisation=live, copy_share=share, chunk_ms=chunk_ms, seed=s
        ).now["mean_s"]
        for s in SEEDS
    ]
    assert within(means, sharding.theory_migration(live, share, 0.002, chunk_ms / 1e3))


def test_catching_up_takes_as_long_as_the_series_says():
    run = sharding.simulate_migration(copy_share=0.2, write_mb_s=5.0)
    # The last 0.1 s of copying happens behind the fence, so what it would breed is spared.
    assert run.now["duration_s"] == pytest.approx(run.now["theory_duration_s"], abs=0.1)
    assert 0 < run.pause_s <= 0.1
    lost = sharding.simulate_migration(copy_share=0.02, write_mb_s=5.0)
    assert lost.now["duration_s"] == np.inf
    assert "never" in lost.reading


BAD_ORDER = {
    # m and c are the positions of the mover's and the client's steps.
    "copy, then switch": lambda m, c: c[0] < m[2] and c[1] > m[0],
    "dual write": lambda m, c: m[0] < c[0] and c[1] < m[1],
    "copy, replay, switch": lambda m, c: c[0] < m[3] and c[1] > m[2],
}


@pytest.mark.parametrize("protocol", BAD_ORDER)
@pytest.mark.parametrize("operation", sharding.OPERATIONS)
def test_interleavings_equal_a_count_by_the_order_of_events(protocol, operation):
    run = sharding.simulate_interleavings(protocol=protocol, operation=operation)
    movers = sum(actor == "mover" for actor, _ in run.schedules[0])
    steps = [("m", k) for k in range(movers)] + [("c", 0), ("c", 1)]
    bad = every = 0
    for order in permutations(steps):
        at = {step: position for position, step in enumerate(order)}
        m, c = [at["m", k] for k in range(movers)], [at["c", 0], at["c", 1]]
        if m == sorted(m) and c == sorted(c):
            every += 1
            bad += BAD_ORDER[protocol](m, c)
    assert (len(run.lost), sum(run.lost)) == (every, bad)
    assert bad > 0


@pytest.mark.parametrize(
    ("protocol", "update", "delete"),
    [
        ("dual write, newest wins", 0, 1),  # the deleted row comes back
        ("dual write, newest wins, tombstones", 0, 0),
        ("copy, fence, replay, switch", 0, 0),
    ],
)
def test_safe_protocols_have_no_bad_order(protocol, update, delete):
    for operation, bad in (("update", update), ("delete", delete)):
        run = sharding.simulate_interleavings(protocol=protocol, operation=operation)
        assert sum(run.lost) == bad


@pytest.mark.parametrize("protocol", sharding.MOVE_PROTOCOLS[:2])
def test_stale_rows_follow_the_formula_by_place(protocol):
    runs = [
        sharding.simulate_online_move(protocol=protocol, chunk_rows=500, rows=5_000, seed=s)
        for s in SEEDS
    ]
    for tenth in range(10):
        assert within([run.stale_by_tenth[tenth] for run in runs], runs[0].theory_by_tenth[tenth])


def test_replaying_the_log_leaves_nothing_stale():
    for seed in SEEDS:
        run = sharding.simulate_online_move(protocol="copy, replay, fenced switch", seed=seed)
        assert run.stale == 0
        assert run.writes > 9_000


# --- C74 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fix", sharding.FIXES)
def test_hot_key_loads_and_latencies(fix):
    runs = [
        sharding.simulate_hot_key(
            fix=fix, shards=6, rate_rps=300.0, exponent=0.9, read_fraction=0.7, pieces=3, seed=s
        )
        for s in SEEDS
    ]
    seen = np.concatenate([run.seen_load - run.hot_load - run.other_load for run in runs])
    assert within(seen, 0.0)
    # Copies and pieces that share a shard come in batches, which are not Poisson: left out.
    ratio = [
        run.mean_s[k] / run.theory_s[k]
        for run in runs
        for k in range(6)
        if (fix not in ("salt", "copies") or run.hot_load[k] == 0) and run.other_load[k] > 0
    ]
    assert within(ratio, 1.0, slack=0.02)


def test_no_number_of_shards_beats_the_ceiling():
    for fix in sharding.FIXES:
        for exponent in (0.0, 0.8, 1.2, 2.0):
            run = sharding.simulate_shard_ceiling(fix=fix, exponent=exponent)
            assert (run.capacity <= run.ceiling * (1 + 1e-12)).all()
            assert (run.unmended <= run.unmended_ceiling * (1 + 1e-12)).all()
            assert (run.unmended <= run.shards * (1 + 1e-12)).all()
    steep = sharding.simulate_shard_ceiling(fix="none", exponent=1.5)
    assert steep.unmended[-1] > 0.95 * steep.unmended_ceiling  # and it is reached


def test_each_fix_helps_the_side_it_is_for():
    def capacity(fix, reads):
        run = sharding.simulate_shard_ceiling(fix=fix, exponent=1.2, read_fraction=reads, pieces=16)
        return run.capacity[-1]

    assert capacity("salt", 0.0) > 1.5 * capacity("none", 0.0)
    assert capacity("salt", 1.0) < capacity("none", 1.0)
    assert capacity("copies", 1.0) > 1.5 * capacity("none", 1.0)
    assert capacity("copies", 0.0) < capacity("none", 0.0)
    assert capacity("cache", 1.0) > 1.5 * capacity("none", 1.0)
    assert capacity("cache", 0.0) == pytest.approx(capacity("none", 0.0))


@pytest.mark.parametrize("threshold", [1_000_000.0, 200_000.0, 20_000.0])
def test_waiting_posts_are_pollaczek_khinchine(threshold):
    waits = [
        sharding.simulate_fan_out(threshold=threshold, seed=s).now["wait_s"] for s in range(1, 60)
    ]
    theory, _ = sharding.theory_fan_out(sharding.FOLLOWERS, threshold, 20.0, 1e6)[1], None
    assert within(waits, theory, slack=0.01)


def test_pulling_the_largest_trades_insertions_for_queries():
    pushed = sharding.simulate_fan_out(threshold=1_000_000.0).now
    mixed = sharding.simulate_fan_out(threshold=100_000.0).now
    assert mixed["writes_rps"] < pushed["writes_rps"]
    assert mixed["reads_rps"] > pushed["reads_rps"]
    assert mixed["wait_s"] < pushed["wait_s"] / 20
    # Every follow is paid for exactly once: pushed per post or pulled per read.
    total = sharding.FOLLOWERS.sum()
    for now in (pushed, mixed):
        pushes = now["writes_rps"] / 20 * 200
        pulls = (now["reads_rps"] / 100_000 - 1) * 2_000_000
        assert pushes + pulls == pytest.approx(total)


# --- C75 ----------------------------------------------------------------------------------------


def below(times, quantile_s):
    """Fraction of times not above a predicted quantile: Bin(m, q) / m if the law is right."""
    return float((np.asarray(times) <= quantile_s).mean())


def test_scatter_gather_equals_order_statistics():
    for seed in (1, 2, 3):
        run = sharding.simulate_scatter_gather(seed=seed, slow_probability=0.013)
        m = 2_000
        for slow, p in zip(run.slow, run.theory_slow, strict=True):
            assert abs(slow - p) < Z * np.sqrt(p * (1 - p) / m)
        leaf = (0.01, 0.013, 1.0)
        for q, simulated in ((0.5, run.p50_s), (0.99, run.p99_s)):
            # The simulated quantile, put through the exact law, must give back q.
            for t, n in zip(simulated, run.fan_outs, strict=True):
                exact = (1 - sharding.leaf_survival(t, *leaf)) ** n
                assert abs(exact - q) < Z * np.sqrt(q * (1 - q) / m) + 1 / m


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("delay", [0.0, 30.0, 80.0])
def test_hedging_equals_theory(shared, delay):
    run = sharding.simulate_hedging(
        hedge_after_ms=delay, shared_cause=shared, slow_probability=0.03, seed=7
    )
    leaf = (0.01, 0.03, 1.0)
    m = len(run.hedged_s)
    for q in (0.1, 0.5, 0.9, 0.99):
        at = float(
            sharding.theory_hedging_quantile(q, np.array([delay / 1e3]), 20, *leaf, shared)[0]
        )
        assert abs(below(run.hedged_s, at) - q) < Z * np.sqrt(q * (1 - q) / m)
    p = run.theory_extra
    assert abs(run.extra - p) <= Z * np.sqrt(p * (1 - p) / (m * 20))


def test_hedging_never_makes_an_answer_later():
    run = sharding.simulate_hedging()
    assert (run.hedged_s <= run.plain_s).all()


def test_join_counts_equal_theory():
    runs = [sharding.simulate_join(seed=s) for s in SEEDS]
    for name in sharding.JOINS:
        for k in range(len(runs[0].sizes)):
            assert within([r.sent[name][k] for r in runs], runs[0].theory_sent[name][k], 1e-9)
            assert within([r.found[name][k] for r in runs], runs[0].theory_found[name][k], 1e-9)


# --- C76 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", sharding.DESIGNS)
def test_split_designs_are_mixes_of_mm1_queues(design):
    runs = [sharding.simulate_vertical(seed=s) for s in range(1, 60)]
    shares = {
        "one server": [1.0],
        "by feature": runs[0].shares,
        "by row": [0.25] * 4,
    }[design]
    theory = sharding.theory_vertical(runs[0].rates_rps[design], shares, 0.005)
    for k in range(4):  # up to 60 % of the ceiling; nearer to it a run of 6,000 is too short
        assert within([run.mean_s[design][k] for run in runs], theory[k], slack=0.01)


def test_vertical_ceiling_is_lower_and_bounds_the_packing():
    for features in (2, 5, 8):
        run = sharding.simulate_vertical(features=features, largest_share=0.6)
        assert run.ceilings_rps["by feature"] < run.ceilings_rps["by row"]
        assert (run.speedup_by_feature <= run.bound_by_feature + 1e-12).all()
        assert run.speedup_by_feature[-1] == pytest.approx(1 / 0.6)


# --- the same arguments, the same result --------------------------------------------------------

DEFAULTS = [
    (sharding.simulate_placement, {"scheme": "ring", "traffic": "popular users"}),
    (sharding.simulate_range_scan, {}),
    (sharding.simulate_shard_writers, {"design": "hash"}),
    (sharding.simulate_ring, {}),
    (sharding.simulate_ring_imbalance, {}),
    (sharding.simulate_resharding, {"scheme": "ring"}),
    (sharding.simulate_migration, {}),
    (sharding.simulate_interleavings, {"protocol": "dual write"}),
    (sharding.simulate_online_move, {"protocol": "dual write"}),
    (sharding.simulate_hot_key, {"fix": "salt"}),
    (sharding.simulate_shard_ceiling, {"fix": "salt"}),
    (sharding.simulate_worker_queues, {}),
    (sharding.simulate_fan_out, {}),
    (sharding.simulate_scatter_gather, {}),
    (sharding.simulate_hedging, {}),
    (sharding.simulate_join, {}),
    (sharding.simulate_vertical, {}),
]


@pytest.mark.parametrize(
    ("simulate", "arguments"), DEFAULTS, ids=lambda x: getattr(x, "__name__", "")
)
def test_results_repeat_exactly_and_speak(simulate, arguments):
    one, two = simulate(**arguments), simulate(**arguments)
    assert one.summary == two.summary
    assert one.reading == two.reading
    assert one.reading.endswith(".")
    assert len(one.table()) > 0


def test_worse_traffic_meets_the_same_dice():
    # Common random numbers: the same seed gives the same requests at another rate.
    slow, fast = (
        sharding.simulate_hot_key(fix="none", rate_rps=rate, shards=8) for rate in (400.0, 401.0)
    )
    assert slow.seen_load == pytest.approx(fast.seen_load, rel=0.05)


def test_faulty_queues_are_caught(monkeypatch):
    # A shard that forgets who came before (no queue), and one that serves at constant speed.
    from helpers.sharding.simulation import placement

    good = placement.queue_on_shards

    def no_queue(arrivals, services, shard, shards, quantile=0.99):
        means = np.bincount(shard, weights=services, minlength=shards) / np.bincount(
            shard, minlength=shards
        )
        return services, means, means

    def constant(arrivals, services, shard, shards, quantile=0.99):
        return good(arrivals, np.full_like(services, 0.005), shard, shards, quantile)

    for mutant in (no_queue, constant):
        monkeypatch.setattr(placement, "queue_on_shards", mutant)
        with pytest.raises(AssertionError):
            test_every_shard_is_an_mm1_queue_under_hashing()
