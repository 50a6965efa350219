"""Two books about the same requests: by enumeration, simulated, real; faults are noticed."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import duration, significant
from helpers.foundations.statistics import mean_interval
from helpers.why import books
from helpers.why.books import SENT, TIMEOUTS_S
from helpers.why.killed_servers import Book, clustered_share
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of, caught
from tests.why.checks import assert_agrees


@pytest.mark.parametrize("tries", [1, 2, 3, 4])
@pytest.mark.parametrize("idempotent", [False, True])
def test_theory_by_enumeration(tries: int, idempotent: bool) -> None:
    error, kill, timeout_s = 0.1, 0.15, 0.2
    slow = math.exp(-timeout_s / 0.1)
    chance = {
        "a": (1 - error) * (1 - kill) * (1 - slow),
        "b": error,
        "c": (1 - error) * kill * 0.5,
        "d": (1 - error) * (kill * 0.5 + (1 - kill) * slow),
    }
    assert sum(chance.values()) == pytest.approx(1)
    total = dict.fromkeys(books.Counts._fields, 0.0)
    for fates in itertools.product("abcd", repeat=tries):
        p = math.prod(chance[fate] for fate in fates)
        # Tries after the first answer never happen; summing over them changes nothing.
        story = fates[: fates.index("a") + 1] if "a" in fates else fates
        done = sum(fate in "ad" for fate in story)
        done = min(done, 1) if idempotent else done
        ok, failed = "a" in story, set(story) == {"b"}
        total["ok"] += p * ok
        total["failed"] += p * failed
        total["lost"] += p * (not ok and not failed)
        total["not_done"] += p * (done == 0)
        total["done_once"] += p * (done == 1)
        total["duplicated"] += p * (done > 1)
        total["late"] += p * (not ok and done > 0)
    at = books.Setting(
        timeout_s=timeout_s, error_percent=10.0, kill_percent=15.0, retries=tries - 1,
        idempotent=idempotent,
    )  # fmt: skip
    found = books.theory(at)
    for name in books.Counts._fields:
        assert getattr(found, name) == pytest.approx(total[name], abs=1e-12), name


def test_theory_at_the_extremes() -> None:
    hopeless = books.theory(books.Setting(error_percent=100.0, kill_percent=0.0, retries=3))
    assert (hopeless.failed, hopeless.ok, hopeless.not_done) == (1, 0, 1)
    assert books.interrupted_but_done(0.01, 0.03) == pytest.approx(0.75)


CASES = ((0, False), (2, False), (3, True))


def check(cases=CASES) -> None:
    for retries, idempotent in cases:
        runs = [
            books.simulate(
                timeout_s=0.12, error_percent=8.0, kill_percent=10.0, retries=retries,
                idempotent=idempotent, seed=s,
            )
            for s in range(24)
        ]  # fmt: skip
        exact = books.theory(runs[0].at)
        for name in books.Counts._fields:
            share = (getattr(run.here, name) / SENT for run in runs)
            assert_agrees(share, getattr(exact, name), name)
        for run in runs:
            for here in (run.here, *run.grid):
                assert here.ok + here.failed + here.lost == SENT
                assert here.not_done + here.done_once + here.duplicated == SENT


def test_simulation_and_theory() -> None:
    check()


@pytest.mark.parametrize("fault", ["all deaths early", "one try more", "patience from the median"])
def test_faults_are_caught(monkeypatch, fault: str) -> None:
    original, draws = books._keep_books, books._draws
    if fault == "all deaths early":

        def early(seed):
            errs, dies, moment, takes_s = draws(seed)
            return errs, dies, 0 * moment, takes_s

        monkeypatch.setattr(books, "_draws", early)
    elif fault == "one try more":
        monkeypatch.setattr(
            books, "_keep_books", lambda at: original(at.but(retries=at.retries + 1))
        )
    else:
        monkeypatch.setattr(
            books, "_keep_books", lambda at: original(at.but(timeout_s=1.1 * at.timeout_s))
        )
    caught(check, CASES[1:2])


# --- what the learner sees ------------------------------------------------------------------------

AT = [
    books.Setting(),
    books.Setting(timeout_s=0.05, retries=5, idempotent=True, seed=2),
    books.Setting(error_percent=0.0, kill_percent=0.0, timeout_s=1.5, retries=5),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: books.Setting) -> None:
    run, exact = books.simulate(at), books.theory(at)
    here = run.here
    assert_summary(
        run,
        {
            "sent": SENT,
            "ok": here.ok,
            "failed": here.failed,
            "lost": here.lost,
            "not_done": here.not_done,
            "done_once": here.done_once,
            "duplicated": here.duplicated,
            "lost_but_done": here.late,
            "theory_duplicated": SENT * exact.duplicated,
        },
    )
    lost = f"{here.late:,} of the lost were done all the same" if here.lost else "none was lost"
    assert run.reading == (
        f"4,000 sent = {here.ok:,} answered + {here.failed:,} failed + {here.lost:,} lost. The "
        f"server's book of the same requests: {here.not_done:,} not done, {here.done_once:,} done "
        f"once, {here.duplicated:,} done more than once (theory: "
        f"{significant(SENT * exact.duplicated)}); {lost}. Timeout: {duration(at.timeout_s)}."
    )
    grid = [books.theory(at.but(timeout_s=timeout_s)) for timeout_s in TIMEOUTS_S]
    assert_table(
        run,
        {
            "timeout (ms)": [1e3 * timeout_s for timeout_s in TIMEOUTS_S],
            "duplicated": [each.duplicated / SENT for each in run.grid],
            "theory": [each.duplicated for each in grid],
            "lost": [each.lost / SENT for each in run.grid],
            "lost, theory": [each.lost for each in grid],
            "lost but done": [each.late / SENT for each in run.grid],
            "lost but done, theory": [each.late for each in grid],
        },
    )


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: books.Setting) -> None:
    run = books.simulate(at)
    ax, two = axes_of(books.plot, run)
    assert drawn.here(ax) == at.timeout_s
    for name, color, marker in (
        ("duplicated", style.PURPLE, "^"),
        ("lost", style.VERMILION, "o"),
        ("late", style.BLUE, "s"),
    ):
        seen = [100 * getattr(each, name) / SENT for each in run.grid]
        shown = drawn.curve(ax, color=color, marker=marker)
        np.testing.assert_allclose(shown, np.stack([TIMEOUTS_S, seen], 1))
        exact = [100 * getattr(books.theory(at, t), name) for t in TIMEOUTS_S]
        shown = drawn.curve(ax, color=color, linestyle="--")
        np.testing.assert_allclose(shown, np.stack([TIMEOUTS_S, exact], 1))
    # The ring around the square is seen where both are one.
    ring, square = (drawn.line(ax, color=c, marker=m) for c, m in
                    ((style.VERMILION, "o"), (style.BLUE, "s")))  # fmt: skip
    assert ring.get_markersize() > 2 * square.get_markersize()
    here = run.here
    for color, place, counts in (
        (style.GREEN, 0, (0, here.ok)),
        (style.ORANGE, 0, (here.ok, here.failed)),
        (style.VERMILION, 0, (here.ok + here.failed, here.lost)),
        (style.PURPLE, 2, (here.done_once, here.duplicated)),
        (style.MUTED, 2, (here.done_once + here.duplicated, here.not_done)),
    ):
        shown = drawn.bars(two, facecolor=color)
        which = list(shown.places).index(place)
        start, length = (100 * count / SENT for count in counts)
        assert shown.starts[which] == pytest.approx(start)
        assert shown.lengths[which] == pytest.approx(length)


# --- real servers ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_servers_that_are_killed() -> None:
    found = books.measure(kills=3)
    assert found.conserved
    assert found.keyed.duplicated == 0
    assert found.plain.sent > 20
    for book in (found.plain, found.keyed):
        assert book.ok > 0
        assert book.late <= book.lost
        assert len(book.done) >= book.ok, "what was answered was done"
    assert found.reading.startswith("Verdict: the books balance")


def measured(**changed) -> books.MeasuredBooks:
    plain = Book(
        sent=10, ok=7, failed=1, lost=2, cut_off={"1-1/0": 0, "1-2/0": 0, "1-3/0": 1, "1-4/1": 1},
        done=Counter({"1-1": 2, "1-2": 1, "1-3": 1, "1-9": 1}),
        tries_done={"1-1/0", "1-3/0", "1-4/1"}, unanswered={"1-9", "1-8"},
        taken_s=[0.04] * 7, after_s=[0.03] * 7,
    )  # fmt: skip
    keyed = Book(sent=8, ok=8, done=Counter({str(i): 1 for i in range(8)}))
    for name, value in changed.items():
        setattr(plain, name, value)
    return books.MeasuredBooks(books.Trial(kills=2), plain, keyed)


def test_what_is_said_and_drawn_of_real_books() -> None:
    run = measured()
    share = clustered_share([1, 2], [2, 2])
    assert run.reading == (
        "Verdict: the books balance: 10 sent = 7 ok + 1 failed + 2 lost. 2 kills of servers "
        "without keys cut 4 tries off, and the work of 3 had been done (theory: 75 %, inside the "
        f"95 % interval {significant(100 * share.low, 2)} to {significant(100 * share.high, 2)} "
        "%). 1 request was done more than once; with keys, 0 of 8."
    )
    assert "DO NOT BALANCE" in measured(lost=1).reading
    assert run.summary["kills"] == 4
    assert (run.summary["plain_duplicated"], run.summary["plain_lost_but_done"]) == (1, 1)
    assert (run.summary["with_keys_sent"], run.summary["with_keys_duplicated"]) == (8, 0)
    assert_table(
        run,
        {
            "server": ["plain", "with keys"],
            "sent": [10, 8],
            "ok": [7, 8],
            "failed": [1, 0],
            "lost": [2, 0],
            "duplicated": [1, 0],
            "lost but done": [1, 0],
        },
    )
    ax, two = axes_of(books.plot_measured, run)
    shown = drawn.error_bars(ax, color=style.VERMILION)
    assert (shown.middle[0], shown.low[0], shown.high[0]) == pytest.approx(
        (100 * share.estimate, 100 * share.low, 100 * share.high)
    )
    assert drawn.curve(ax, **style.THEORY)[0, 0] == pytest.approx(75)
    green = drawn.bars(two, facecolor=style.GREEN)
    np.testing.assert_allclose(green.lengths, [70, 30])


def test_shares_of_clusters() -> None:
    # Equal clusters: the interval of the clusters' own shares, 1/2 and 1.
    found = clustered_share([2, 4], [4, 4])
    assert found.estimate == pytest.approx(0.75)
    assert (found.low, found.high) == (0.0, 1.0), "two clusters say next to nothing"
    many = clustered_share([2, 4] * 20, [4, 4] * 20)
    assert many.half_width == pytest.approx(mean_interval([0.5, 1.0] * 20).half_width)
    assert clustered_share([3], [4]).high == 1.0
    # Tries of one kill that all fare alike are worth one observation, not ten.
    alike = clustered_share([10, 0, 10, 10], [10] * 4)
    assert alike.half_width > 0.4


def test_intervals_of_clusters_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    hit = 0
    for _ in range(400):
        phase = rng.random(16)  # all tries of a kill share most of their phase
        sizes = rng.integers(3, 9, 16)
        done = [
            int(((p + 0.1 * rng.random(n)) % 1 < 0.7).sum())
            for p, n in zip(phase, sizes, strict=True)
        ]
        hit += clustered_share(done, sizes.tolist()).contains(0.7)
    assert 0.88 < hit / 400 < 0.99
