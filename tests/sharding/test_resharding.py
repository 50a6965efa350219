"""One shard more: keys that move are as many as theory says, and the picture moves those."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from helpers.foundations.drawing import style
from helpers.foundations.events import SETS_OUT
from helpers.foundations.prose import significant
from helpers.sharding import resharding
from helpers.sharding.resharding import SIZES
from helpers.sharding.router import Ring
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import SEEDS, assert_columns, within


@pytest.mark.parametrize(("before", "after"), [(1, 2), (4, 5), (4, 8), (6, 4), (12, 13), (9, 12)])
def test_modulo_moves_what_enumeration_says(before: int, after: int) -> None:
    hashes = np.arange(before * after)  # a whole number of periods
    exact = (hashes % before != hashes % after).mean()
    assert resharding.moved_share("mod N", before, after) == pytest.approx(exact)
    if after == before + 1:
        assert exact == pytest.approx(before / (before + 1))


def test_ring_moves_the_newcomers_share_with_the_stated_spread() -> None:
    moved = np.array([Ring(5, 8, seed).shares()[4] for seed in range(800)])
    assert within(moved, resharding.moved_share("ring", 4, 5))
    assert within((moved - 0.2) ** 2, float(resharding.moved_spread(4, 8)) ** 2)


def test_ranges_are_split_one_at_a_time() -> None:
    assert [resharding.moved_share("range", n, n + 1) for n in (1, 2, 3, 4, 7, 8)] == [
        1 / 2, 1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 16,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="after must be 3"):
        resharding.moved_share("range", 2, 5)


@pytest.mark.parametrize("scheme", resharding.SCHEMES)
def test_moved_keys_equal_theory(scheme: str) -> None:
    runs = [resharding.simulate(scheme=scheme, virtual_nodes=5, seed=s) for s in SEEDS]
    exact = resharding.theory(runs[0].at, SIZES).moved
    for k in (0, 1, 3, 7, 15):
        moved = [run.moved[k] for run in runs]
        # Ranges are cut at a whole key: 2^-k of 10,000 rounds by half a key.
        assert within(moved, exact[k], slack=1e-2 if scheme == "range" else 1e-9)


def test_no_even_scheme_moves_less_than_the_newcomers_share() -> None:
    for scheme in ("mod N", "ring", "slots"):
        run = resharding.simulate(scheme=scheme, virtual_nodes=500)
        assert (run.moved > 0.8 / (SIZES + 1)).all()


def test_range_split_moves_little_and_helps_one_shard_only() -> None:
    run = resharding.simulate(scheme="range", shards=4)
    assert run.moved_here == pytest.approx(0.125)
    assert run.load_after.max() == pytest.approx(1.25)


def test_progress_moves_the_picture_and_nothing_else() -> None:
    begin, end = (resharding.simulate(scheme="ring", progress=p) for p in (0.0, 1.0))
    assert begin.summary == end.summary
    assert begin.travelled.max() == 0
    assert end.travelled[end.before != end.after].min() == 1
    start, goal = (drawn.dots(drawn_by(resharding, run)[0]) for run in (begin, end))
    assert np.array_equal(np.round(start[:, 0]), begin.before)
    assert np.array_equal(np.round(goal[:, 0]), begin.after)


@pytest.mark.parametrize(
    "setting", [{}, {"scheme": "ring", "shards": 16, "virtual_nodes": 1}, {"scheme": "slots",
                "shards": 1}, {"scheme": "range", "shards": 7}, {"scheme": "range", "shards": 1}]
)  # fmt: skip
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = resharding.simulate(**setting)
    n, exact = run.at.shards, resharding.theory(run.at, SIZES)
    keys, moved = drawn_by(resharding, run)
    (dots,) = keys.collections
    colors = [to_hex(each) for each in dots.get_facecolors()]
    there = {True: style.VERMILION.lower(), False: style.SKY.lower()}
    assert colors == [there[bool(moves)] for moves in run.before != run.after]
    assert list(drawn.ticks(keys, "x").values()) == [*map(str, range(1, n + 1)), "new"]
    np.testing.assert_allclose(drawn.curve(moved, **style.THEORY)[:, 1], exact.moved)
    np.testing.assert_allclose(
        drawn.curve(moved, marker="o", color=style.BLUE), np.column_stack((SIZES, run.moved))
    )
    np.testing.assert_allclose(drawn.curve(moved, color=style.GREEN)[:, 1], 1 / (SIZES + 1))
    band = drawn.area(moved, style.FAINT)
    np.testing.assert_allclose(band.high, exact.moved + 2 * exact.spread)
    np.testing.assert_allclose(band.low, np.maximum(exact.moved - 2 * exact.spread, 0))
    assert drawn.rings(moved).tolist() == [[n, run.moved[n - 1]]]
    spread = math.sqrt(n / ((n + 1) ** 2 * ((n + 1) * run.at.virtual_nodes + 1)))
    on_ring = run.at.scheme == "ring"
    fullest = significant(run.load_after.max())
    assert_tells(
        run.reading,
        f"from {n} to {n + 1} shards moves {significant(100 * run.moved[n - 1])} % of",
        f"({significant(100 * exact.moved[n - 1])} % expected",
        *([f"give or take {significant(100 * spread, 2)})"] if on_ring else []),
        f"fullest shard with {fullest} fair {'share.' if fullest == '1' else 'shares.'}",
    )
    edge = (100 * run.moved[n - 1], 100 * exact.moved[n - 1], 100 / (n + 1), run.load_after.max())
    assert list(run.summary.values()) == pytest.approx(edge)
    assert_columns(run, SIZES, run.moved, exact.moved, exact.spread)


# --- what is watched ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", resharding.SCHEMES)
@pytest.mark.parametrize("shards", [1, 4, 16])
def test_what_is_watched_begins_and_ends_as_the_simulation_says(scheme: str, shards: int) -> None:
    run = resharding.simulate(scheme=scheme, shards=shards, progress=1.0)
    log = resharding.watch(scheme=scheme, shards=shards)
    names = [place.name for place in log.places]
    assert len(names) == shards + 1
    for moment, shard in ((-1.0, run.before), (log.end_s, run.after)):
        standing = log.standing(moment)
        counts = [len(standing[name]) for name in names]
        assert counts == np.bincount(shard[::2], minlength=shards + 1).tolist()
        of = {key: n for n, name in enumerate(names) for key in standing[name]}
        assert [of[key] for key in sorted(of)] == shard[::2].tolist()
    assert not log.reasons
    moved, new = log.curves
    assert moved.values[-1] == (run.before != run.after)[::2].sum()
    assert new.values[-1] == (run.after[::2] == shards).sum()
    assert moved.level == pytest.approx(240 * float(resharding.theory(run.at).moved))
    assert new.level == pytest.approx(240 / (shards + 1))


@pytest.mark.parametrize("progress", [0.1, 0.5, 0.9])
def test_who_is_on_the_way_is_where_the_picture_has_it(progress: float) -> None:
    run, log = resharding.simulate(progress=progress), resharding.watch()
    rows, moment = log.rows, 30.0 * progress
    share = np.zeros(240)
    order = {key: n for n, key in enumerate(sorted(log.tokens))}
    for row in np.flatnonzero(rows.act == SETS_OUT):
        done = (moment - rows.time_s[row]) / rows.lasts_s[row]
        share[order[log.tokens[rows.token[row]]]] = np.clip(done, 0, 1)
    np.testing.assert_allclose(share, run.travelled[::2], atol=1e-9)
    inside = sum(len(here) for here in log.standing(moment).values())
    assert inside == 240 - ((share > 0) & (share < 1)).sum()


def test_the_colour_says_whether_a_move_helps() -> None:
    for scheme, useless in (("mod N", True), ("ring", False), ("slots", False), ("range", False)):
        run, log = resharding.simulate(scheme=scheme), resharding.watch(scheme=scheme)
        rows, kinds = log.rows, list(log.kinds)
        used = {kinds[kind] for kind in rows.kind[rows.act == SETS_OUT]}
        between_old = ((run.before != run.after) & (run.after != 4))[::2].any()
        assert ("between old shards" in used) == between_old == useless
        assert "to the new shard" in used
