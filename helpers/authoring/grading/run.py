"""Run submissions, each in a clean copy of its own, and say what its checks found.

Started rooms (``helpers.authoring.grading.room``) wait with the course loaded; each takes one
submission after the other. What a room can reach is a copy of ``helpers`` without the authors'
tools, and a folder that is deleted afterwards.
"""

from __future__ import annotations

import base64
import json
import math
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from helpers.authoring.course import ROOT
from helpers.authoring.grading.lab import Lab, student_ids
from helpers.authoring.grading.look import Cell, Submission
from helpers.authoring.grading.room import fence

#: Read by every program: without them not even Python starts.
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev")


class RoomError(RuntimeError):
    """No room could be made, or it ended of itself; the message says what it said."""


class UnfencedError(RuntimeError):
    """This machine cannot keep a submission away from other files."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    step_s : float
        Seconds of a processor for one cell, and for one check; a busy machine costs nobody points.
    wait_s : float
        Seconds by the clock for one cell, and for one check.
    total_s : float
        Seconds by the clock for all of it.
    memory : int
        Bytes of memory, of all its processes.
    file : int
        Bytes of one file.
    disk : int
        Bytes of all its files.
    processes : int
        Processes at a time.
    restarts : int
        How often it may end its process and still be judged on the rest.
    """

    step_s: float = 60.0
    wait_s: float = 180.0
    total_s: float = 900.0
    memory: int = 4 << 30
    file: int = 100 << 20
    disk: int = 500 << 20
    processes: int = 64
    restarts: int = 3


@dataclass(frozen=True)
class Mark:
    """What one check found.

    Attributes
    ----------
    points : float
        What the answer earned.
    maximum : float
        What it could have earned.
    text : str
        For the student; says nothing of hidden tests.
    detail : str
        For the instructor.
    """

    points: float
    maximum: float
    text: str
    detail: str = ""


@dataclass
class Outcome:
    """What became of a submission.

    Attributes
    ----------
    marks : dict of str to Mark
        By check.
    errors : dict of str to str
        What cells raised, by their place among all cells, from 1.
    flags : list of str
        What was tried that should be looked at.
    reason : str
        Why there are no marks, or nothing.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    reason: str = ""


def run_all(
    lab: Lab,
    submissions: Iterable[Submission],
    *,
    limits: Limits | None = None,
    rooms: int = 0,
    fenced: bool = True,
    secret: Iterable[Path] = (ROOT,),
    done: Callable[[Submission, Outcome], None],
) -> None:
    """Run many submissions of one lab.

    Parameters
    ----------
    lab : Lab
        Whose checks to use.
    submissions : iterable of Submission
        Those that can be graded.
    limits : Limits, optional
        For each of them.
    rooms : int, optional
        How many to run at a time; as many as there are processors by default.
    fenced : bool, optional
        Whether a machine that cannot keep submissions from other files is refused.
    secret : iterable of Path, optional
        What a submission must not be able to read.
    done : callable
        Is told what became of each as soon as it is known, in one thread.

    Raises
    ------
    UnfencedError
        If it should be fenced and this machine cannot.
    RoomError
        If no room can be made, or the lab's own solution does not get all points in it.
    """
    limits = limits or Limits()
    waiting: queue.SimpleQueue[Submission] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[Submission, Outcome] | BaseException | None] = (
        queue.SimpleQueue()
    )
    total = 0
    for one in submissions:
        waiting.put(one)
        total += 1
    if fenced:
        require_fence(secret)
    with _clean_course() as place:
        first = _Room(lab, place, limits, fenced)
        try:
            _try_solution(lab, first)
        except BaseException:
            first.close()
            raise
        many = max(1, min(rooms or _processors(), total))
        started = [first]

        def another() -> _Room:
            room = _Room(lab, place, limits, fenced)
            started.append(room)
            return room

        def work(room: _Room | None) -> None:
            try:
                room = room or another()
                while True:
                    try:
                        one = waiting.get_nowait()
                    except queue.Empty:
                        break
                    outcome = room.run(one)
                    if room.is_over:
                        room.close()
                        room = another()
                    answers.put((one, outcome))
                answers.put(None)
            except BaseException as error:
                answers.put(error)
            finally:
                if room is not None:
                    room.close()

        threads = [
            threading.Thread(target=work, args=(first if index == 0 else None,), daemon=True)
            for index in range(many)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(total + many):
                answer = answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                if answer is not None:
                    done(*answer)
        except BaseException:
            with suppress(queue.Empty):
                while True:
                    waiting.get_nowait()
            for room in started:
                room.kill()
            raise
        finally:
            for thread in threads:
                thread.join()


def require_fence(secret: Iterable[Path] = ()) -> None:
    """Refuse a machine on which a submission could read and write what its user can.

    Parameters
    ----------
    secret : iterable of Path
        What it must not be able to read.

    Raises
    ------
    UnfencedError
        With what to do about it.
    """
    if not hasattr(os, "fork"):
        raise UnfencedError(
            "Grading needs Linux or macOS: on Windows run the same command in WSL or a container."
        )
    if not fence.version():
        raise UnfencedError(
            "This machine cannot keep submissions away from your files: its kernel has no Landlock"
            " (Linux 5.13 or newer has it). Grade on one that has, or add --unfenced if you trust"
            " everybody in this class with your solutions and your gradebook."
        )
    for place in secret:
        for open_to_all in _readable():
            if place.resolve().is_relative_to(open_to_all):
                raise UnfencedError(
                    f"{place} lies in {open_to_all}, which every program must be able to read."
                    " Move it, or add --unfenced if you trust everybody in this class."
                )


def _readable() -> list[str]:
    """What a submission may read beside its own copy of the course: Python, and the system."""
    return [*sorted({sys.prefix, os.path.realpath(sys.prefix), sys.base_prefix}), *_SYSTEM]


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def _try_solution(lab: Lab, room: _Room) -> None:
    """See that a right answer gets all points here, before anybody else's is judged."""
    cells = [
        Cell(kind=cell.cell_type, source=cell.source, name=_name(cell), key=str(cell.get("id", "")))
        for cell in lab.solution.cells
    ]
    found = [value for cell in cells if cell.kind == "code" for value in student_ids(cell.source)]
    outcome = room.run(
        Submission("the solution", cells=cells, student_id=(found and found[0]) or "somebody")
    )
    lost = [
        f"{name}: {mark.detail or mark.text}"
        for name, mark in outcome.marks.items()
        if mark.points != mark.maximum
    ]
    if outcome.reason or lost or outcome.flags:
        said = "; ".join([outcome.reason, *lost, *outcome.flags]).strip("; ")
        raise RoomError(
            f"The solution of {lab.name} does not get all points on this machine, so nobody was"
            f" graded: {said}"
        )


