"""Two reads during one write: theory, the open model, its edits, real replicas, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.consistency import inversion, real_inversion
from helpers.foundations.drawing import style
from helpers.foundations.histories import linearizable
from helpers.foundations.prose import percent, significant
from tests import drawn
from tests.caching.conftest import tidy  # noqa: F401
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_share,
    axes_of,
    diamonds,
    drawn_by,
    each_of,
)
from tests.measurements import had_time
from tests.models import edited

MODEL = "helpers.consistency.inversion:two_reads"
SETTINGS = [{}, {"read_quorum": 1}, {"replicas": 5, "read_quorum": 3}, {"gap_ms": 0.0},
            {"replicas": 7, "read_quorum": 2, "first_ms": 60.0}, {"replicas": 1}]  # fmt: skip


def count(model, tries=40, **setting):
    """Inversions of so many runs of the model, and the writes in them."""
    runs = each_of(model, inversion.Setting, tries, **setting)
    return round(sum(run["inverted"] for run in runs) * inversion.TRIES), tries * inversion.TRIES


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_theory_simulation_and_model_agree(setting):
    at = inversion.Setting(**setting)
    exact = float(inversion.theory(at, at.first_ms))
    run = inversion.simulate(at)
    assert_share(round(run.here.estimate * inversion.WRITES), inversion.WRITES, exact)
    assert_share(*count(inversion.two_reads, **setting), exact)
    moments = inversion.WHEN * at.write_ms
    error = np.sqrt(0.25 / inversion.WRITES) * 4.5
    assert np.abs(run.inverted - inversion.theory(at, moments)).max() < error


def test_nobody_goes_back_after_a_write_back_or_if_all_are_asked():
    for setting in ({"write_back": True}, {"read_quorum": 3}, {"replicas": 1}):
        run = inversion.simulate(**setting)
        assert run.inverted.max() == run.here.estimate == 0
        assert count(inversion.two_reads, 4, **setting)[0] == 0


def test_the_edits():
    second = "asked = rng.permutation(at.replicas)[: at.r]\n        second_is_new"
    same = edited(MODEL, second, "second_is_new")
    assert count(same)[0] == 0
    one = edited(MODEL, "at.replicas - at.r + 1", "1")
    some, many = count(one, write_back=True)
    assert 0 < some < count(inversion.two_reads)[0]
    assert many == 20_000


@pytest.mark.parametrize("setting", [*SETTINGS, {"write_back": True}, {"read_quorum": 3}], ids=str)
def test_the_page(setting):
    run = inversion.simulate(**setting)
    at, moments = run.at, inversion.WHEN * run.at.write_ms
    exact = float(inversion.theory(at, at.first_ms))
    if at.write_back:
        assert "no second read is older" in run.reading
    elif at.r == at.replicas:
        assert run.reading.startswith("Both reads ask all replicas")
    else:
        assert f"In {percent(run.here.estimate)} of the writes" in run.reading
        assert f"(theory {significant(100 * exact)} %)" in run.reading
    (ax,) = drawn_by(inversion, run, mine={"inverted": 0.07})
    blue = drawn.curve(ax, **style.SIMULATION)
    np.testing.assert_allclose(blue, np.column_stack([moments, 100 * run.inverted]))
    black = drawn.curve(ax, **style.THEORY)
    np.testing.assert_allclose(black[:, 1], 100 * inversion.theory(at, moments))
    assert drawn.here(ax) == at.first_ms
    assert drawn.curve(ax, gid="dot").tolist() == [[at.first_ms, 100 * run.here.estimate]]
    assert diamonds(ax).tolist() == [[at.first_ms, pytest.approx(7)]]
    assert_columns(run, first_read_after=moments, inverted=run.inverted,
                   theory=inversion.theory(at, moments))  # fmt: skip
    assert_legible(*drawn_by(inversion, run))


@pytest.mark.parametrize("write_back", [False, True])
def test_real_replicas(write_back, tidy):  # noqa: F811
    run = real_inversion.measure(trials=90, write_back=write_back)
    assert len(run.histories) == 90
    for write, first, second in run.histories:
        assert (write.kind, first.kind, second.kind) == ("write", "read", "read")
        assert 0 <= first.start <= first.end <= second.start <= second.end
    wrong = [one for one in run.histories if linearizable(one).holds is False]
    assert run.wrong == wrong
    assert all([one.value for one in history] == [1, 1, None] for history in wrong)
    assert f"{len(wrong)} of 90 registers" in run.reading
    assert ("without" in run.reading) != write_back
    if write_back:
        assert wrong == []
        assert run.verdict == "theory 0 wrong histories, real 0: agrees"
    else:
        exact = 100 * real_inversion.share_in_theory(run.at)
        if had_time(run.verdict):
            assert f"theory {significant(exact)} %" in run.verdict
    (ax,) = axes_of(real_inversion.plot_measured, run)
    shown = wrong[0] if wrong else run.histories[0]
    bars = drawn.spans(ax, "x", color=style.VERMILION if wrong else style.BLUE)
    assert sorted(bars.low) == pytest.approx(sorted(1e3 * one.start for one in shown))
    assert run.table()["value"].tolist() == [
        "nothing" if one.value is None else one.value for one in shown
    ]
