"""The queue that forgets: exposed by conservation; its replay is the model's own jobs."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import counted, duration
from helpers.foundations.queueing import mm1k
from helpers.studio import leaky_queue as page
from helpers.studio.beside import CLAIMED, HONEST
from tests import drawn
from tests.checks import (
    assert_columns,
    assert_legible,
    assert_mean,
    diamonds,
    drawn_by,
    each_of,
    runs_of,
)
from tests.models import edited
from tests.studio.laws import assert_alike, assert_exposes, assert_not_fooled

MODEL = "helpers.studio.leaky_queue:bounded_line"


def conserved(run):
    return run["came"] == run["done"] + run["refused"] + run["waiting"]


def test_conservation_exposes_it_and_bounds_do_not():
    assert_exposes(page, "leak", conserved)
    assert_not_fooled(
        page,
        "leak",
        lambda run: run["waiting"] <= run["room"],
        lambda run: run["done"] <= run["came"],
    )
    assert_alike(page)


@pytest.mark.parametrize(("rate_rps", "room"), [(40.0, 3), (50.0, 5), (100.0, 4)])
def test_the_repair_refuses_what_theory_says(rate_rps, room):
    exact = mm1k(rate_rps, 1 / 50, room + 1)  # the one at work has no need of room
    runs = each_of(page.honest_queue, page.Setting, 20, rate_rps=rate_rps, room=room)
    assert_mean([run["refused"] / page.JOBS for run in runs], exact.loss, allowance=0.002)


@pytest.mark.parametrize("rate_rps", [30.0, 75.0, 120.0])
def test_a_fluid_says_how_many_have_no_room(rate_rps):
    at = page.Setting(rate_rps=rate_rps)
    # The fluid has no luck: half a per cent of the jobs, near saturation a few per cent.
    for model in (page.honest_queue, page.bounded_line):
        runs = each_of(model, page.Setting, 10, rate_rps=rate_rps)
        gone = [run["came"] - run["done"] - run["waiting"] for run in runs]
        assert_mean(gone, page.theory(at).without_room, allowance=0.01 * page.JOBS)


def test_a_full_line_moves_up_as_theory_says():
    at = page.Setting(rate_rps=120.0)
    exact = page.theory(at)
    assert exact.suspect_wait_s < exact.honest_wait_s
    for model, wait in ((page.honest_queue, exact.honest_wait_s),
                        (page.bounded_line, exact.suspect_wait_s)):  # fmt: skip
        mean = runs_of(model, page.Setting, rate_rps=120.0)["mean_wait_s"]
        assert 0.85 * wait < mean < 1.02 * wait  # the line must fill first


def test_refusing_is_the_repair():
    refusing = edited(
        MODEL,
        "        line.append(job)",
        "        if len(line) == at.room:\n            refused += 1\n            continue\n"
        "        line.append(job)",
    )
    assert runs_of(refusing, page.Setting, 1) == runs_of(page.honest_queue, page.Setting, 1)


def test_counting_is_enough():
    counting = edited(
        MODEL,
        "        line.append(job)",
        "        refused += len(line) == at.room\n        line.append(job)",
    )
    mine, suspect = runs_of(counting, page.Setting, 1), runs_of(page.bounded_line, page.Setting, 1)
    assert conserved(mine)
    assert mine["refused"] > 400
    assert mine["mean_wait_s"] == suspect["mean_wait_s"]


@pytest.mark.parametrize(("room", "rate_rps"), [(1, 120.0), (5, 75.0), (1_000, 75.0)])
def test_the_replay_is_the_suspects_first_jobs(room, rate_rps):
    log = page.watch(room=room, rate_rps=rate_rps)
    lost = log.reasons.get("a newer job took its place", 0)
    at = page.Setting(room=room, rate_rps=rate_rps)
    draw = page.Draws(at.seed)
    came = np.cumsum(draw("gaps").exponential(1 / rate_rps, page.JOBS)).tolist()
    work = draw("work").exponential(1 / at.capacity_rps, page.JOBS).tolist()
    line, free, gone = [], 0.0, 0
    for job in range(40):
        while line and free <= came[job]:
            first = line.pop(0)
            free = max(free, came[first]) + work[first]
        line.append(job)
        if len(line) > room:
            line.pop(0)
            gone += 1
    assert lost == gone
    assert (lost > 0) == (room < 1_000)


@pytest.mark.parametrize("setting", [{}, {"rate_rps": 5.0}, {"room": 1, "rate_rps": 120.0},
                                     {"room": 1_000}, {"rate_rps": 51.0, "room": 30}])  # fmt: skip
def test_the_page(setting):
    run = page.simulate(**setting)
    at, lost = run.at, int(run.claimed_here[0])
    assert duration(run.claimed_here[2]) in run.reading
    assert duration(run.honest_here[2]) in run.reading
    assert f"repair refuses {counted(int(run.honest_here[1]), 'job')}" in run.reading
    assert (f"{lost:,} of them" if lost else "none of them is neither") in run.reading
    assert run.claimed_here[1] == 0
    assert run.honest_here[0] == run.honest_here[1]
    columns = [run.claimed[:, 0], run.claimed[:, 1], run.claimed[:, 2],
               run.honest[:, 0], run.honest[:, 1], run.honest[:, 2]]  # fmt: skip
    names = [f"{who}:_{what}" for who in ("suspect", "repaired")
             for what in ("gone", "counted", "wait")]  # fmt: skip
    fluid = [page.theory(at, rate).without_room for rate in page.RATES]
    assert_columns(run, jobs=page.RATES, **dict(zip(names, columns, strict=True)), no_room=fluid)
    ax, wait = drawn_by(page, run, mine={"refused": 7, "mean_wait_s": 0.5})
    np.testing.assert_allclose(drawn.curve(ax, **CLAIMED)[:, 1], run.claimed[:, 1])
    np.testing.assert_allclose(drawn.curve(ax, **HONEST)[:, 1], run.honest[:, 1])
    np.testing.assert_allclose(drawn.curve(wait, **CLAIMED)[:, 1], run.claimed[:, 2])
    np.testing.assert_allclose(drawn.curve(wait, **HONEST)[:, 1], run.honest[:, 2])
    fluid = drawn.curve(ax, **style.THEORY)
    assert fluid[-1, 1] == page.theory(at, 120.0).without_room
    assert diamonds(ax).tolist() == [[at.rate_rps, 7]]
    assert diamonds(wait).tolist() == [[at.rate_rps, 0.5]]
    assert_legible(*drawn_by(page, run))