def _name(cell: Any) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


@contextmanager
def _clean_course() -> Iterator[Path]:
    """A folder with what a lab needs, and nothing that it does not."""
    with tempfile.TemporaryDirectory(prefix="sd-grade-", ignore_cleanup_errors=True) as name:
        place = Path(name).resolve()
        unwanted = shutil.ignore_patterns("authoring", "__pycache__", "*.pyc", ".ipynb_checkpoints")
        shutil.copytree(ROOT / "helpers", place / "course" / "helpers", ignore=unwanted)
        room = Path(fence.__file__).parent
        shutil.copytree(room, place / "course" / "room", ignore=unwanted)
        (place / "home").mkdir()
        yield place


class _Room:
    """A process that runs one submission after the other."""

    def __init__(self, lab: Lab, place: Path, limits: Limits, fenced: bool) -> None:
        self._lab, self._place, self._limits = lab, place, limits
        self._fenced = fenced and bool(fence.version())
        self._count = 0
        self.is_over = False
        home = place / "home"
        kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ", "CONDA_PREFIX")
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the room
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-m", "room"],
            cwd=place / "course",
            env={
                **{name: os.environ[name] for name in kept if name in os.environ},
                "PYTHONPATH": str(place / "course"),
                "HOME": str(home),
                "IPYTHONDIR": str(home / "ipython"),
                "MPLCONFIGDIR": str(home / "matplotlib"),
                "MPLBACKEND": "agg",
                "LANG": "C.UTF-8",
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,
        )
        self._tell(lab.told())
        if self._answer() != "ready\n":
            raise RoomError(f"No room could be made: {self._last_words()}")

    def run(self, one: Submission) -> Outcome:
        """Run a submission; a room that it ends is over."""
        self._count += 1
        folder = self._place / f"{os.getpid()}-{id(self)}-{self._count}"
        folder.mkdir()
        steps = steps_of(one.cells, self._lab)
        readable = [*_readable(), str(self._place / "course")]
        self._tell(
            {
                "folder": str(folder),
                "student_id": one.student_id,
                "steps": [(step.kind, step.what) for step in steps],
                "files": {
                    name: base64.b64encode(content).decode()
                    for name, content in self._lab.files.items()
                },
                "fenced": self._fenced,
                "read": readable,
                "libraries": readable,
                "limits": asdict(self._limits),
            }
        )
        answer = self._answer()
        shutil.rmtree(folder, ignore_errors=True)
        if not answer:
            self.is_over = True
            words = self._last_words()
            if "no room could be made" in words:
                raise RoomError(words)
            return Outcome(reason="it ended the process that supervised it")
        return _outcome(json.loads(answer), steps, self._lab)

    def kill(self) -> None:
        """End the process at once, and with it what it runs."""
        self._process.kill()

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._pipe(self._process.stdin).close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdout).close()
        self._said.close()

    def _tell(self, what: object) -> None:
        pipe = self._pipe(self._process.stdin)
        with suppress(BrokenPipeError):
            pipe.write(json.dumps(what) + "\n")
            pipe.flush()

    def _answer(self) -> str:
        return self._pipe(self._process.stdout).readline()

    def _last_words(self) -> str:
        self._process.wait()
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return lines[-1] if lines else f"it ended with {self._process.returncode}"

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


