"""What every experiment is made of: declared parameters, named draws, results that know theirs.

An experiment is one file. Its parameters are declared once, on a subclass of :class:`Parameters`;
the check and its message, the slider's label, unit and ends, and the docstring's paragraph come
from that declaration. ``simulate`` takes such a setting and returns a :class:`Result`, which has
its parameters as ``at`` and copies none of them.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import partial, update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
    dataclass_transform,
)

import numpy as np

from helpers.foundations import validation
from helpers.foundations.traffic.streams import streams

if TYPE_CHECKING:
    import pandas as pd

_REQUIRED: Any = MISSING


class Limits(TypedDict, total=False):
    """Ends of a range of numbers."""

    above: float
    at_least: float
    below: float
    at_most: float


class Counts(TypedDict, total=False):
    """Ends of a range of whole numbers."""

    at_least: int
    at_most: int


@dataclass(frozen=True)
class Declared:
    """What a parameter's declaration says beyond its name and default.

    Attributes
    ----------
    kind : str
        Its type, for the documentation.
    words : str
        Its name as a learner reads it, on a slider and in a table.
    unit : str
        Its unit, as a learner reads it.
    check : callable
        ``check(name, value)`` returns the value, or raises an error that says what it may be.
    limits : mapping of str to float
        Ends of its range: ``above``, ``at_least``, ``below``, ``at_most``.
    options : sequence of str
        What it may be, where it is one of a few words.
    note : str
        What else the documentation says of it.
    """

    kind: str
    words: str
    unit: str
    check: Callable[[str, Any], Any]
    limits: Mapping[str, Any]
    options: Sequence[str]
    note: str

    @property
    def range(self) -> str:
        """What it may be, for the documentation."""
        signs = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
        if self.options:
            return "one of " + ", ".join(map(repr, self.options))
        return " and ".join(
            f"{signs[end]} {validation.exact(limit)}" for end, limit in self.limits.items()
        )


def number(
    default: float = _REQUIRED,
    words: str = "",
    *,
    unit: str = "",
    note: str = "",
    **limits: Unpack[Limits],
) -> Any:
    """Declare a parameter that is a number.

    Parameters
    ----------
    default : float, optional
        Its value where nobody says another; without one it must be given.
    words, unit, note : str
        What a learner reads; see :class:`Declared`.
    **limits : float
        Ends of its range: ``above``, ``at_least``, ``below``, ``at_most``.
    """
    check = partial(validation.number, unit=unit, **limits)
    return _declare("float", default, words, check, unit=unit, limits=limits, note=note)


def integer(
    default: int = _REQUIRED,
    words: str = "",
    *,
    unit: str = "",
    note: str = "",
    **limits: Unpack[Counts],
) -> Any:
    """Declare a parameter that counts something; see :func:`number`."""
    check = partial(validation.integer, unit=unit, **limits)
    return _declare("int", default, words, check, unit=unit, limits=limits, note=note)


def numbers(
    default: Sequence[float] = _REQUIRED,
    words: str = "",
    *,
    unit: str = "",
    note: str = "",
    **limits: Unpack[Limits],
) -> Any:
    """Declare a parameter that is a row of numbers, kept as a tuple; see :func:`number`."""

    def check(name: str, value: Any) -> tuple[float, ...]:
        return tuple(validation.numbers(name, value, unit=unit, ndim=1, **limits).tolist())

    kind = "sequence of float"
    return _declare(kind, default, words, check, unit=unit, limits=limits, note=note)


def integers(
    default: Sequence[int] = _REQUIRED,
    words: str = "",
    *,
    unit: str = "",
    note: str = "",
    **limits: Unpack[Counts],
) -> Any:
    """Declare a parameter that is a row of whole numbers, kept as a tuple; see :func:`number`."""

    def check(name: str, value: Any) -> tuple[int, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
            raise TypeError(f"{name} must be a row of whole numbers, got {value!r}")
        if not len(value):
            raise ValueError(f"{name} must not be empty")
        each = enumerate(value)
        return tuple(validation.integer(f"{name}[{i}]", v, unit=unit, **limits) for i, v in each)

    kind = "sequence of int"
    return _declare(kind, default, words, check, unit=unit, limits=limits, note=note)


def option(default: str, words: str = "", *, of: Sequence[str], note: str = "") -> Any:
    """Declare a parameter that is one of a few words."""
    check = partial(validation.one_of, options=tuple(of))
    return _declare("str", default, words, check, options=tuple(of), note=note)


def flag(default: bool, words: str = "", *, note: str = "") -> Any:
    """Declare a parameter that is on or off."""
    return _declare("bool", default, words, validation.boolean, note=note)


def anything(
    kind: str, default: Any, words: str = "", *, check: Callable[[str, Any], Any], note: str = ""
) -> Any:
    """Declare a parameter of another `kind`; ``check(name, value)`` returns it or raises."""
    return _declare(kind, default, words, check, note=note)


def replications(
    default: int, *, at_least: int = 2, note: str = "Independent runs, from which intervals come."
) -> Any:
    """Declare the number of independent runs."""
    return integer(default, "Replications", note=note, at_least=at_least)


def seed(default: int = 1) -> Any:
    """Declare the seed of everything that is drawn."""
    return integer(default, "Seed", note="The same seed meets the same luck.", at_least=0)


def _declare(
    kind: str,
    default: Any,
    words: str,
    check: Callable[[str, Any], Any],
    *,
    unit: str = "",
    limits: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    note: str = "",
) -> Any:
    declared = Declared(kind, words, unit, check, dict(limits or {}), options, note)
    return field(default=default, metadata={"declared": declared})


class Parameters:
    """The setting of an experiment: a subclass declares each parameter, once.

    Instances cannot be changed, are equal when their parameters are, and can be keys. A parameter
    without a default must be given. Rules between parameters stand in a method ``agree``.

    Raises
    ------
    TypeError, ValueError
        When made with a parameter of the wrong type or out of its range; the message names the
        parameter, the value and what is allowed.

    Examples
    --------
    >>> class Setting(Parameters):
    ...     "One cached key."
    ...     ttl_s: float = number(60.0, "Time to live", unit="s", above=0)
    >>> Setting(ttl_s=20).ttl_s
    20.0
    >>> Setting(ttl_s=-1)
    Traceback (most recent call last):
    ValueError: ttl_s must be a finite number of s > 0, got -1
    """

    if TYPE_CHECKING:  # made by dataclass; every parameter is optional that has a default

        def __init__(self, **values: Any) -> None: ...

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)
        for each in fields(cls):  # type: ignore[arg-type]
            if "declared" not in each.metadata:
                raise TypeError(f"{cls.__name__}.{each.name} must be declared, as number(...) is")
        paragraphs = "".join(_paragraph(each) for each in fields(cls))  # type: ignore[arg-type]
        about = inspect.cleandoc(cls.__doc__ or "")
        cls.__doc__ = f"{about}\n\nParameters\n----------{paragraphs}\n"

    def __post_init__(self) -> None:
        for name, declared in declarations(type(self)).items():
            object.__setattr__(self, name, declared.check(name, getattr(self, name)))
        self.agree()

    def agree(self) -> None:
        """Raise a ValueError if the parameters, each fine alone, do not fit together."""

    def but(self, **changes: Any) -> Self:
        """Return the same setting with some parameters changed.

        Raises
        ------
        TypeError, ValueError
            If there is no such parameter, or a value is out of its range.
        """
        return type(self)(**{**self.values(), **changes})

    def values(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {name: getattr(self, name) for name in declarations(type(self))}


def declarations(setting: type[Parameters]) -> dict[str, Declared]:
    """Return what each parameter of a setting was declared as, in order."""
    return {each.name: each.metadata["declared"] for each in fields(setting)}  # type: ignore[arg-type]


def default_of(setting: type[Parameters], name: str) -> Any:
    """Return a parameter's default; ``dataclasses.MISSING`` where it has none."""
    return next(each.default for each in fields(setting) if each.name == name)  # type: ignore[arg-type]


