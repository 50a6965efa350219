"""Keep a submission's code from reaching into the interpreter that judges it.

Python tells an audit hook before it hands out a frame, all living objects or raw memory; the hook
may refuse, and nothing in Python can take it away again. Libraries may have what they ask for; the
submission may not, and neither may a library on its behalf.
"""

from __future__ import annotations

import os
import sys
import types
from _thread import get_ident
from collections.abc import Callable
from typing import Any

from .pristine import within

#: Attributes that lead to a frame.
_FRAMES = frozenset({"tb_frame", "gi_frame", "cr_frame", "ag_frame"})
_NEVER = frozenset(
    {
        "gc.get_objects",
        "gc.get_referrers",
        "gc.get_referents",
        "sys._current_frames",
        "sys._current_exceptions",
        "sys.addaudithook",
        "sys.monitoring.register_callback",
    }
)
_TRACING = frozenset({"sys.settrace", "sys.setprofile"})
_RAW = frozenset({"ctypes", "_ctypes"})
_ATTRIBUTES = frozenset({"os.chmod", "os.chown", "os.truncate", "os.utime", "os.setxattr"})
_OTHERS = frozenset({"sys._getframe", "import", "open", "os.kill"})
#: They hand on whatever they are given, and what they are given by themselves.
_HAND_ON = frozenset({"inspect", "ctypes", "importlib"})
#: These hand on only what they are asked for directly.
_SOMETIMES = frozenset({"traceback", "logging", "asyncio", "threading"})


def arm(
    known: set[int],
    libraries: tuple[str, ...],
    folder: str,
    supervisor: int,
    notice: Callable[[str], None],
) -> None:
    """Watch this process, and all it forks, from now on.

    Parameters
    ----------
    known : set of int
        Identities of the code objects that are not the submission's.
    libraries : tuple of str
        Folders of code that may be loaded later and is not the submission's either.
    folder : str
        Where the submission may change files' times and permissions.
    supervisor : int
        Process that it must not end.
    notice : callable
        Is told what was refused.
    """
    get_frame, busy = sys._getframe, set[int]()
    read_file: Callable[..., Any] = open
    absolute, decode = os.path.abspath, os.fsdecode
    learned: dict[int, types.CodeType] = {}

    def is_library(code: types.CodeType) -> bool:
        if id(code) in known or id(code) in learned:
            return True
        name = code.co_filename
        if not name.endswith(".py") or not name.startswith(libraries):
            return False
        try:
            with read_file(name, "rb") as file:
                whole = compile(file.read(), name, "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError):
            return False
        if any(part == code for part in within(whole)):  # it really stands in that file
            learned[id(code)] = code
            return True
        return False

    def asked_by_submission() -> bool:
        frame: types.FrameType | None = get_frame(3)  # past this function, `refused` and `hook`
        first = True
        while frame is not None:
            if not is_library(frame.f_code):
                return True
            room = str(frame.f_globals.get("__name__")).partition(".")[0]
            if room not in _HAND_ON and not (first and room in _SOMETIMES):
                return False
            first = first and room in _HAND_ON
            frame = frame.f_back
        return False

    def lies_below(wanted: types.FrameType) -> bool:
        """Whether a frame is one of those that have called the submission."""
        frame: types.FrameType | None = get_frame(3)
        passed = False
        while frame is not None and frame is not wanted:
            passed = passed or not is_library(frame.f_code)
            frame = frame.f_back
        return passed and frame is not None and is_library(frame.f_code)

    def refused(event: str, arguments: tuple[Any, ...]) -> str | None:
        if event in _NEVER:
            return event
        if event == "sys._getframe":
            return event if lies_below(arguments[0]) or asked_by_submission() else None
        if event in _TRACING:  # threading passes it on, on nobody's behalf
            asked = get_frame(2)
            room = str(asked.f_globals.get("__name__"))
            return event if not is_library(asked.f_code) or room == "threading" else None
        if event.startswith("ctypes."):
            return event if asked_by_submission() else None
        if event == "import":
            wanted = arguments[0] in _RAW and asked_by_submission()
            return str(arguments[0]) if wanted else None
        if event == "object.__getattr__":
            return str(arguments[1]) if asked_by_submission() else None
        if event == "open":
            if not isinstance(arguments[0], int):
                name = absolute(decode(arguments[0]))
                if name.startswith("/proc/") and name.endswith("mem"):
                    return name
        elif event == "os.kill":
            return "os.kill" if arguments[0] in (supervisor, 1, -1) else None
        elif event in _ATTRIBUTES and not isinstance(arguments[0], int):
            name = absolute(decode(arguments[0]))
            return None if name.startswith(folder) else f"{event} of {name}"
        return None

    watched = _NEVER | _TRACING | _ATTRIBUTES | _OTHERS

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "object.__getattr__":
            if arguments[1] not in _FRAMES:
                return
        elif event not in watched and not event.startswith("ctypes."):
            return
        me = get_ident()
        if me in busy:
            return
        busy.add(me)
        try:
            found = refused(event, arguments)
            if found is not None:
                notice(f"reached for {found}")
        finally:
            busy.discard(me)
        if found is not None:
            raise PermissionError(f"{found} is out of reach while work is graded")

    sys.addaudithook(hook)
