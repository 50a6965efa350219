"""What happens in the process that runs a submission.

Cells run in IPython's shell, as they do in a kernel. Each check runs in a fork of the process, in
which the libraries are put back as they were; so a check cannot disturb what comes after it, nor
cost more than its own points. The fork reports to the supervisor through a pipe, with a secret
that no name leads to.
"""

from __future__ import annotations

import asyncio
import builtins
import copy
import functools
import inspect
import io
import json.encoder
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable
from typing import Any

from . import fence, judge, pristine, watch

#: Bytes of files that a check is given a copy of, beside those its lab brings.
_COPIED = 20 << 20
_TEXT = 600

Shell = Any


def make_shell() -> Shell:
    """IPython's shell, without a history on the disk and without colours."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Minimal"
    shell: Shell = InteractiveShell.instance(config=config)
    # Whatever a submission can hold must not lead it here by its ``__globals__``.
    nothing = made_apart("def nothing(*arguments, **named): pass")
    shell.enable_gui = shell.showtraceback = shell.showsyntaxerror = nothing
    shell.display_formatter.active_types = ["text/plain"]
    return shell


def perform(
    job: dict[str, Any],
    lab: dict[str, Any],
    shell: Shell,
    state: pristine.State,
    report: int,
    secret: str,
    skip: frozenset[int],
) -> None:
    """Run a submission's cells and its lab's checks, step by step.

    Parameters
    ----------
    job : dict
        The ``folder``, the ``student_id`` and the ``steps``.
    lab : dict
        Compiled ``checks`` and ``given`` code, and whose names are whose.
    shell : InteractiveShell
        To run cells in.
    state : tuple
        What `pristine.take` returned.
    report : int
        Where to write what happens.
    secret : str
        What a line must begin with.
    skip : frozenset of int
        Steps that have ended the process before.
    """
    restore, learn, classes, codes = state
    folder, student_id = job["folder"], job["student_id"]
    say, told = _voice(report, secret)
    put_back = _putting_back(restore, shell, say)
    python = dict(vars(builtins))
    submission: dict[str, Any] = shell.user_ns
    ours: dict[str, Any] = {"student_id": student_id}
    lent: dict[str, Any] = {
        "student_id": student_id,
        "__builtins__": python,
        "__name__": "__main__",
        judge.ANSWERS: submission,
        judge.ANSWER: submission.__getitem__,
    }

    def run_given(entry: dict[str, Any]) -> None:
        """Run code that the lab gives, and lend the submission what it binds."""
        put_back()
        exec(entry["code"], lent)
        learn(lent, "given")
        for name in entry["names"]:
            if name in lent:
                submission[name], ours[name] = _own(lent[name]), _own(lent[name])

    def names_for_check() -> dict[str, Any]:
        return judge.names_for(
            submission, ours, python, classes, lab["allowed"], lambda text: say("notice", text)
        )

    run_check = _checker(lab["checks"], names_for_check, put_back, python, (say, told))
    fork_for_check = _forking(run_check, put_back, folder, (say, told))
    known = set(codes)
    for entry in (*lab["checks"].values(), *lab["given"].values()):
        known.update(map(id, pristine.within(entry["code"])))
    sys.argv[:], sys.path[0] = [""], ""
    watch.arm(
        known, tuple(job["libraries"]), folder, os.getppid(), lambda text: say("notice", text)
    )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for index, (kind, what) in enumerate(job["steps"]):
        if index in skip:
            continue
        say("begin", str(index))
        try:
            if kind == "cell":
                error = _run_cell(what, shell, loop, say)
                if error is not None:
                    say("error", *told(error))
            elif kind == "given":
                run_given(lab["given"][what])
            else:
                fork_for_check(index, what)
        except BaseException as error:
            say("error", *told(error))
        say("end", str(index))
    put_back()
    say("done")


Say = Callable[..., None]
Tell = Callable[[BaseException], tuple[str, str]]


def _voice(report: int, secret: str) -> tuple[Say, Tell]:
    """What writes lines to the supervisor, and what puts an error into words."""
    write = os.write
    encode: Callable[[str], str] = json.encoder.encode_basestring_ascii
    name_of = type.__dict__["__name__"].__get__

    def say(kind: str, *texts: str) -> None:
        parts = [encode("".join([text])[:_TEXT]) for text in texts]
        write(report, f"{secret} {kind} [{','.join(parts)}]\n".encode())

    def told(error: BaseException) -> tuple[str, str]:
        try:
            return name_of(type(error)), str(error)
        except BaseException:
            return name_of(type(error)), ""

    return say, told


def _putting_back(
    restore: Callable[[], list[str]], shell: Shell, say: Say
) -> Callable[..., list[str]]:
    """What puts the libraries and IPython's transformers back, and says what was changed."""
    manager = shell.input_transformer_manager
    transformers = [
        (place, list(place), name)
        for place, name in (
            (shell.ast_transformers, "ast_transformers"),
            (shell.input_transformers_post, "input_transformers_post"),
            (manager.cleanup_transforms, "input transformers"),
            (manager.line_transforms, "input transformers"),
            (manager.token_transformers, "input transformers"),
        )
    ]

    def put_back(when: str = "") -> list[str]:
        changed = restore()
        for label in changed[:3]:
            say("notice", f"{label} was replaced{when}")
        for place, content, name in transformers:
            if list(map(id, place)) != list(map(id, content)):
                say("notice", f"IPython's {name} were changed")
                place[:] = content
        return changed

    return put_back


