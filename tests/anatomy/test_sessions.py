"""Sessions: residues, events, real processes that are killed, and what the learner sees."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import job_loss, sessions
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from tests import drawn
from tests.checks import assert_bars, assert_summary, assert_table, axes_of


def check(run: sessions.Sessions, fleets: np.ndarray = sessions.FLEETS) -> None:
    # 19 fleets of 40 x 2,000 users: 6 standard errors of a share are below 0.011.
    assert np.abs(run.lost.estimate - sessions.theory(run.at, fleets)).max() < 0.011


@pytest.mark.parametrize("event", sessions.EVENTS)
def test_simulation_and_theory(event: str) -> None:
    run = sessions.simulate(event=event, users=2_000)
    check(run)
    if event != "rolling deploy":
        with pytest.raises(AssertionError):
            check(run, sessions.FLEETS + 1)


def test_theory_over_every_residue() -> None:
    for servers in (2, 3, 7, 20):
        every = np.arange(servers * (servers + 1))
        moved = (every % servers != every % (servers + 1)).mean()
        crashed = (every % servers == 0).mean()
        for event, share in (
            ("add a server", moved),
            ("one crash", crashed),
            ("rolling deploy", 1.0),
        ):
            at = sessions.Setting(servers=servers, event=event)
            assert sessions.theory(at) == pytest.approx(share)


AT = [
    sessions.Setting(),
    sessions.Setting(servers=20, event="add a server", users=50, store_ms=5, seed=2),
    sessions.Setting(servers=2, event="rolling deploy"),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: sessions.Setting) -> None:
    run = sessions.simulate(at)
    here, exact = run.lost.estimate[at.servers - 2], float(sessions.theory(at))
    assert_summary(
        run,
        {
            "sticky_lost_percent": 100 * here,
            "sticky_theory_percent": 100 * exact,
            "sticky_lost_sessions": here * at.users,
            "store_adds_ms_per_request": at.store_ms,
        },
    )
    assert run.reading == (
        f"With {at.servers} servers {sessions.EVENTS[at.event]} costs {significant(100 * here)} % "
        f"of the sessions that live in a server's memory (theory {significant(100 * exact)} %), "
        f"about {significant(here * at.users)} users; in a shared store they would outlive it, at "
        f"{significant(at.store_ms)} ms more for each request."
    )
    assert_table(
        run,
        {
            "servers": range(2, 21),
            "sessions lost (%)": 100 * run.lost.estimate,
            "from": 100 * run.lost.low,
            "to": 100 * run.lost.high,
            "theory (%)": [100 * sessions.theory(at.but(servers=n)) for n in range(2, 21)],
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: sessions.Setting) -> None:
    run = sessions.simulate(at)
    (ax,) = axes_of(sessions.plot, run)
    x, y = drawn.curve(ax, **style.THEORY).T
    np.testing.assert_allclose(y, [100 * sessions.theory(at.but(servers=int(n))) for n in x])
    assert_bars(drawn.error_bars(ax, color=style.BLUE), sessions.FLEETS, run.lost, 100)
    here = 100 * run.lost.estimate[at.servers - 2]
    np.testing.assert_allclose(drawn.rings(ax), [(at.servers, here)])


# --- real processes -------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_processes() -> None:
    run = sessions.measure(users=120)
    assert run.lost_store == 0
    assert 15 <= run.lost_memory <= 65  # 40, six standard deviations
    jobs = job_loss.measure(jobs=50)
    assert (jobs.left_memory, jobs.left_file) == (0, 50)


@pytest.mark.parametrize(("lost", "store", "word"), [(108, 0, "agrees"), (108, 1, "disagrees")])
def test_what_is_said_and_drawn_of_real_processes(lost: int, store: int, word: str) -> None:
    run = sessions.MeasuredSessions(sessions.Trial(), lost, store, 4e-5, 7.4e-5)
    spread = 1.96 * np.sqrt(300 * 2 / 9)
    assert run.reading == (
        f"Verdict: killing one of 3 processes lost {lost} of 300 sessions from memory and {store} "
        f"from the shared file; 1/n expects {100 - spread:.0f} to {100 + spread:.0f} in 95 % of "
        f"such runs: {word}. A request took 40 µs from memory and 74 µs from the file."
    )
    (ax,) = axes_of(sessions.plot, sessions.simulate())
    sessions.plot_measured(run, ax)
    memory = drawn.curve(ax, color=style.VERMILION)
    np.testing.assert_allclose(memory, [(3, 100 * lost / 300)])
    np.testing.assert_allclose(drawn.curve(ax, color=style.GREEN, marker="D")[:, 1], store / 3)


def test_what_is_said_of_jobs() -> None:
    run = job_loss.MeasuredJobLoss(job_loss.Trial(jobs=3), 1, 3)
    assert run.reading == (
        "Of 3 accepted jobs 1 was left of the queue in memory after its process was killed, and 3 "
        "of the queue in a file."
    )
    assert_summary(run, {"accepted": 3, "left_of_memory_queue": 1, "left_of_file_queue": 3})
