"""Every explorer's simulation and figure at the ends of its sliders, and bad input."""

from __future__ import annotations

import itertools
import random
import warnings

import numpy as np
import pytest

from helpers import sharding
from helpers.explore.canvas import Canvas

# The ranges of the chapter's sliders and choices; the notebook's own are tested from the notebook.
CORNERS = {
    (sharding.simulate_placement, sharding.plot_placement): {
        "scheme": sharding.PLACEMENTS,
        "traffic": sharding.TRAFFIC,
        "shards": (2, 32),
        "rate_rps": (50.0, 2_000.0),
        "exponent": (0.0, 1.4),
    },
    (sharding.simulate_range_scan, sharding.plot_range_scan): {
        "shards": (2, 64),
        "length": (1, 1_000),
    },
    (sharding.simulate_shard_writers, sharding.plot_shard_writers): {
        "design": sharding.WRITER_DESIGNS,
        "files": (2, 16),
        "largest_share": (0.5, 0.95),
        "service_ms": (1.0, 20.0),
    },
    (sharding.simulate_ring, sharding.plot_ring): {
        "shards": (2, 32),
        "virtual_nodes": (1, 1_000),
    },
    (sharding.simulate_ring_imbalance, sharding.plot_ring_imbalance): {
        "shards": (2, 16),
        "target": (1.02, 2.0),
    },
    (sharding.simulate_resharding, sharding.plot_resharding): {
        "scheme": sharding.SCHEMES,
        "shards": (1, 16),
        "virtual_nodes": (1, 500),
        "progress": (0.0, 1.0),
    },
    (sharding.simulate_migration, sharding.plot_migration): {
        "live_utilisation": (0.2, 0.9),
        "copy_share": (0.01, 0.8),
        "chunk_ms": (5.0, 200.0),
        "write_mb_s": (0.0, 50.0),
    },
    (sharding.simulate_interleavings, sharding.plot_interleavings): {
        "protocol": sharding.INTERLEAVED_PROTOCOLS,
        "operation": sharding.OPERATIONS,
    },
    (sharding.simulate_online_move, sharding.plot_online_move): {
        "protocol": sharding.MOVE_PROTOCOLS,
        "writes_per_row": (0.0, 5.0),
        "chunk_rows": (1, 10_000),
    },
    (sharding.simulate_hot_key, sharding.plot_hot_key): {
        "fix": sharding.FIXES,
        "shards": (2, 32),
        "exponent": (0.0, 2.0),
        "rate_rps": (50.0, 1_200.0),
        "read_fraction": (0.0, 1.0),
        "pieces": (1, 16),
    },
    (sharding.simulate_shard_ceiling, sharding.plot_shard_ceiling): {
        "fix": sharding.FIXES,
        "exponent": (0.0, 2.0),
        "read_fraction": (0.0, 1.0),
        "pieces": (1, 16),
    },
    (sharding.simulate_worker_queues, sharding.plot_worker_queues): {
        "workers": (2, 8),
        "exponent": (0.0, 2.0),
        "rate_rps": (50.0, 1_500.0),
    },
    (sharding.simulate_fan_out, sharding.plot_fan_out): {
        "threshold": (1_000.0, 1_000_000.0),
        "post_rate_rps": (1.0, 60.0),
        "read_rate_rps": (0.0, 1_000_000.0),
    },
    (sharding.simulate_scatter_gather, sharding.plot_scatter_gather): {
        "fan_out": (1, 200),
        "slow_probability": (1e-4, 0.5),
        "slow_ms": (1.0, 10_000.0),
    },
    (sharding.simulate_hedging, sharding.plot_hedging): {
        "hedge_after_ms": (0.0, 10_000.0),
        "fan_out": (1, 100),
        "slow_probability": (1e-4, 0.5),
        "shared_cause": (0.0, 1.0),
    },
    (sharding.simulate_join, sharding.plot_join): {
        "shards": (1, 32),
        "orders_per_user": (1, 20),
    },
    (sharding.simulate_vertical, sharding.plot_vertical): {
        "features": (2, 8),
        "largest_share": (0.5, 0.95),
        "rate_rps": (10.0, 1_500.0),
    },
}


def settings(ranges, at_most=40):
    """All corners where they are few, otherwise a seeded choice of them."""
    every = [
        dict(zip(ranges, values, strict=True)) for values in itertools.product(*ranges.values())
    ]
    return every if len(every) <= at_most else random.Random(1).sample(every, at_most)


@pytest.mark.parametrize("pair", CORNERS, ids=lambda pair: pair[0].__name__)
def test_corners(pair):
    simulate, plot = pair
    canvas = Canvas(plot)
    for number, values in enumerate(settings(CORNERS[pair])):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = simulate(**values)
            for name, value in result.summary.items():
                assert isinstance(value, str) or np.isfinite(value), (name, values)
            assert "not a number" not in result.reading, values
            if number < 6:
                canvas.draw([result])
                canvas.moving_png()


def test_worst_corner_of_the_hot_key_reads_sensibly_when_overloaded():
    run = sharding.simulate_hot_key(fix="none", exponent=2.0, rate_rps=1_200.0, shards=32)
    assert "overloaded" in run.reading
    assert run.request_p99_s > 10


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: sharding.simulate_placement(scheme="hope", traffic="sign-ups"), "scheme"),
        (lambda: sharding.simulate_placement(scheme="hash", traffic="hope"), "traffic"),
        (
            lambda: sharding.simulate_placement(scheme="hash", traffic="sign-ups", rate_rps=0),
            "rate_rps",
        ),
        (lambda: sharding.simulate_range_scan(length=0), "length"),
        (lambda: sharding.simulate_shard_writers(design="hash", files=1), "files"),
        (lambda: sharding.simulate_ring(shards=1), "shards"),
        (lambda: sharding.simulate_ring(virtual_nodes=2.5), "virtual_nodes"),
        (lambda: sharding.simulate_ring_imbalance(target=1.0), "target"),
        (lambda: sharding.simulate_resharding(scheme="mod N", progress=1.5), "progress"),
        (lambda: sharding.simulate_migration(copy_share=1.0), "copy_share"),
        (lambda: sharding.simulate_interleavings(protocol="hope"), "protocol"),
        (lambda: sharding.simulate_online_move(protocol="dual write", rows=0), "rows"),
        (lambda: sharding.simulate_hot_key(fix="pray"), "fix"),
        (lambda: sharding.simulate_hot_key(fix="none", pieces=99), "pieces"),
        (lambda: sharding.simulate_shard_ceiling(fix="none", exponent=-1), "exponent"),
        (lambda: sharding.simulate_worker_queues(seconds=99.0), "seconds"),
        (lambda: sharding.simulate_fan_out(threshold=0.0), "threshold"),
        (lambda: sharding.simulate_scatter_gather(fan_out=0), "fan_out"),
        (lambda: sharding.simulate_hedging(shared_cause=2.0), "shared_cause"),
        (lambda: sharding.simulate_join(orders_per_user=0), "orders_per_user"),
        (lambda: sharding.simulate_vertical(largest_share=0.1), "largest_share"),
        (lambda: sharding.simulate_join(seed=-1), "seed"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=name):
        call()