def _run_cell(
    source: str, shell: Shell, loop: asyncio.AbstractEventLoop, say: Say
) -> BaseException | None:
    """Run a cell as a kernel does; return what it raised."""
    problem = None
    try:
        transformed = shell.transform_cell(source)
    except Exception:
        transformed, problem = source, sys.exc_info()
    before, changed = dict(vars(builtins)), list[str]()

    async def whole() -> Any:
        """Run the cell; then put back what Python itself, and the loop that waits, stands on."""
        try:
            return await shell.run_cell_async(
                source,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=problem,
            )
        finally:
            now = vars(builtins)
            for name, value in before.items():
                if name != "_" and now.get(name) is not value:
                    now[name] = value
                    changed.append(name)

    outcome = loop.run_until_complete(whole())
    for name in changed[:3]:
        say("notice", f"builtins.{name} was replaced")
    error: BaseException | None = outcome.error_before_exec or outcome.error_in_exec
    return error


def _checker(
    checks: dict[str, Any],
    names_for_check: Callable[[], dict[str, Any]],
    put_back: Callable[..., list[str]],
    python: dict[str, Any],
    voice: tuple[Say, Tell],
) -> Callable[[str], bool]:
    """What runs a check, tells the supervisor, and returns whether it passed."""
    say, told = voice

    def run_check(name: str) -> bool:
        check = checks[name]
        names = names_for_check()
        before = dict(names)
        try:
            _run(check["code"], names)
        except BaseException as error:
            lines = judge.place_of_failure(error, check["code"].co_filename)
            hidden = any(first <= line <= last for line in lines for first, last in check["hidden"])
            place = str(lines[-1]) if lines else "0"
            say("verdict", name, "hidden" if hidden else "seen", place, *told(error))
            return False
        changed = put_back(" while a check was running")
        for key in before.keys() - set(check["binds"]):
            if names.get(key) is not before[key]:
                changed.append(key)
                say("notice", f"{key} was replaced while a check was running")
        if not changed and not _still_say_no(python):
            changed.append("")
            say("notice", "a wrong answer was called right")
        value = names.get(judge.VALUE)
        if changed:
            say("verdict", name, "tampered", "0", "", "")
        elif type(value) in (int, float):
            say("verdict", name, "part", "0", "", repr(value))
        else:
            say("verdict", name, "passed", "0", "", "")
        return True

    return run_check


