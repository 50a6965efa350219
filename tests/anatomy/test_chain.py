"""Chains: unions of downtimes against products of availabilities, and what the learner sees."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import chain
from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of


@pytest.mark.parametrize("availability", [0.95, 0.99, 0.999])
def test_simulation_and_theory(availability: float) -> None:
    run = chain.simulate(availability=availability)
    exact = chain.theory(run.at, chain.LENGTHS)
    for interval, up in ((run.direct, exact.direct), (run.queued, exact.queued)):
        # t(99.99 %) / t(95 %) with 11 degrees of freedom is 2.7; ten per cent for the cut horizon.
        slack = 2.7 * interval.half_width + 0.1 * (1 - up)
        assert (np.abs(interval.estimate - (1 - up)) <= slack).all()
    # Adding downtimes up instead of taking their union is not the same.
    if availability == 0.95:
        added = chain.LENGTHS * 0.05
        assert (np.abs(run.direct.estimate - added) > run.direct.half_width)[-1]


def test_union_of_intervals() -> None:
    spans = [
        (np.array([1.0, 5.0]), np.array([2.0, 7.0])),
        (np.array([1.5, 8.0]), np.array([5.5, 9.0])),
    ]
    assert chain.union_lengths(spans) == pytest.approx([3.0, 7.0])


def test_theory_by_hand() -> None:
    exact = chain.theory(chain.Setting())
    assert exact.direct == pytest.approx(0.99**5)
    assert exact.queued == pytest.approx(0.99**2)
    one, two = (chain.theory(chain.Setting(services=n)) for n in (1, 2))
    assert one.queued < one.direct, "for one service the queue makes things worse"
    assert two.queued == pytest.approx(two.direct), "for two it changes nothing"


AT = [
    chain.Setting(),
    chain.Setting(services=1),
    chain.Setting(services=2, availability=0.9),
    chain.Setting(services=12, availability=0.9999, seed=2),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: chain.Setting) -> None:
    run, i = chain.simulate(at), at.services - 1
    a = at.availability
    direct, queued = run.direct.estimate[i], run.queued.estimate[i]
    assert_summary(
        run,
        {
            "direct_down_h_per_year": 8_766 * direct,
            "direct_theory_h_per_year": 8_766 * (1 - a**at.services),
            "queued_down_h_per_year": 8_766 * queued,
            "queued_theory_h_per_year": 8_766 * (1 - a**2),
        },
    )
    for said in (
        f"is down {duration(3_600 * 8_766 * direct)} a year",
        f"(theory: up {significant(100 * a**at.services, 5)} %)",
        f"and {duration(3_600 * 8_766 * queued)} when",
        f"(up {significant(100 * a**2, 5)} %).",
    ):
        assert said in run.reading
    beginning = {1: "One service that is up", 2: "A chain of 2 that are up"}
    assert run.reading.startswith(beginning.get(at.services, f"A chain of {at.services} that are"))
    if at.services == 2:
        assert "when the second is behind a queue" in run.reading
    assert_table(
        run,
        {
            "services": range(1, 13),
            "down, in a row (%)": 100 * run.direct.estimate,
            "theory, in a row (%)": [100 * (1 - a**n) for n in range(1, 13)],
            "down, with a queue (%)": 100 * run.queued.estimate,
            "theory, with a queue (%)": [100 * (1 - a**2)] * 12,
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: chain.Setting) -> None:
    run = chain.simulate(at)
    (ax,) = axes_of(chain.plot, run)
    rows, queue = (line.get_xydata() for line in drawn.lines(ax, **style.THEORY))
    np.testing.assert_allclose(rows[:, 1], 1 - at.availability ** rows[:, 0])
    np.testing.assert_allclose(queue[:, 1], 1 - at.availability**2)
    assert_bars(drawn.error_bars(ax, color=style.BLUE), chain.LENGTHS, run.direct)
    assert_bars(drawn.error_bars(ax, color=style.GREEN), chain.LENGTHS, run.queued)
    assert drawn.here(ax) == at.services