@dataclass(frozen=True)
class Step:
    """One thing to do with a submission: run a ``cell``, code that is ``given``, or a ``check``.

    Attributes
    ----------
    kind : str
        Which of the three.
    what : str
        The cell's source, or a name in the lab.
    place : int
        Of a cell, among all cells of the submission.
    """

    kind: str
    what: str
    place: int = -1


def steps_of(cells: list[Cell], lab: Lab) -> list[Step]:
    """In what order to run a submission.

    The student's cells keep their order. A check stands where the student has it, but never before
    the answers that it judges. What the lab gives is run from the lab: in place of the student's
    cell if that is unchanged, after it if not, and before the first answer if it is gone.
    """
    due = checks_due(cells, lab)
    given = dict(lab.given)
    steps = [Step("given", given.pop("imports").key)] if "imports" in given else []
    taken = {index: key for key in given for index in _places_of(given[key], cells)[:1]}
    homeless = [key for key in given if key not in taken.values()]
    for index, cell in enumerate(cells):
        is_code = cell.kind == "code" or (
            cell.name in lab.cells and lab.cells[cell.name].cell_type == "code"
        )
        if homeless and (cell.name in lab.answers or index == len(cells) - 1):
            steps += [Step("given", key) for key in homeless]
            homeless = []
        own = taken.get(index)
        unchanged = own is not None and _plain(cell.source) == _plain(given[own].source)
        if is_code and cell.name not in lab.checks and not unchanged:
            steps.append(Step("cell", cell.source, index))
        if own is not None:
            steps.append(Step("given", own))
        steps += [Step("check", name) for name in due.get(index, ())]
    return steps + [Step("check", name) for name in due.get(-1, ())]


def checks_due(cells: list[Cell], lab: Lab) -> dict[int, list[str]]:
    """Names of the checks to run after each cell, by its place; -1 stands for before the first."""
    due: dict[int, list[str]] = {}
    at = -1
    for check in lab.checks.values():
        after = [index for index, cell in enumerate(cells) if cell.name in check.after]
        here = [index for index, cell in enumerate(cells) if cell.name == check.name]
        at = max([at, *after, *here[:1]])
        due.setdefault(at, []).append(check.name)
    return due


def _places_of(given: Any, cells: list[Cell]) -> list[int]:
    """Where a given cell is in a submission: the same text, or at least the same id."""
    plain = [index for index, cell in enumerate(cells) if cell.kind == "code" and not cell.name]
    same = [index for index in plain if _plain(cells[index].source) == _plain(given.source)]
    return same or [index for index in plain if cells[index].key == given.key]


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _outcome(told: Mapping[str, Any], steps: list[Step], lab: Lab) -> Outcome:
    """Marks from what a room has told."""
    outcome = Outcome(flags=[str(text)[:200] for text in told["notices"]])
    for index, (name, text) in told["errors"].items():
        step = steps[int(index)]
        if step.kind == "cell":
            outcome.errors[str(step.place + 1)] = f"{name}: {text}"[:300].removesuffix(": ")
        else:  # for instance because the lab has no numbers for this id
            outcome.flags.append(f"what the lab gives could not be run: {name}: {text}"[:200])
    ended = {steps[int(index)]: reason for index, reason in told["ended"].items()}
    for step, reason in ended.items():
        if step.kind == "cell":
            outcome.errors[str(step.place + 1)] = reason
    for name, check in lab.checks.items():
        verdict = told["verdicts"].get(name)
        reason = ended.get(Step("check", name), "")
        outcome.marks[name] = _mark(
            check.points, verdict, reason or told["unfinished"] or "it ended the process"
        )
    return outcome


def _mark(maximum: float, verdict: list[str] | None, reason: str) -> Mark:
    none = Mark(0.0, maximum, "")
    if verdict is None:
        return replace(none, text=f"Not passed: {reason}.")
    kind, line, name, text = verdict
    what = f"{name}: {text}".removesuffix(": ")
    if kind == "passed":
        return Mark(maximum, maximum, "Passed.")
    if kind == "part":
        share = float(text)
        points = min(maximum, max(0.0, share)) if math.isfinite(share) else 0.0
        return Mark(points, maximum, "Passed." if points == maximum else "Passed in part.")
    if kind == "ended":
        return replace(none, text=f"Not passed: {name}.")
    if kind == "seen":
        return replace(none, text=f"Not passed: {what}", detail=f"line {line}: {what}")
    if kind == "hidden":
        return replace(
            none,
            text="Not passed: the checks that you see pass, one that you do not see does not.",
            detail=f"hidden check, line {line}: {what}",
        )
    return replace(none, text="Not passed: the work has changed what checks are made with.")