def _paragraph(each: Field[Any]) -> str:
    said: Declared = each.metadata["declared"]
    about = said.words or each.name.replace("_", " ").capitalize()
    about += f" ({said.unit})" if said.unit else ""
    about += f"; {said.range}" if said.range else ""
    default = "" if each.default is MISSING else f", default {each.default!r}"
    return f"\n{each.name} : {said.kind}{default}\n    {about}." + (
        f" {said.note}" if said.note else ""
    )


P = TypeVar("P", bound=Parameters)
R = TypeVar("R")


class Takes(Generic[P, R]):
    """A function of a setting that may be given the setting, or its parameters by name.

    ``simulate(at)``, ``simulate(ttl_s=20)`` and ``simulate()`` all work; see :func:`takes`.
    """

    def __init__(self, function: Callable[[P], R], setting: type[P]) -> None:
        self.function, self.setting = function, setting
        update_wrapper(self, function)

    def __call__(self, at: P | None = None, /, **values: Any) -> R:
        if at is None:
            return self.function(self.setting(**values))
        if not isinstance(at, self.setting):
            raise TypeError(f"{self.__name__} takes a {self.setting.__name__}, got {at!r}")
        return self.function(at.but(**values) if values else at)

    def __repr__(self) -> str:
        return f"<function {self.__module__}.{self.__name__}>"

    __name__: str


