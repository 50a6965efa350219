"""Hashes, ranges, the ring and the slot table: what they promise, and faults that must show."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from helpers.sharding import router
from helpers.sharding.router import SLOTS, Ring, hash64


def test_hash64_is_the_same_in_every_process_and_pinned():
    # Pinned values: if they change, every key in every deployed shard has moved.
    expected = [int(h) for h in hash64([0, 1, 1_000_000], seed=1)]
    code = "from helpers.sharding.router import hash64; print(*hash64([0, 1, 1000000], seed=1))"
    for hash_seed in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": hash_seed, "PATH": ""},
        ).stdout
        assert [int(word) for word in out.split()] == expected
    assert expected == [14441215724402424410, 5100067414036997183, 17115651641412420716]
    assert router.hash_text("user:42") == 15647646390214308482


def test_hash64_never_collides_for_one_seed_and_differs_between_seeds():
    one, two = (hash64(np.arange(200_000), seed) for seed in (1, 2))
    assert len(np.unique(one)) == 200_000
    assert (one != two).all()


def test_hash64_is_uniform_over_256_cells():
    # Pearson's chi-squared with 255 degrees of freedom: mean 255, sd 22.6; beyond 6 sd with
    # probability below 1e-6 for a fair hash. Consecutive ids, every 1,024th id, both ends of bits.
    for keys in (np.arange(51_200), np.arange(51_200) * 1_024):
        hashes = hash64(keys, seed=3)
        for shift in (0, 28, 56):
            cells = np.bincount(((hashes >> np.uint64(shift)) & np.uint64(255)).astype(int))
            chi = ((cells - 200) ** 2 / 200).sum()
            assert 255 - 6 * 22.6 < chi < 255 + 6 * 22.6


@pytest.mark.parametrize("keys", [[-1], [1.5], ["a"]])
def test_hash64_refuses_what_is_not_a_whole_number(keys):
    with pytest.raises((TypeError, ValueError), match="keys"):
        hash64(keys)


def test_range_boundaries_are_off_by_nothing():
    ids = np.array([0, 999_999, 1_000_000, 1_999_999, 2_000_000, 9_999_999])
    assert router.shard_by_range(ids, 3, 1_000_000).tolist() == [0, 0, 1, 1, 2, 2]


# --- the ring, against an implementation too slow and too plain to be wrong ---------------------


def plain_ring_owner(points, owners, position):
    """Walk clockwise from `position` to the next point, one point at a time."""
    best = None
    for point, owner in zip(points, owners, strict=True):
        distance = (int(point) - int(position)) % 2**64
        if best is None or distance < best[0]:
            best = (distance, owner)
    return best[1]


def check_ring(locate, points, owners):
    """Raise AssertionError unless `locate` agrees with the walk on hard cases and random ones."""
    hard = np.concatenate([points[:20], points[:20] + np.uint64(1), points[:20] - np.uint64(1)])
    ends = np.array([0, 2**64 - 1], dtype=np.uint64)
    random = hash64(np.arange(100), seed=9)
    where = np.concatenate([hard, ends, random])
    expected = [plain_ring_owner(points, owners, position) for position in where]
    assert np.asarray(locate(where)).tolist() == expected


@pytest.mark.parametrize(("shards", "virtual_nodes"), [(1, 1), (2, 1), (5, 1), (5, 7), (3, 40)])
def test_ring_gives_each_key_to_the_next_point_clockwise(shards, virtual_nodes):
    ring = Ring(shards, virtual_nodes, seed=4)
    check_ring(ring.locate, ring.points, ring.owners)


def test_ring_mutants_are_caught():
    ring = Ring(5, 7, seed=4)
    points, owners = ring.points, ring.owners
    shuffled = np.random.default_rng(0).permutation(len(points))

    def modulo(hashes):  # hash % N dressed up as a ring
        return (hashes % np.uint64(5)).astype(int)

    def unsorted(hashes):
        return owners[shuffled][np.searchsorted(points[shuffled], hashes) % len(points)]

    def predecessor(hashes):
        return owners[(np.searchsorted(points, hashes) - 1) % len(points)]

    def after_equal(hashes):  # a key exactly on a point goes to the next one
        return owners[np.searchsorted(points, hashes, side="right") % len(points)]

    def no_wrap(hashes):
        return owners[np.minimum(np.searchsorted(points, hashes), len(points) - 1)]

    for mutant in (modulo, unsorted, predecessor, after_equal, no_wrap):
        with pytest.raises(AssertionError):
            check_ring(mutant, points, owners)


def test_shares_are_the_arcs_and_sum_to_one():
    ring = Ring(6, 20, seed=2)
    assert ring.shares().sum() == pytest.approx(1)
    # A million keys: the largest standard error of a share is below 0.0005; 6 of them.
    hit = np.bincount(ring.locate(hash64(np.arange(1_000_000), seed=2)), minlength=6)
    assert np.abs(hit / 1e6 - ring.shares()).max() < 0.003


def test_keys_and_points_are_hashed_apart():
    # With one hash for both, keys 0..V-1 would all sit on the first shard's points.
    ring = Ring(10, 300, seed=1)
    first_keys = ring.locate(hash64(np.arange(300), seed=1))
    assert (first_keys == 0).mean() < 0.3  # fair is 0.1 with sd 0.02


def test_virtual_nodes_are_distinct():
    ring = Ring(20, 500, seed=1)
    assert len(np.unique(ring.points)) == 20 * 500
    assert (np.bincount(ring.owners) == 500).all()


def test_growing_the_ring_moves_keys_to_the_newcomer_only():
    keys = hash64(np.arange(20_000), seed=1)
    before, after = (Ring(n, 50, seed=1).locate(keys) for n in (7, 8))
    assert set(after[before != after]) == {7}


def test_slot_table_is_fair_and_moves_the_least():
    for shards in range(2, 33):
        before, after = router.slot_table(shards - 1), router.slot_table(shards)
        counts = np.bincount(after, minlength=shards)
        assert counts.max() - counts.min() <= 1
        assert (after[before != after] == shards - 1).all()
        assert (before != after).sum() == SLOTS // shards


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Ring(0), "shards"),
        (lambda: Ring(3, 0), "virtual_nodes"),
        (lambda: Ring(3, 1, seed=-1), "seed"),
        (lambda: router.slot_table(0), "shards"),
        (lambda: router.shard_by_modulo(np.zeros(1, np.uint64), 0), "shards"),
        (lambda: router.shard_by_range([0], 3, 0), "width"),
        (lambda: router.hash_text(3), "text"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises((TypeError, ValueError), match=name):
        call()
