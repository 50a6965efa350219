"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import math

import nbformat
import numpy as np
import pytest

from helpers.authoring.course import ROOT
from helpers.blueprint import bounds, theory_design
from helpers.why import binomial_test, choices, durability, questions, rolling, traffic, users
from helpers.why.closed_station import saturation_users
from helpers.why.shop import my_shop

NOTEBOOK = ROOT / "notebooks" / "01_why_system_design.ipynb"
CELLS = nbformat.read(NOTEBOOK, as_version=4).cells
PROSE = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")


def said(text: str) -> None:
    assert text in PROSE, text


def why(name: str) -> str:
    return questions.PREDICTIONS[name].why


def answer(name: str):
    known = questions.PREDICTIONS[name].answer
    return known() if callable(known) else known


def test_every_question_is_asked_and_every_key_stays() -> None:
    code = "\n".join(cell.source for cell in CELLS if cell.cell_type == "code")
    for name in questions.PREDICTIONS:
        assert name in questions.CARDS or f'predict(questions, "{name}")' in code
        known = answer(name)
        assert known in questions.PREDICTIONS[name].options or np.isfinite(known)
    for name in questions.QUIZZES:
        assert f'quiz(questions, "{name}")' in code
        assert questions.QUIZZES[name].answer in questions.QUIZZES[name].options
    assert questions.CHAPTER == "01"
    kept = "users kill threads cut-off capacity blind deck demo rolling canary boundary"
    assert set(kept.split()) <= set(questions.PREDICTIONS)


def test_users() -> None:
    thousand, ten = (users.theory(users.Setting(users=n)).response_s for n in (1_000, 10_000))
    assert thousand == pytest.approx(0.012, rel=0.01)
    said("A thousand users get their answers in about 12 ms")
    assert ten == pytest.approx(40, rel=0.01)
    assert answer("users") == "about 40 s"
    assert f"{10_000 / 60.01:.0f} times a second" in why("users")
    assert users.theory(users.Setting(users=10**7)).response_s > 86_400
    assert saturation_users(60, 0.01) == pytest.approx(6_001)


def test_writes() -> None:
    at = durability.Setting()
    fates = durability.theory(at)
    assert fates["no sync"].latency_s == pytest.approx(1e-6)
    assert fates["sync each write"].latency_s > 1_000 * fates["memory"].latency_s
    said("in memory a microsecond, with a sync thousands of times as much")
    for writes in (1.0, 500.0, 50_000.0):
        group = durability.group_commit_s(writes, 0.002)
        assert 0.002 < group <= 0.003
    said("takes between $f$ and $1.5 f$ on average, and never more than $2 f$")


def test_the_shop() -> None:
    shop = my_shop()
    assert answer("capacity") == pytest.approx(8 / 0.07)
    assert float(bounds(shop).summary["capacity_rps"]) == pytest.approx(8 / 0.07)
    busiest = theory_design(shop).summary["busiest_utilisation"]
    assert 0.5 < busiest < 0.6
    said("The servers are a little over half busy, at about half of what they can take")
    assert "60 x 0.13 s is 7.8 threads' work" in why("card-6")
    assert math.isclose(60 * (0.05 + 4 * 0.02), 7.8)
    assert "120 x 0.07 s is 8.4 threads' work" in why("card-7")
    assert math.isclose(120 * 0.07, 8.4)


def test_the_layers_of_the_designs() -> None:
    run = choices.simulate()
    minutes = {d: o / 60 for d, o in zip(choices.DECISIONS, run.outage_s, strict=True)}
    for (servers, balancers, replicas, _), out in minutes.items():
        single = (balancers == 1) + (replicas == 0)
        expected = {2: 1_050, 1: 530, 0: 1.5}[single] + (525 if servers == 1 else 0)
        assert out == pytest.approx(expected, rel=0.01, abs=0.6)
    said("put you out for about 1,050 minutes a year, whether there are two servers or eight")
    said("double one of the two and it is about 530; double both and it is one or two")
    said("A single server costs another 525.")
    assert answer("blind") == pytest.approx(100 * run.good.sum() / 48)
    assert 0.0 < run.good.mean() < 0.1, "only a few"


def test_traffic() -> None:
    assert answer("demo") == pytest.approx(2.0)
    demo = traffic.Setting(work="always the same")
    for rho in (0.1, 0.5, 0.9):
        assert traffic.theory(demo, "constant", rho) == 0
        assert traffic.theory(demo, "poisson", rho) > 0


def test_deploys() -> None:
    assert answer("rolling") == pytest.approx(200 / 3)
    needed = binomial_test.requests_needed(0.01, 0.02)
    assert answer("canary") == needed
    said(f"A canary with one request a second needs {needed // 60} minutes until it catches")
    assert answer("boundary") == 50
    edge = rolling.theory(rolling.Setting(dies=True))
    assert edge.capacity == pytest.approx(0.5)


def test_nothing_visible_gives_an_answer_away() -> None:
    """What explains a picture comes after it; no call in a cell and no note before it tells."""
    for name in ("canary", "boundary", "blind", "capacity"):
        number = f"{answer(name):,.0f}"
        at = next(
            i for i, cell in enumerate(CELLS) if f'predict(questions, "{name}")' in cell.source
        )
        before = "\n".join(cell.source for cell in CELLS[max(0, at - 3) : at + 2])
        assert f"{number} requests" not in before
        assert f"{number} %" not in before