def takes(setting: type[P]) -> Callable[[Callable[[P], R]], Takes[P, R]]:
    """Declare that a function takes a setting; its parameters may then be given by name."""

    def declare(function: Callable[[P], R]) -> Takes[P, R]:
        return Takes(function, setting)

    return declare


class Draws:
    """Random numbers by name, so that every setting, and every model, meets the same luck.

    ``draw("arrivals")`` is a :class:`numpy.random.Generator`, the same one each time it is asked
    for: a second run goes on where the first one stopped. Sources do not disturb each other: a
    model that asks for one more still draws the same numbers from the rest.

    Parameters
    ----------
    seed : int
        Seed of the experiment; >= 0.

    Examples
    --------
    >>> draw = Draws(1)
    >>> bool(draw("arrivals").random() == Draws(1)("arrivals").random())
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = validation.integer("seed", seed, at_least=0)
        self._streams: dict[str, np.random.Generator] = {}

    def __call__(self, name: str) -> np.random.Generator:
        if name not in self._streams:
            self._streams |= streams(self.seed, name)
        return self._streams[name]


@dataclass_transform(frozen_default=True, eq_default=False)
class Result(ABC):
    """What came out at one setting, ``at``; its arrays cannot be changed.

    A subclass lists its fields, and says what they mean: in numbers, in a sentence, in a table.
    """

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, eq=False)(cls)

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    @abstractmethod
    def summary(self) -> dict[str, float | int | str]:
        """Headline numbers; each name carries its unit (``p99_ms``, ``goodput_rps``)."""

    @property
    @abstractmethod
    def reading(self) -> str:
        """One sentence computed from the numbers, true for exactly these parameters."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """The numbers behind the picture, one named column each, rows named by the first.

        Without columns, the table is the summary.
        """
        return {}

    def table(self) -> pd.DataFrame:
        """Return the numbers behind the picture, one row a point."""
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        if not self.columns:
            return pd.DataFrame({"value": self.summary})
        frame = pd.DataFrame(dict(self.columns))
        return frame.set_index(frame.columns[0])


class Measured(Result):
    """What a real component did; a machine that was too busy to judge by says so."""


class Mine(dict[str, Any]):
    """What a learner's model returned, by name; a name that is missing is asked for clearly."""

    def __missing__(self, name: str) -> Any:
        said = ", ".join(map(repr, self)) or "nothing"
        raise ValueError(f"your model must also return {name!r}; it returned {said}")


def averaged(outcomes: Sequence[Mapping[str, Any]]) -> Mine:
    """Return the mean of several runs of a model, name by name.

    Parameters
    ----------
    outcomes : sequence of mapping of str to number or array
        What each run returned; all with the same names.

    Raises
    ------
    TypeError, ValueError
        If a run returned something else, or other names than the first.
    """
    for outcome in outcomes:
        if not isinstance(outcome, Mapping):
            raise TypeError(f"your model must return a dict of named numbers, got {outcome!r}")
        if outcome.keys() != outcomes[0].keys():
            raise ValueError(
                f"your model returned {sorted(outcomes[0])} first and {sorted(outcome)} later"
            )
    return Mine({name: _mean([each[name] for each in outcomes]) for name in outcomes[0]})


def _mean(values: Sequence[Any]) -> Any:
    try:
        mean = np.mean(np.asarray(values, dtype=float), axis=0)
    except (TypeError, ValueError):
        return values[-1]  # words, or rows of different lengths: the last run's
    return float(mean) if mean.ndim == 0 else mean


def frames_of(outcome: Result | Iterator[Result]) -> Iterator[Result]:
    """Return an experiment's answer as its frames: one, or one finer than the other."""
    return iter((outcome,)) if isinstance(outcome, Result) else outcome
