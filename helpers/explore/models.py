"""A learner's own model: run beside the simulation, on the same draws, and never in its way.

A model is a function ``model(at, draw)`` of the present setting and of named random numbers (see
:class:`helpers.foundations.experiment.Draws`), or ``model(at)`` where nothing is drawn. It returns
a dict of named numbers. It is run several times, and each run goes on with the numbers where the
one before stopped.
"""

from __future__ import annotations

import ctypes
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from helpers.foundations.experiment import Draws, Mine, Parameters, averaged
from helpers.foundations.prose import significant

Model = Callable[..., Any]

#: How often a model that draws random numbers is run.
RUNS = 8

#: How long one thread keeps the interpreter from another: usually, and while a model is at work,
#: when whoever moves a slider would wait for it a dozen times before the next picture.
_USUAL_S, _SHORT_S = sys.getswitchinterval(), 5e-4


class ModelError(Exception):
    """A learner's model failed; the message says how, and in which of its lines."""


class _Abandoned(BaseException):
    """Raised inside a model whose answer nobody waits for any more."""


def runs_of(model: Model, at: Parameters, most: int = RUNS) -> Iterator[Mine]:
    """Yield what a model says: after its first run, and on average after each further one.

    Parameters
    ----------
    model : callable
        ``model(at, draw)`` or ``model(at)``; the latter runs once.
    at : Parameters
        The setting. Its seed, where it has one, is the draws'.
    most : int
        How often it is run.

    Raises
    ------
    ModelError
        If the model raises, or returns something else than named numbers.
    """
    draws = len(inspect.signature(model).parameters) > 1
    draw = Draws(getattr(at, "seed", 1))
    outcomes: list[Any] = []
    for _ in range(most if draws else 1):
        try:
            outcomes.append(model(at, draw) if draws else model(at))
            mine = averaged(outcomes)
        except Exception as error:
            raise ModelError(_explain(error, model)) from error
        yield mine


class Attempt:
    """A model at work in a thread of its own, which can be abandoned at any moment.

    Attributes
    ----------
    mine : Mine or None
        What it says so far.
    runs : int
        From how many runs.
    error : Exception or None
        Why it failed.
    """

    _at_work: ClassVar[set[Attempt]] = set()

    def __init__(self, model: Model, at: Parameters, most: int = RUNS) -> None:
        self.mine: Mine | None = None
        self.runs = 0
        self.error: Exception | None = None
        self._model, self._at, self._most = model, at, most
        self._wanted = True
        self._thread = threading.Thread(target=self._work, name="a learner's model", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether no further run will come."""
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Stop, within a line of Python, whatever the model is doing."""
        self._wanted = False
        if self._thread.is_alive() and self._thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident), ctypes.py_object(_Abandoned)
            )

    def _work(self) -> None:
        self._at_work.add(self)
        sys.setswitchinterval(_SHORT_S)
        try:
            for mine in runs_of(self._model, self._at, self._most):
                if not self._wanted:
                    return
                self.mine, self.runs = mine, self.runs + 1
        except _Abandoned:
            pass
        except Exception as error:
            self.error = error
        finally:
            self._at_work.discard(self)
            if not self._at_work:
                sys.setswitchinterval(_USUAL_S)


def describe(mine: Mine) -> str:
    """Return what a model says as ``name = value, ...``, for the text beside the picture."""
    return ", ".join(f"{name} = {_short(value)}" for name, value in mine.items())


def _short(value: Any) -> str:
    if isinstance(value, bool | str):
        return str(value)
    try:
        return significant(float(value))
    except (TypeError, ValueError):
        return f"{len(value):,} values" if hasattr(value, "__len__") else str(value)


def _explain(error: Exception, model: Model) -> str:
    """Say what went wrong, and in which line of the model."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    code = getattr(inspect.unwrap(model), "__code__", None)  # a partial function has none
    file = None if code is None else code.co_filename
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == file:
            return f"{said}, in line {frame.lineno} of its cell: {frame.line or ''}".rstrip(": ")
    return said
