"""The process that stays outside: it forks for each submission, keeps time, and counts."""

from __future__ import annotations

import base64
import contextlib
import gc
import importlib
import json
import marshal
import os
import pkgutil
import select
import signal
import sys
import time
from typing import Any

import psutil  # type: ignore[import-untyped]

from . import fence, judge, pristine, watch, work

#: Seconds between two looks at processes, and at memory and files.
_LOOK_S, _WEIGH_S = 0.2, 1.0
#: Seconds that an interrupted cell has to end.
_GRACE_S = 5.0
_FILES = 20_000

Result = dict[str, Any]


def serve() -> None:
    """Read a lab and then submissions from standard input, a line each; answer with a line each."""
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    lab = _lab(json.loads(commands.readline()))
    fence.adopt_orphans()
    for name in lab["modules"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    _load_course()
    work.quiet(os.getcwd())
    shell = work.make_shell()
    # Whoever imports ctypes from now on is seen; who has it, has it.
    work.forget(__package__, "ctypes", "_ctypes")
    work.hide_frames_from_handlers()
    state = pristine.take()
    for module in (fence, judge, pristine, watch, work):
        state[1](vars(module), module.__name__)
    gc.freeze()  # a fork would copy every page that it counts in
    print("ready", file=answers, flush=True)
    for line in commands:
        result = _supervise(
            json.loads(line), lab, shell, state, (commands.fileno(), answers.fileno())
        )
        print(json.dumps(result), file=answers, flush=True)


def _lab(told: dict[str, Any]) -> dict[str, Any]:
    for entry in (*told["checks"].values(), *told["given"].values()):
        entry["code"] = marshal.loads(base64.b64decode(entry["code"]))
    return told


def _load_course() -> None:
    """Import all of ``helpers``, so that what a submission changes in it is seen."""
    import helpers

    for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
        with contextlib.suppress(Exception):
            importlib.import_module(module.name)


def _supervise(
    job: dict[str, Any],
    lab: dict[str, Any],
    shell: work.Shell,
    state: pristine.State,
    private: tuple[int, ...],
) -> Result:
    """Run a submission; begin again without the step that ended its process, a few times."""
    result: Result = {"verdicts": {}, "errors": {}, "notices": [], "ended": {}, "unfinished": ""}
    skip: set[int] = set()
    deadline = time.monotonic() + job["limits"]["total_s"]
    for attempt in range(1 + job["limits"]["restarts"]):
        step, reason = _attempt(
            job, lab, shell, state, private, frozenset(skip), deadline, result, attempt
        )
        if reason is None:
            return result
        if step is None or time.monotonic() > deadline:
            result["unfinished"] = reason
            return result
        result["ended"][str(step)] = reason
        # What was judged before stays judged.
        skip |= {
            index
            for index, (kind, name) in enumerate(job["steps"])
            if kind == "check" and (name in result["verdicts"] or str(index) in result["ended"])
        } | {step}
    result["unfinished"] = reason
    return result


def _attempt(
    job: dict[str, Any],
    lab: dict[str, Any],
    shell: work.Shell,
    state: pristine.State,
    private: tuple[int, ...],
    skip: frozenset[int],
    deadline: float,
    result: Result,
    attempt: int,
) -> tuple[int | None, str | None]:
    """Fork and watch; return the step that ended the process and why, or None and None."""
    secret = os.urandom(16).hex()
    reading, writing = os.pipe()
    folder = os.path.join(job["folder"], str(attempt))
    os.makedirs(os.path.join(folder, "checks"))
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            for number in private:
                os.close(number)
            try:
                _enter(job, folder)
            except BaseException as error:  # nobody's code has run: the fault is ours
                os.write(writing, f"{secret} fault {json.dumps([repr(error)])}\n".encode())
                os._exit(1)
            own = {**job, "folder": folder}
            work.perform(own, lab, shell, state, writing, secret, skip)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        return _watch(job, pid, reading, secret, deadline, result, folder)
    finally:
        os.close(reading)
        _end_all(pid)


def _enter(job: dict[str, Any], folder: str) -> None:
    """Become a process that has its folder and little else."""
    os.setsid()
    fence.end_with_parent()
    limits = job["limits"]
    for name, content in job["files"].items():
        place = os.path.join(folder, "work", name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(base64.b64decode(content))
    for name in ("work", "home", "tmp"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    os.chdir(os.path.join(folder, "work"))
    os.environ.update(
        HOME=os.path.join(folder, "home"),
        TMPDIR=os.path.join(folder, "tmp"),
        SYSTEM_DESIGN_PROGRESS=os.path.join(folder, "home", "progress"),
    )
    work.tempfile.tempdir = None
    if job["fenced"]:
        fence.cut_network()
        fence.give_up_privileges()
    fence.bound(limits["memory"], limits["file"])
    if job["fenced"]:
        fence.keep_to(job["read"], [folder, "/dev/null", "/dev/shm"])


def _watch(
    job: dict[str, Any],
    pid: int,
    reading: int,
    secret: str,
    deadline: float,
    result: Result,
    folder: str,
) -> tuple[int | None, str | None]:
    limits = job["limits"]
    step: int | None = None
    check: int | None = None
    began = looked = weighed = time.monotonic()
    spent = 0.0
    interrupted = 0.0
    waiting = b""
    os.set_blocking(reading, False)
    while True:
        select.select([reading], [], [], _LOOK_S)
        ended = False
        with contextlib.suppress(BlockingIOError):
            part = os.read(reading, 1 << 16)
            ended = not part
            waiting += part
        *lines, waiting = waiting.split(b"\n")
        waiting = waiting[-65536:]
        for line in lines:
            kind, texts = _read(line, secret, result)
            if kind == "begin":
                step, check, began, interrupted = int(texts[0]), None, time.monotonic(), 0.0
                spent = _processor_s(pid)
            elif kind == "child":
                check, spent = int(texts[1]), 0.0
            elif kind == "end":
                step = None
            elif kind == "error" and step is not None:
                late = interrupted and texts[0] == "KeyboardInterrupt"
                text = [_too_long(limits), ""] if late else texts
                result["errors"][str(step)] = text
            elif kind == "verdict":
                result["verdicts"][texts[0]] = texts[1:]
            elif kind == "done":
                return None, None
            elif kind == "fault":
                raise RuntimeError(f"no room could be made: {texts[0]}")
        now = time.monotonic()
        if ended:
            return step, _cause(pid)
        if now > deadline:
            return step, f"all of it took longer than {limits['total_s']:g} s"
        if step is None:
            continue
        if interrupted and now - interrupted > _GRACE_S:
            return step, _too_long(limits)
        if not interrupted and _is_overdue(limits, now - began, check or pid, spent):
            interrupted = now
            with contextlib.suppress(OSError):
                if check is None:
                    os.kill(pid, signal.SIGINT)
                else:
                    name = job["steps"][step][1]
                    result["verdicts"][name] = ["ended", "0", _too_long(limits), ""]
                    os.killpg(check, signal.SIGKILL)
        if now - looked > _LOOK_S:
            looked = now
            weigh = now - weighed > _WEIGH_S
            weighed = now if weigh else weighed
            reason = _too_much(limits, folder if weigh else None)
            if reason:
                return step, reason


def _read(line: bytes, secret: str, result: Result) -> tuple[str, list[str]]:
    """Take a line apart; only what begins with the secret is from us."""
    told, _, rest = line.decode("ascii", "replace").partition(" ")
    kind, _, texts = rest.partition(" ")
    found: list[str] = []
    if told == secret:
        with contextlib.suppress(ValueError):
            found = [str(text) for text in json.loads(texts or "[]")]
        if kind == "notice" and found:
            _note(result, found[0])
        return kind, found
    _note(result, "wrote into the supervisor's pipe")
    return "", []


def _note(result: Result, text: str) -> None:
    if text not in result["notices"] and len(result["notices"]) < 20:
        result["notices"].append(text)


def _is_overdue(limits: dict[str, Any], lasted_s: float, pid: int, spent_s: float) -> bool:
    if lasted_s < limits["step_s"]:
        return False
    return lasted_s > limits["wait_s"] or _processor_s(pid) - spent_s > limits["step_s"]


def _processor_s(pid: int) -> float:
    """Seconds of a processor that a process and its ended children have used."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except psutil.Error:
        return 0.0


def _too_long(limits: dict[str, Any]) -> str:
    return f"it took longer than {limits['step_s']:g} s"


def _cause(pid: int) -> str:
    """Why a process has ended."""
    with contextlib.suppress(OSError):
        for _ in range(50):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                if code < 0:
                    return f"it ended the process ({signal.Signals(-code).name})"
                return "it ended the process"
            time.sleep(0.02)
    return "it closed the way to its supervisor"


def _too_much(limits: dict[str, Any], folder: str | None) -> str:
    """What a submission has more of than it may, or nothing."""
    family = psutil.Process().children(recursive=True)
    if len(family) > limits["processes"]:
        return f"it started more than {limits['processes']} processes"
    if folder is None:
        return ""
    total = 0
    for one in family:
        with contextlib.suppress(psutil.Error, OSError):
            whole = one.memory_full_info()
            total += getattr(whole, "pss", whole.uss)
    if total > limits["memory"]:
        return f"it needed more than {limits['memory'] >> 20} MB"
    count = size = 0
    for place, folders, names in os.walk(folder):
        count += len(folders) + len(names)
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_blocks * 512
        if count > _FILES or size > limits["disk"]:
            return f"it wrote more than {limits['disk'] >> 20} MB or {_FILES} files"
    return ""


def _end_all(pid: int) -> None:
    """Leave no process behind, however it was started."""
    for _ in range(200):
        family = psutil.Process().children(recursive=True)
        groups = set()
        for one in family:
            with contextlib.suppress(OSError):
                groups.add(os.getpgid(one.pid))
        for group in groups - {os.getpgid(0)}:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        for one in family:
            with contextlib.suppress(psutil.Error):
                one.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.005)
            continue
        return
    sys.exit(f"processes of {pid} do not end")
