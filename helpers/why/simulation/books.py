"""Errors, deaths and timeouts: what client and server write in their books."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from helpers.foundations import validation
from helpers.foundations.experiment import Result
from helpers.foundations.prose import duration, significant
from helpers.foundations.traffic.streams import streams
from helpers.why.theory import BookTheory, theory_books

if TYPE_CHECKING:
    import pandas as pd

#: Timeouts at which the curves are simulated, in units of the mean work.
TIMEOUTS = tuple(np.geomspace(0.25, 16, 19).tolist())

_REQUESTS = 4_000
_MOST_TRIES = 6
_WORK_S = 0.1


class BooksResult(Result):
    """What became of requests, as the client and as the server saw it.

    Attributes
    ----------
    timeout_s, error_percent, kill_percent, retries, idempotent
        The parameters it was made with.
    sent : int
        Requests.
    ok, failed, lost : int
        The client's book: answered in time; told of an error each time; left without an answer
        at least once and never given one. They add up to `sent`.
    not_done, done_once, duplicated : int
        The server's book: times the work of a request was done. They add up to `sent`.
    late : int
        Requests lost to the client, but done.
    theory : BookTheory
        Probabilities of all of these.
    grid_s : numpy.ndarray, shape (k,)
        Timeouts simulated.
    duplicated_share, lost_share, late_share : numpy.ndarray, shape (k,)
        Shares of the requests at each timeout.
    curves : numpy.ndarray, shape (k, 3)
        Theory for the three shares.
    """

    timeout_s: float
    error_percent: float
    kill_percent: float
    retries: int
    idempotent: bool
    sent: int
    ok: int
    failed: int
    lost: int
    not_done: int
    done_once: int
    duplicated: int
    late: int
    theory: BookTheory
    grid_s: np.ndarray
    duplicated_share: np.ndarray
    lost_share: np.ndarray
    late_share: np.ndarray
    curves: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "sent": self.sent,
            "ok": self.ok,
            "failed": self.failed,
            "lost": self.lost,
            "not_done": self.not_done,
            "done_once": self.done_once,
            "duplicated": self.duplicated,
            "lost_but_done": self.late,
            "theory_duplicated": self.sent * self.theory.duplicated,
        }

    @property
    def reading(self) -> str:
        return (
            f"{self.sent:,} sent = {self.ok:,} answered + {self.failed:,} failed + {self.lost:,} "
            f"lost. The server's book of the same requests: {self.not_done:,} not done, "
            f"{self.done_once:,} done once, {self.duplicated:,} done more than once (theory: "
            f"{significant(self.sent * self.theory.duplicated)}); {self.late:,} of the lost were "
            f"done all the same. Timeout: {duration(self.timeout_s)}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        return pd.DataFrame(
            {
                "timeout (ms)": 1e3 * self.grid_s,
                "duplicated": self.duplicated_share,
                "theory": self.curves[:, 0],
                "lost": self.lost_share,
                "lost, theory": self.curves[:, 1],
                "lost but done": self.late_share,
                "lost but done, theory": self.curves[:, 2],
            }
        ).set_index("timeout (ms)")


def simulate_books(
    *,
    timeout_s: float = 0.3,
    error_percent: float = 2.0,
    kill_percent: float = 1.0,
    retries: int = 2,
    idempotent: bool = False,
    seed: int = 1,
) -> BooksResult:
    """Simulate requests to a server that errs, dies and dawdles, and a client who tries again.

    Parameters
    ----------
    timeout_s : float
        How long the client waits for each try, seconds; > 0. The work takes 0.1 s on average.
    error_percent : float
        Share of tries that end in an error the client is told of, per cent; 0 to 100.
    kill_percent : float
        Share of tries during which the server dies, per cent; 0 to 100.
    retries : int
        Further tries; 0 to 5.
    idempotent : bool
        Whether requests carry a key by which the server knows what it has done before.
    seed : int
        Seed of all draws; all settings meet the same ones.

    Returns
    -------
    BooksResult

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    timeout_s = validation.number("timeout_s", timeout_s, above=0, unit="s")
    error = validation.number("error_percent", error_percent, at_least=0, at_most=100, unit="%")
    kill = validation.number("kill_percent", kill_percent, at_least=0, at_most=100, unit="%")
    retries = validation.integer("retries", retries, at_least=0, at_most=_MOST_TRIES - 1)
    if not isinstance(idempotent, bool):
        raise TypeError(f"idempotent must be True or False, got {idempotent!r}")
    seed = validation.integer("seed", seed, at_least=0)
    draws = _draws(seed)
    error, kill = error / 100, kill / 100
    grid = _WORK_S * np.array(TIMEOUTS)
    books = [_keep_books(t, error, kill, 1 + retries, idempotent, draws) for t in grid]
    here = _keep_books(timeout_s, error, kill, 1 + retries, idempotent, draws)
    expected = [theory_books(t, _WORK_S, error, kill, retries, idempotent) for t in grid.tolist()]
    return BooksResult(
        timeout_s=timeout_s,
        error_percent=error_percent,
        kill_percent=kill_percent,
        retries=retries,
        idempotent=idempotent,
        sent=_REQUESTS,
        **here,
        theory=theory_books(timeout_s, _WORK_S, error, kill, retries, idempotent),
        grid_s=grid,
        duplicated_share=np.array([b["duplicated"] for b in books]) / _REQUESTS,
        lost_share=np.array([b["lost"] for b in books]) / _REQUESTS,
        late_share=np.array([b["late"] for b in books]) / _REQUESTS,
        curves=np.array([(t.duplicated, t.lost, t.late) for t in expected]),
    )


def _keep_books(
    timeout_s: float,
    error: float,
    kill: float,
    tries: int,
    idempotent: bool,
    draws: tuple[np.ndarray, ...],
) -> dict[str, int]:
    """Try every request until it is answered or the tries run out, and count."""
    errs, dies, moment, takes = (draw[:tries] for draw in draws)
    open_ = np.ones(_REQUESTS, dtype=bool)  # the client is still without an answer
    silent = np.zeros(_REQUESTS, dtype=bool)  # at least one try was not answered at all
    done = np.zeros(_REQUESTS, dtype=int)
    for e, k, m, t in zip(errs, dies, moment, takes, strict=True):
        told = e < error
        dead = ~told & (k < kill)
        works = ~told & ~dead
        # The work counts as done half-way through the life of a request.
        effect = works | (dead & (m >= 0.5))
        in_time = works & (t <= timeout_s)
        done += open_ & effect
        silent |= open_ & ~told & ~in_time
        open_ &= ~in_time
    if idempotent:
        done = np.minimum(done, 1)
    count = np.count_nonzero
    return {
        "ok": int(count(~open_)),
        "failed": int(count(open_ & ~silent)),
        "lost": int(count(open_ & silent)),
        "not_done": int(count(done == 0)),
        "done_once": int(count(done == 1)),
        "duplicated": int(count(done > 1)),
        "late": int(count(open_ & (done > 0))),
    }


@lru_cache(maxsize=4)
def _draws(seed: int) -> tuple[np.ndarray, ...]:
    rng = streams(seed, "errors", "deaths", "moments", "work")
    shape = (_MOST_TRIES, _REQUESTS)
    draws = (
        rng["errors"].random(shape),
        rng["deaths"].random(shape),
        rng["moments"].random(shape),
        _WORK_S * rng["work"].standard_exponential(shape),
    )
    for draw in draws:
        draw.setflags(write=False)
    return draws
