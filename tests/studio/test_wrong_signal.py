"""Slack: the vendor's order, Little's law, the edits, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import percent, significant
from helpers.studio import wrong_signal as page
from helpers.studio.wrong_signal import VENDOR
from tests import drawn
from tests.checks import assert_columns, assert_legible, diamonds, drawn_by
from tests.models import edited

MODEL = "helpers.studio.wrong_signal:web_tier"


def test_the_vendors_order():
    # Slack, February 2021: 1,200 servers between 7:01 and 7:15; the network normal at 10:40.
    at = page.Setting()
    assert page.theory(at).missing == pytest.approx(VENDOR["ordered"], rel=0.01)
    assert (VENDOR["peak_min"], VENDOR["network_min"]) == (60, 4 * 60 + 40)


def test_by_littles_law_so_many_are_needed():
    at = page.Setting(signal="threads")
    needed = page.theory(at).needed
    assert needed == pytest.approx(213_000 * 0.34 / 32)
    run = page.simulate(signal="threads")
    assert run.servers[120] == pytest.approx(needed / 0.8, rel=0.01)  # its target is 80 %
    assert run.served[120] == 1


def test_the_processor_says_that_there_are_too_many_however_few_there_are():
    run = page.simulate(signal="processor")
    during = slice(60, 270)
    assert (np.diff(run.servers[during]) <= 0).all()
    at, exact = run.at, page.theory(run.at)
    used = at.rps * run.served * at.compute_ms / 1e3 / (16 * np.r_[at.usual, run.servers[:-1]])
    np.testing.assert_allclose(used[during], exact.processor, rtol=1e-9)
    assert exact.processor == pytest.approx(32 * 40 / 340 / 16)
    assert run.served[275] < 0.05


def test_nothing_happens_where_nothing_is_slower():
    for signal in ("processor", "both"):
        run = page.simulate(signal=signal, slower=1.0)
        assert run.lost == 0
        np.testing.assert_allclose(run.servers, run.at.usual)


def test_no_hasty_downsizing():
    rule = "elif wanted < servers and not coming"
    careful = edited(MODEL, f"{rule}:", f"{rule} and threads < 0.8:")
    out = careful(page.Setting())
    usual = page.Setting().usual
    np.testing.assert_allclose(out["servers"], usual)
    assert usual < 0.5 * page.theory(page.Setting()).needed
    assert usual > 1.8 * page.simulate().at_seven


def test_the_right_signal_and_nobody_comes():
    nobody = edited(MODEL, "servers += sum", "servers += 0 * sum")
    out = nobody(page.Setting(signal="threads"))
    assert max(out["servers"][40:270]) < 0.5 * page.theory(page.Setting()).needed
    assert min(out["served"][40:270]) < 0.5


@pytest.mark.parametrize("signal", page.SIGNALS)
@pytest.mark.parametrize("setting", [{}, {"slower": 1.0}, {"slower": 20.0, "boot_min": 60.0}])
def test_the_page(signal, setting):
    run = page.simulate(signal=signal, **setting)
    at, exact = run.at, page.theory(run.at)
    for said in (f"{significant(exact.needed)} servers are needed",
                 f"{significant(at.usual)} at six",
                 f"there are {significant(run.at_seven)}. ", percent(run.lost)):  # fmt: skip
        assert said in run.reading
    assert ("the processor and the threads" if signal == "both" else signal) in run.reading
    (row,) = run.columns["what"]
    assert "ordered" in row
    assert_columns(run, what=[row], this_model=[exact.missing], Slack=[1_200.0])
    ax, served = drawn_by(page, run, mine={"servers": [900.0] * 360, "served": [0.5] * 360})
    np.testing.assert_allclose(drawn.curve(ax, **style.SIMULATION)[:, 1], run.servers)
    np.testing.assert_allclose(drawn.curve(served, **style.SIMULATION)[:, 1], run.served)
    assert drawn.curve(ax, **style.THEORY)[:, 1].tolist() == [exact.needed] * 2
    assert set(diamonds(ax)[:, 1]) == {900.0}
    assert set(diamonds(served)[:, 1]) == {0.5}
    assert_legible(*drawn_by(page, run))
