"""A learner's own model: on the same draws, in vermilion, its errors shown as theirs."""

from __future__ import annotations

import asyncio
import time

import pytest

from helpers.explore import explore, explorer, models, slider
from helpers.explore.models import RUNS, Attempt, ModelError, runs_of
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Draws, Parameters, Result, number, seed, takes
from tests.explore.samples import plot_wave, simulate_wave


class Setting(Parameters):
    """A coin."""

    share: float = number(0.5, "Share of heads", at_least=0, at_most=1)
    seed: int = seed()


class Coin(Result):
    at: Setting
    heads: float

    @property
    def summary(self):
        return {"heads": self.heads}

    @property
    def reading(self):
        return f"{self.heads:.2f} of the throws are heads."


@takes(Setting)
def simulate(at):
    return Coin(at, float((Draws(at.seed)("throws").random((RUNS, 100)) < at.share).mean()))


def plot(run, ax, mine=None):
    ax.plot(run.at.share, run.heads, "o")
    if mine is not None:
        ax.plot(run.at.share, mine["heads"], "D", color=style.VERMILION, label="your model")
    ax.set(xlim=(0, 1), ylim=(0, 1), title="A coin")


def hundred_throws(at, draw):
    return {"heads": float((draw("throws").random(100) < at.share).mean())}


def coin(model):
    return explore(simulate, plot, model=model, share=slider(0.0, 1.0))


def mark(made):
    (line,) = [x for x in made.canvas.axes[0].get_lines() if x.get_label() == "your model"]
    return line.get_xdata()[0], line.get_ydata()[0]


def test_runs_go_on_with_the_same_draws_and_their_mean_is_drawn():
    made = coin(hundred_throws)
    assert mark(made) == (0.5, pytest.approx(made.result.heads, abs=1e-12))
    assert f"Your model: heads = {made.result.heads:.3g}" in made.text()
    made.set(share=0.9)
    assert mark(made) == (0.9, pytest.approx(made.result.heads, abs=1e-12))


def test_a_model_that_draws_nothing_runs_once():
    ran = []
    coin(lambda at: ran.append(at) or {"heads": at.share})
    assert len(ran) == 1
    assert len(list(runs_of(hundred_throws, Setting()))) == RUNS


def test_an_error_of_the_learners_is_shown_as_theirs_with_its_line():
    def broken(at):
        return {"heads": 1 / (at.share - 0.5)}

    made = coin(broken)
    assert "Your model failed. ZeroDivisionError: float division by zero, in line" in made.text()
    assert "throws are heads" in made.text(), "the simulation is there all the same"
    assert "Your model failed" not in made.set(share=0.7).text()


def test_a_model_that_is_no_plain_function_has_its_error_told():
    class Broken:
        def __call__(self, at):
            return {"heads": at.share / 0.0}

    made = coin(Broken())
    assert "Your model failed. ZeroDivisionError: float division by zero" in made.text()


def test_what_is_wrong_with_us_is_not_kept_from_whoever_looks(monkeypatch):
    monkeypatch.setattr(explorer, "_asked_by_front_end", lambda: True)
    monkeypatch.setattr(explorer, "_PAUSE_S", 0.0)
    made = coin(hundred_throws)

    def lost(model, at, most):
        raise KeyError("a fault of the course's own")

    async def move():
        with monkeypatch.context() as patch:
            patch.setattr(models, "runs_of", lost)
            made._widgets["share"].value = 0.7
            with pytest.raises(KeyError):
                await made._pending

    asyncio.run(move())
    assert "a fault of the course" in made._view._reading.value


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (3.0, "must return a dict of named numbers, got 3.0"),
        (None, "must return a dict of named numbers, got None"),
    ],
)
def test_what_a_model_must_return(returned, message):
    with pytest.raises(ModelError, match=message):
        list(runs_of(lambda at: returned, Setting()))


def test_a_name_that_is_missing_is_asked_for():
    made = coin(lambda at: {"tails": 0.5})
    assert "your model must also return 'heads'; it returned 'tails'" in made.text()


def test_a_model_at_work_can_be_abandoned_whatever_it_does():
    def endless(at):
        while True:
            pass

    attempt = Attempt(endless, Setting())
    assert not attempt.done
    attempt.abandon()
    attempt._thread.join(timeout=30)
    assert attempt.done
    assert attempt.error is None


def test_while_a_slider_moves_the_first_frame_does_not_wait_for_the_model(monkeypatch):
    monkeypatch.setattr(explorer, "_asked_by_front_end", lambda: True)
    monkeypatch.setattr(explorer, "_REST_S", 0.0)
    started = []

    def slow(at):
        started.append(at.share)
        time.sleep(0.05)
        return {"heads": at.share}

    made = coin(slow)
    started.clear()

    async def move():
        made._widgets["share"].value = 0.2
        assert not started, "the frame is drawn before the model has begun"
        assert made.result.at.share == 0.2
        await asyncio.sleep(0.01)
        made._widgets["share"].value = 0.8  # a newer value abandons the run
        while made._pending is not None and not made._pending.done():
            await asyncio.sleep(0.01)

    asyncio.run(move())
    assert mark(made) == (0.8, 0.8)
    assert made.result.at.share == 0.8


def test_experiments_without_a_setting_take_no_model():
    with pytest.raises(TypeError, match="has no `at`"):
        explore(simulate_wave, plot_wave, model=lambda at: {}, height=slider(0.0, 8.0, 2.0))
