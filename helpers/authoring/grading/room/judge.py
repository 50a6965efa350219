"""The names that a check runs with, and the look at every value that comes into it.

A check is compiled by ``helpers.authoring.grading.checks``: it finds an answer with `ANSWER`, and
gives every value that could be the submission's to `PLAIN`. A value of a class that redefines what
equality means is no answer.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from .pristine import is_built_in

ANSWER, ANSWERS, VALUE = "__answer__", "__answers__", "__value__"
PLAIN, EACH, OURS = "__plain__", "__each__", "__ours__"
#: What a class must not redefine if its objects are to be compared with numbers.
TELLING = frozenset(
    f"__{name}__"
    for names in (
        "eq ne lt le gt ge bool abs round float int index complex sub rsub add radd neg pos mul",
        "rmul truediv rtruediv floordiv mod pow array array_ufunc array_function array_interface",
        "array_struct getattribute class instancecheck subclasscheck",
    )
    for name in names.split()
)


def names_for(
    answers: dict[str, Any],
    ours: Mapping[str, Any],
    builtins: Mapping[str, Any],
    known: frozenset[int],
    allowed: Mapping[str, Collection[str]],
    notice: Callable[[str], None],
) -> dict[str, Any]:
    """Return the namespace of a check.

    Parameters
    ----------
    answers : dict
        The submission's names.
    ours : mapping
        The lab's own.
    builtins : mapping
        Python's, as they were.
    known : frozenset of int
        Identities of the classes that there were before the submission ran.
    allowed : mapping of str to collection of str
        Methods in `TELLING` that a class of this name may have, because the solution's has them.
    notice : callable
        Is told what a value has redefined.
    """
    own: set[int] = set()
    kinds = _KINDS

    def examine(kind: type) -> None:
        for one in type.mro(kind):
            if id(one) in known or id(one) in own or is_built_in(one):
                continue
            members = _vars_of(one)
            told = {name for name in TELLING if name in members}
            told -= set(allowed.get(one.__name__, ()))
            told = {name for name in told if not _by_dataclass(one, name)}
            if told:
                notice(f"a value of class {str(one.__name__)[:40]} redefines {sorted(told)[0]}")
                raise AssertionError(
                    f"a value of a class that redefines {sorted(told)[0]} is no answer"
                )
        if type(kind) is not type and type(kind) is not kind:
            examine(type(kind))

    def plain(value: Any) -> Any:
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind in kinds:
            _look_inside(value, kind, examine_value)
        elif id(kind) not in known and not is_built_in(kind):
            examine(kind)
        elif isinstance(value, type):
            return value
        elif kind.__name__ == "ndarray" and value.dtype == object:
            _look_inside(value.ravel().tolist(), list, examine_value)
        return value

    def examine_value(value: Any) -> None:
        plain(value)

    def each(many: Iterable[Any]) -> Iterable[Any]:
        return many if type(many) in kinds else _one_by_one(many, plain)

    def answer(name: str) -> Any:
        if name in answers:
            return plain(answers[name])
        if name in builtins:
            return builtins[name]
        raise NameError(f"name {name!r} is not defined")

    def of_ours(kind: type) -> type:
        own.add(id(kind))
        return kind

    return {
        **ours,
        "__builtins__": dict(builtins),
        "__name__": "__main__",
        ANSWERS: answers,
        ANSWER: answer,
        PLAIN: plain,
        EACH: each,
        OURS: of_ours,
    }


_SCALARS = frozenset({bool, int, float, complex, str, bytes, type(None)})
_KINDS = frozenset({list, tuple, dict, set, frozenset})
_vars_of = type.__dict__["__dict__"].__get__


def _one_by_one(many: Iterable[Any], plain: Callable[[Any], Any]) -> Iterator[Any]:
    for one in many:
        yield plain(one)


def _look_inside(value: Any, kind: type, look: Callable[[Any], None]) -> None:
    """Look at what a list, tuple, dictionary or set holds, if it is more than text and numbers."""
    parts = (value, value.values()) if kind is dict else (value,)
    for part in parts:
        if not set(map(type, part)) <= _SCALARS:
            for one in part:
                if one is not value:
                    look(one)


def _by_dataclass(kind: type, name: str) -> bool:
    """Whether a method of a class is the one that ``@dataclass`` writes."""
    members = _vars_of(kind)
    said = members.get("__dataclass_params__")
    method = members.get(name)
    if said is None or type(method) is not types.FunctionType:
        return False
    try:
        twin = dataclasses.make_dataclass(
            "Twin",
            [
                (one.name, Any, dataclasses.field(default=None, compare=one.compare))
                for one in dataclasses.fields(kind)
            ],
            eq=said.eq,
            order=said.order,
        )
    except (TypeError, ValueError):
        return False
    made = _vars_of(twin).get(name)
    if type(made) is not types.FunctionType:
        return False
    one, other = method.__code__, made.__code__
    return (one.co_code, one.co_names, one.co_consts) == (
        other.co_code,
        other.co_names,
        other.co_consts,
    )


def place_of_failure(error: BaseException, filename: str) -> list[int]:
    """Lines of the check that an error came through, outermost first."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines
