"""Real servers, killed while they work, and real clients, who try again: their books."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.servers.loopback import run_apart
from helpers.foundations.statistics import Interval, mean_interval

_CHILD = Path(__file__).with_name("server_process.py")
_CLIENTS = 12
_PAUSE_S = 0.02  # on average, so that the clients do not fall into step
_EFFECT_S, _REPLY_S, _SLOW_S = 0.01, 0.03, 0.3
_TIMEOUT_S = 0.15
_BAD, _SLOW = 0.05, 0.12


@dataclass
class Book:
    """What one set of clients wrote down, and what the server's database held in the end.

    Attributes
    ----------
    ok, failed, lost : int
        Requests answered in time; refused with an error at each try; left without an answer.
    cut_off : dict of str to int
        Good tries during which the server died, and which of the servers it was.
    done : Counter of str
        How often the work of each request was done.
    tries_done : set of str
        Tries whose work was done.
    taken_s, after_s : list of float
        Of the requests answered: time from sending to answer, and the server's word on how much
        of it passed after the work was done; seconds.
    unanswered : set of str
        Requests that were lost.
    """

    sent: int = 0
    ok: int = 0
    failed: int = 0
    lost: int = 0
    cut_off: dict[str, int] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    tries_done: set[str] = field(default_factory=set)
    taken_s: list[float] = field(default_factory=list)
    after_s: list[float] = field(default_factory=list)

    @property
    def duplicated(self) -> int:
        """Requests whose work was done more than once."""
        return sum(times > 1 for times in self.done.values())

    @property
    def late(self) -> int:
        """Requests lost to the client, but done."""
        return len(self.unanswered & set(self.done))


def clustered_share(hits: list[int], of: list[int], confidence: float = 0.95) -> Interval:
    """Return a share and its interval from clusters of observations that are not independent.

    All tries that one kill cuts off meet the same moment, so the number of tries says little about
    how much is known; the number of kills does.

    Notes
    -----
    The ratio estimator of cluster sampling with its linearised variance and Student's t: Cochran,
    *Sampling Techniques*, 3rd ed. 1977, chapter 9A. With fewer than two clusters the interval is
    all of 0 to 1.
    """
    total = sum(of)
    if len(of) < 2 or total == 0:
        share = sum(hits) / total if total else 0.5
        return Interval(share, 0.0, 1.0, confidence, len(of))
    share = sum(hits) / total
    mean = total / len(of)
    moved = [(h - share * n) / mean for h, n in zip(hits, of, strict=True)]
    found = mean_interval(moved, confidence)
    low, high = max(0.0, share + found.low), min(1.0, share + found.high)
    return Interval(share, low, high, confidence, len(of))


def kill_servers(kills: int, retries: int, timeout_s: float, seed: int) -> tuple[Book, Book]:
    """Kill servers again and again while clients wait for them; return both sides' books.

    Twelve clients send requests one after the other; some are refused, some take too long. The
    server is killed without warning again and again, and another one takes over with the same
    database. Two such experiments run side by side: without keys and with.

    Parameters
    ----------
    kills : int
        Server processes to kill in each.
    retries : int
        Further tries of each request.
    timeout_s : float
        The measurement is given up after this long, seconds.
    seed : int
        Seed of the requests and of the moments of death.

    Returns
    -------
    plain, keyed : Book

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a server died of its own accord.
    """
    draw = Draws(seed)

    async def main(folder: Path) -> list[Book]:
        return await asyncio.gather(
            *(
                _Experiment(
                    folder / f"{keys}.db",
                    keys,
                    retries,
                    draw(f"clients {keys}"),
                    (0.12 + 0.12 * draw(f"deaths {keys}").random(kills)).tolist(),
                ).run()
                for keys in (False, True)
            )
        )

    with TemporaryDirectory(prefix="books-", ignore_cleanup_errors=True) as folder:
        plain, keyed = run_apart(lambda: main(Path(folder)), limit_s=timeout_s)
    return plain, keyed


@dataclass
class _Experiment:
    """One database, its servers, one after the other, and its clients."""

    path: Path
    keys: bool
    retries: int
    rng: np.random.Generator
    lives_s: list[float]
    book: Book = field(default_factory=Book)
    server: int = 0
    over: bool = False

    async def run(self) -> Book:
        processes = []
        try:
            process, self.port = await self._start()
            processes.append(process)
            clients = [asyncio.create_task(self._client(i)) for i in range(_CLIENTS)]
            for life_s in self.lives_s:
                following, port = await self._start()  # ready before the other one dies
                processes.append(following)
                await asyncio.sleep(life_s)
                if process.returncode is not None:
                    raise RuntimeError("a server ended of its own accord")
                process.kill()
                self.port, process = port, following
                self.server += 1
            self.over = True
            await asyncio.gather(*clients)
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()
                await process.wait()
                process._transport.close()  # type: ignore[attr-defined]  # closes the pipes, which wait() leaves open
        with closing(sqlite3.connect(self.path)) as database:
            rows = database.execute("SELECT request, attempt FROM work").fetchall()
        self.book.done = Counter(request for request, _ in rows)
        self.book.tries_done = {f"{request}/{attempt}" for request, attempt in rows}
        return self.book

    async def _start(self) -> tuple[asyncio.subprocess.Process, int]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_CHILD), str(self.path),
            *map(str, (_EFFECT_S, _REPLY_S, _SLOW_S)), "1" if self.keys else "0",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError("a server ended before it had started")
        return process, int(line)

    async def _client(self, number: int) -> None:
        turn = 0
        while not self.over:
            await asyncio.sleep(_PAUSE_S * self.rng.standard_exponential())
            await self._request(f"{number}-{turn}")
            turn += 1

    async def _request(self, name: str) -> None:
        """Send one request, again if need be, and write down what became of it."""
        book = self.book
        book.sent += 1
        silent = False
        hopeless = self.rng.random() < _BAD  # trying again does not help against a bad request
        for attempt in range(1 + self.retries):
            kind = "bad" if hopeless else "slow" if self.rng.random() < _SLOW else "good"
            server = self.server
            answer = await self._try(f"{name} {attempt} {kind}\n")
            if answer == "ok":
                book.ok += 1
                return
            silent |= answer != "error"
            if answer == "cut off" and kind == "good":
                book.cut_off[f"{name}/{attempt}"] = server
        if silent:
            book.lost += 1
            book.unanswered.add(name)
        else:
            book.failed += 1

    async def _try(self, line: str) -> str:
        """Return ``"ok"``, ``"error"``, ``"too late"`` or ``"cut off"``."""
        writer = None
        try:
            # Until it is connected nothing has been sent, and trying again is harmless.
            while writer is None:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.002)
            began = time.perf_counter()
            writer.write(line.encode())
            words = (await asyncio.wait_for(reader.readline(), _TIMEOUT_S)).decode().split()
            if not words:
                return "cut off"
            if words[0] == "ok":
                self.book.taken_s.append(time.perf_counter() - began)
                self.book.after_s.append(float(words[1]))
            return words[0]
        except TimeoutError:
            return "too late"
        except OSError:
            return "cut off"
        finally:
            if writer is not None:
                writer.close()
