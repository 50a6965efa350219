"""Surprises, one by one and as a deck: every request is counted, and luck is told as luck."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import blueprint
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.why import deck, questions, surprises
from helpers.why.shop import my_shop
from helpers.why.surprises import DECK
from tests import drawn
from tests.checks import assert_table, axes_of

SHOP = my_shop()


def last(runs) -> deck.Deck:
    *_, run = runs
    return run


def test_every_card_is_played_and_every_request_counted() -> None:
    played = deck.play(SHOP)
    assert [run.at.surprise for run in played] == list(DECK)
    assert played[0].share == 1
    for run in played:
        assert run.happens == (run.at.surprise != "the cache dies")
        rates = run.rates
        width = rates["time_s"][1] - rates["time_s"][0]
        assert rates["sent_rps"].sum() * width == pytest.approx(run.judged.sum())
        assert (rates["in_time_rps"] <= rates["sent_rps"]).all()
        late = run.run.done_s - run.run.sent_s > 1.0
        assert not (run.in_time & late).any()
        assert run.share == pytest.approx(run.in_time[run.judged].sum() / run.judged.sum())


def test_a_single_server_does_not_survive_its_death() -> None:
    alone = blueprint.Design(
        "alone", blueprint.Clients(rate_rps=20) >> blueprint.AppServers(count=1)
    )
    run = surprises.simulate(design=alone, surprise="an app server dies")
    assert not run.survived
    assert run.share < 0.8
    dead = surprises.simulate(design=alone, surprise="the balancer dies")
    assert dead.reading.startswith("The balancer dies, but this design has none: 100 % of ")
    assert dead.run.sent > 100, "the traffic goes on"


def test_wrong_designs_and_surprises_are_named() -> None:
    with pytest.raises(TypeError, match="design must be a Design"):
        surprises.simulate(design="shop")
    with pytest.raises(ValueError, match="surprise must be one of"):
        surprises.simulate(surprise="a meteorite")


@pytest.mark.parametrize("surprise", DECK)
def test_sentence_table_and_picture(surprise: str) -> None:
    run = surprises.simulate(surprise=surprise)
    share = significant(100 * run.in_time[run.judged].mean())
    verdict = "survived" if run.share >= 0.99 else "did not survive"
    card = surprise[0].upper() + surprise[1:]
    none = "" if run.happens else ", but this design has none"
    assert run.reading.startswith(
        f"{card}{none}: {share} % of {run.judged.sum():,} requests were answered within 1 s, so "
        f"the design {verdict} (99 % wanted)"
    )
    assert run.summary["in_time_percent"] == pytest.approx(100 * run.share)
    assert run.summary["in_time"] == run.in_time[run.judged].sum()
    rates = run.rates
    assert_table(
        run,
        {
            "time (s)": rates["time_s"],
            "sent (1/s)": rates["sent_rps"],
            "answered in time (1/s)": rates["in_time_rps"],
        },
    )
    (ax,) = axes_of(surprises.plot, run)
    for color, name in ((style.MUTED, "sent_rps"), (style.BLUE, "in_time_rps")):
        steps = drawn.curve(ax, color=color)
        assert set(steps[:, 1]) == set(rates[name])
    # Nobody is called let down whom nobody could have judged.
    assert drawn.line(ax, color=style.BLUE).get_xdata().max() <= surprises.JUDGED_S
    if surprise in ("nothing", "the cache dies", "the balancer dies"):
        np.testing.assert_array_equal(rates["sent_rps"], rates["in_time_rps"])


def test_what_is_said_of_the_time_after() -> None:
    run = surprises.simulate(surprise="an app server dies")
    late = run.run.sent_s[~run.in_time & run.judged][-1] - 11.0
    assert f"was sent {significant(late, 2)} s after it was over" in run.reading
    assert "over" not in surprises.simulate(surprise="nothing").reading


def test_the_deck_says_how_much_is_luck() -> None:
    run = last(deck.simulate(afternoons=6))
    shares = np.array([[one.share for one in deck.play(SHOP, seed=1 + i)] for i in range(6)])
    np.testing.assert_array_equal(run.shares, shares)
    counts = (shares >= 0.99).sum(axis=1)
    worst = shares.mean(axis=0).argmin()
    assert counts.min() < counts.max()
    assert run.reading == (
        f"In 6 afternoons my shop survives {counts.min()} to {counts.max()} of 8 cards; the worst "
        f"is {list(DECK)[worst]!r}, with {significant(100 * shares.mean(axis=0)[worst])} % of the "
        "requests answered in time."
    )
    assert (
        "In 1 afternoon my shop survives 4 of 8 cards" in last(deck.simulate(afternoons=1)).reading
    )
    assert run.summary["an app server dies"] == f"{100 * shares[:, 1].mean():.1f} %"
    assert_table(
        run,
        {
            "card": list(DECK),
            "in time (%)": 100 * shares.mean(axis=0),
            "worst afternoon (%)": 100 * shares.min(axis=0),
            "survived on": (shares >= 0.99).sum(axis=0),
        },
    )
    (ax,) = axes_of(deck.plot, run)
    always = (shares >= 0.99).all(axis=0)
    y = np.arange(8)[::-1]
    for color, these in ((style.SKY, always), (style.ORANGE, ~always)):
        shown = drawn.bars(ax, facecolor=color)
        np.testing.assert_allclose(shown.places, y[these])
        np.testing.assert_allclose(shown.lengths, 100 * shares.mean(axis=0)[these])
    dots = drawn.curve(ax, color=style.INK, marker="o")
    np.testing.assert_allclose(np.sort(dots[:, 0]), np.sort(100 * shares.ravel()))
    assert any("(has none)" in text for text in drawn.written(ax))


def test_the_prediction_accepts_what_other_afternoons_bring() -> None:
    asked = questions.PREDICTIONS["deck"]
    answer = asked.answer()
    counts = {int(sum(one.survived for one in deck.play(SHOP, seed=s))) for s in range(1, 9)}
    assert counts == {3, 4, 5}
    assert all(abs(count - answer) <= asked.tolerance * answer for count in counts)


def test_each_card_has_a_prediction_that_its_run_answers() -> None:
    assert [setting["surprise"] for setting in questions.CARDS.values()] == list(DECK)
    for name, setting in questions.CARDS.items():
        asked = questions.PREDICTIONS[name]
        run = surprises.simulate(**setting)
        assert asked.answer() == ("it survives" if run.survived else "it does not")
        assert asked.question.lower().startswith(setting["surprise"])


def test_the_mended_shop_of_the_page_survives_every_card() -> None:
    mended = (
        SHOP.replace("balancer", health_check=blueprint.HealthCheck(0.5, 1), retries=1)
        .replace("app", count=4)
        .replace("db", failover_s=1.0, connections=8)
    )
    run = last(deck.simulate(design=mended, afternoons=8))
    assert (run.shares >= 0.99).all()
    assert blueprint.cost(mended).monthly > blueprint.cost(SHOP).monthly
