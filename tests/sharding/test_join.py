"""Joins across shards: counts equal theory, and the page draws and says them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.sharding import join
from helpers.sharding.join import JOINS, SIZES
from tests import drawn
from tests.checks import assert_tells, drawn_by
from tests.sharding.checks import SEEDS, assert_columns, within


@pytest.mark.parametrize("how", JOINS)
def test_on_one_shard_a_join_is_free_and_complete(how: str) -> None:
    sent, found = join.theory(join.Setting(), how, 1)
    assert sent == 0
    assert found == 1


@pytest.mark.parametrize("how", JOINS)
def test_counts_equal_theory(how: str) -> None:
    runs = [join.simulate(seed=s) for s in SEEDS]
    exact = join.theory(runs[0].at, how)
    for k in range(len(SIZES)):
        assert within([run.sent(how)[k] for run in runs], exact.sent[k], 1e-9)
        assert within([run.found(how)[k] for run in runs], exact.found[k], 1e-9)


def test_broadcasting_is_cheaper_on_fewer_shards_than_orders_per_user() -> None:
    at = join.Setting(orders_per_user=10)
    for shards, cheaper in ((9, "broadcast"), (11, "repartition")):
        sent = {how: join.theory(at, how, shards).sent for how in ("broadcast", "repartition")}
        assert min(sent, key=sent.get) == cheaper


COLORS = {"local only": style.VERMILION, "broadcast": style.BLUE, "repartition": style.PURPLE,
          "co-located": style.GREEN}  # fmt: skip


@pytest.mark.parametrize(
    "setting", [{}, {"shards": 32, "orders_per_user": 20}, {"shards": 2}, {"shards": 1}]
)
def test_what_the_learner_sees_is_the_result(setting: dict) -> None:
    run = join.simulate(**setting)
    at = run.at
    found, sent = drawn_by(join, run)
    panels = (
        (found, "found", ("local only", "co-located")),
        (sent, "sent", ("broadcast", "repartition", "co-located")),
    )
    for ax, what, ways in panels:
        curves = [line.get_ydata() for line in drawn.lines(ax, **style.THEORY)]
        np.testing.assert_allclose(curves, [getattr(join.theory(at, how), what) for how in ways])
        for how in ways:
            points = drawn.curve(ax, linestyle="none", color=COLORS[how])
            wanted = np.column_stack((SIZES, getattr(run, what)(how)))
            np.testing.assert_allclose(points, wanted)
        assert drawn.here(ax) == at.shards
    cheaper, rows = min(("broadcast", run.copies_here), ("repartition", run.apart_here),
                        key=lambda way: way[1])  # fmt: skip
    share = 1 - run.apart_here / (1_000 * at.orders_per_user)
    edge = (100 * share, run.copies_here, run.apart_here, 0)
    assert list(run.summary.values()) == pytest.approx(edge)
    assert run.sent("co-located").tolist() == run.sent("local only").tolist() == [0] * len(SIZES)
    columns = [run.sent(how) for how in JOINS] + [run.found(how) for how in JOINS]
    assert_columns(run, SIZES, *columns)
    assert run.copies.tolist() == [1_000 * (n - 1) for n in SIZES]
    if at.shards == 1:
        assert_tells(run.reading, "On 1 shard every row is at home")
        return
    assert_tells(
        run.reading,
        f"On {at.shards} shards",
        f"finds {significant(100 * share)} % of the matches",
        f"{cheaper} is cheaper and sends {rows:,} rows",
    )