def _forking(
    run_check: Callable[[str], bool],
    put_back: Callable[..., list[str]],
    folder: str,
    voice: tuple[Say, Tell],
) -> Callable[[int, str], None]:
    """What runs a check in a fork of this process."""
    say, told = voice
    fork, wait, leave = os.fork, os.waitpid, os._exit
    running, process_id = threading.active_count, os.getpid
    streams = sys.stdin, sys.stdout, sys.stderr

    def fork_for_check(index: int, name: str) -> None:
        for _ in range(20):  # a thread that is about to end would not live on in the fork
            if running() == 1:
                break
            time.sleep(0.05)
        alone = running() == 1
        pid = fork()
        if pid == 0:
            try:
                say("child", str(index), str(process_id()))
                put_back()
                sys.stdin, sys.stdout, sys.stderr = streams
                _settle(f"{folder}/checks/{index}")
                leave(0 if run_check(name) else 1)
            except BaseException as error:
                say("lost", name, *told(error))
            finally:
                leave(2)
        _, status = wait(pid, 0)
        if status and not alone:  # it may have failed for lack of its threads: run it among them
            put_back()
            run_check(name)

    return fork_for_check


def _settle(place: str) -> None:
    """Make a fork ready for its check: a group and a folder of its own, no handlers."""
    os.setpgid(0, 0)
    fence.end_with_parent()
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if _size(".") <= _COPIED:
        shutil.copytree(".", place)
        os.chdir(place)
    else:
        os.mkdir(place)
    os.environ["TMPDIR"] = tempfile.tempdir = place


def made_apart(source: str, **names: Any) -> Callable[..., Any]:
    """A function whose globals are these names, and nothing else of ours."""
    namespace = {"__name__": "builtins", **names}
    exec(source, namespace)
    function: Callable[..., Any] = namespace[source.split("(")[0].removeprefix("def ")]
    return function


def hide_frames_from_handlers() -> None:
    """Let handlers of signals be called without the frame that was interrupted."""
    import _signal  # type: ignore[import-not-found]

    call = made_apart("def call(handler, number, frame): return handler(number, None)")

    def waiting(install: Callable[..., Any], partial: Callable[..., Any]) -> Any:
        answer: tuple[Any, BaseException | None] = (None, None)
        while True:
            number, handler = yield answer
            try:
                wrapped = partial(call, handler) if callable(handler) else handler
                answer = install(number, wrapped), None
            except Exception as error:
                answer = None, error

    # A generator that waits is the one place that does not give its names away.
    asked = waiting(_signal.signal, functools.partial)
    next(asked)
    source = """def signal(signalnum, handler, /):
    result, error = send((signalnum, handler))
    if error is not None:
        raise error
    return result
"""
    setattr(_signal, "signal", made_apart(source, send=asked.send))  # noqa: B010 - mypy minds


def _run(code: types.CodeType, names: dict[str, Any]) -> None:
    """Run code inside an event loop, as a kernel does."""

    async def inside() -> None:
        if code.co_flags & inspect.CO_COROUTINE:
            await eval(code, names)
        else:
            exec(code, names)

    asyncio.set_event_loop(None)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(inside())


def _own(value: Any) -> Any:
    """A copy of a value that the submission cannot change; code and classes are shared."""
    if callable(value) or type(value) is types.ModuleType:
        return value
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def _still_say_no(python: dict[str, Any]) -> bool:
    """Whether the tools of checks still tell wrong from right."""
    numpy = sys.modules.get("numpy")
    wrong = [1 == 2, python["all"]([False]), python["any"]([]), python["isinstance"](1, str)]
    wrong += [python["abs"](-3) < 1, python["len"]([]) > 0, {1} == {2}, [1] == [2]]
    if numpy is not None:
        one, two = numpy.array([1.0, 2.0]), numpy.array([1.0, 3.0])
        wrong += [numpy.isclose(1, 2), numpy.allclose(one, two), (one == two).all()]
        wrong += [numpy.array_equal(one, two)]
        try:
            numpy.testing.assert_allclose(one, two)
            return False
        except AssertionError:
            pass
    return not python["any"](wrong)


def _size(folder: str) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total


def forget(*packages: str) -> None:
    """Leave no way by name to some packages."""
    for name in list(sys.modules):
        if any(f"{name}.".startswith(f"{package}.") for package in packages):
            del sys.modules[name]


def quiet(folder: str) -> None:
    """Nothing to read from, and nowhere to print to."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _text(number)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(folder)


def _text(number: int) -> io.TextIOWrapper:
    mode = "wb" if number else "rb"
    raw = io.FileIO(number, mode, closefd=False)
    # What is printed in halves of a character is nobody's failure.
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=bool(number))
