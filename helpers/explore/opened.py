"""Models of the page that a learner ran, and whether they changed them.

A page's model stands in a code cell word for word as in its experiment's file. It was changed when
what the kernel holds differs from that file: the function itself, or a function, class or number of
the same cell that it uses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from helpers.explore.journal import journal, record

_NUMBERS = (bool, int, float, str, tuple)


def remember_model(model: Callable[..., Any], experiment: ModuleType | None) -> None:
    """Keep in the journal that a page's model was run, and whether it was changed.

    A model that is no page's, such as one in a lab, is not kept. What was kept before is not kept
    twice, and a disk that cannot be written is no reason to stop.
    """
    home = home_of(model, experiment)
    if home is None:
        return
    key, changed = f"{home.__name__}:{model.__name__}", is_changed(model, home)
    try:
        if all(bool(one.get("changed")) != changed for one in journal().of("model", key)):
            record("model", key, changed=changed)
    except OSError:
        pass


def home_of(model: Callable[..., Any], experiment: ModuleType | None) -> ModuleType | None:
    """Return the file of the experiment's chapter that defines a function of the model's name."""
    if experiment is None or not isinstance(model, FunctionType):
        return None
    folder = experiment.__name__.rpartition(".")[0]
    near = [experiment, *(m for n, m in list(sys.modules.items()) if n.startswith(f"{folder}."))]
    for module in near:
        known = getattr(module, model.__name__, None)
        if isinstance(known, FunctionType) and known.__module__ == module.__name__:
            return module
    return None


def is_changed(model: FunctionType | Callable[..., Any], home: ModuleType) -> bool:
    """Whether the model, or what it uses of its cell, is another than in the file."""
    here: dict[str, Any] = getattr(model, "__globals__", {})
    there = vars(home)
    waiting, looked_at = [model.__name__], set()
    while waiting:
        name = waiting.pop()
        mine = model if name == model.__name__ else here.get(name)
        theirs = there.get(name)
        if name in looked_at or mine is theirs or mine is None or theirs is None:
            continue
        looked_at.add(name)
        if isinstance(mine, _NUMBERS) or isinstance(theirs, _NUMBERS):
            if mine != theirs:
                return True
        elif isinstance(mine, FunctionType | type):
            if _form(mine) != _form(theirs):
                return True
            waiting += sorted({used for code in _codes(mine) for used in _names(code)})
    return False


def _codes(thing: Any) -> Iterator[CodeType]:
    """Yield the code of a function, or of each method of a class."""
    if isinstance(thing, FunctionType):
        yield thing.__code__
    elif isinstance(thing, property):
        yield from _codes(thing.fget)
    elif isinstance(thing, staticmethod | classmethod):
        yield from _codes(thing.__func__)
    elif isinstance(thing, type):
        for _, part in sorted(vars(thing).items()):
            yield from () if isinstance(part, type) else _codes(part)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _form(thing: Any) -> list[Any]:
    """Return what a function or class does, without where it stands."""
    defaults = repr((thing.__defaults__, thing.__kwdefaults__)) if _is_function(thing) else ""
    return [defaults, *(_form_of_code(code) for code in _codes(thing))]


def _is_function(thing: Any) -> bool:
    return isinstance(thing, FunctionType)


def _form_of_code(code: CodeType) -> tuple[Any, ...]:
    consts = tuple(
        _form_of_code(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts
    )
    return code.co_code, consts, code.co_names, code.co_varnames
