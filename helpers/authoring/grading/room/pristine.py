"""What the standard library, numpy and the course are like before a submission has run.

A check must not be judged by a library that the work under it has changed. So everything is looked
at once, in a process that has run nothing of anybody's, and put back before each check.

This package defines no class, and keeps what it knows in closures: whatever stands in a module or
in a class could be reached and changed by the work that it is there to judge.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

_vars_of = type.__dict__["__dict__"].__get__
_flags_of = type.__dict__["__flags__"].__get__
_HEAP = 1 << 9
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), tuple, frozenset)
_BUILT = (list, dict, set)
_missing = object()

#: Libraries that check their own code in no lab, and that their users may well adjust.
_LEFT_ALONE = {
    *("matplotlib", "mpl_toolkits", "pandas", "pyparsing", "PIL", "ipywidgets", "pygments"),
    *(
        "IPython",
        "traitlets",
        "dateutil",
        "packaging",
        "jedi",
        "parso",
        "prompt_toolkit",
        "stack_data",
    ),
    *("email", "ipaddress", "tarfile", "zipfile", "argparse", "xml", "html", "http", "urllib"),
    *("pdb", "bdb", "pydoc", "doctest", "cProfile", "distutils", "setuptools", "psutil", "pytz"),
}
#: Modules of which constants and tables count as well: prices in the course, ``math.pi``.
_EXACT = {"helpers", "math", "cmath"}
#: Other people's repairs of these are common and harmless; they are undone without a word.
_UNMENTIONED = {"asyncio", "matplotlib_inline", "comm", "warnings"}


def is_built_in(kind: type) -> bool:
    """Whether a class is part of Python or of an extension and cannot be changed."""
    return not _flags_of(kind) & _HEAP


#: Restore, learn, classes, codes: what `take` returns.
State = tuple[
    Callable[[], list[str]], Callable[[dict[str, Any], str], None], frozenset[int], frozenset[int]
]


def take() -> State:
    """Remember every module, class and function that there is now.

    Returns
    -------
    restore : callable
        Puts back what was changed since, and returns the names of what was.
    learn : callable
        Remembers the names in one more namespace, given with a word for it.
    classes : frozenset of int
        Identities of all classes.
    codes : frozenset of int
        Identities of all code objects, those within others included.
    """
    gc.unfreeze()  # what is frozen is not listed
    gc.collect()
    functions = [one for one in gc.get_objects() if type(one) is types.FunctionType]
    classes = all_classes()
    loaded = sys.modules
    modules = {
        name: module
        for name, module in loaded.items()
        if type(module) is types.ModuleType and _root(name) not in _LEFT_ALONE
    }
    names = [
        (namespace, key, value, f"{module}.{key}")
        for module, namespace in ((name, vars(one)) for name, one in modules.items())
        for key, value in namespace.items()
        if _matters(module, key, value)
    ]
    tables = [
        (value, type(value)(value), f"{module}.{key}")
        for module, one in modules.items()
        if _root(module) in _EXACT
        for key, value in vars(one).items()
        if type(value) in _BUILT
    ]
    bodies = [
        _body(one)
        for one in functions
        if _root(str(one.__globals__.get("__name__", ""))) not in _LEFT_ALONE
    ]
    members = [
        _members(one)
        for one in classes
        if not is_built_in(one) and _root(str(one.__module__)) not in _LEFT_ALONE
    ]
    finders: list[tuple[list[Any], list[Any]]] = [
        (place, list(place)) for place in (sys.meta_path, sys.path_hooks)
    ]
    set_attribute, delete_attribute = type.__setattr__, type.__delattr__

    def learn(namespace: dict[str, Any], word: str) -> None:
        for key, value in namespace.items():
            names.append((namespace, key, value, f"{word}.{key}"))
            if type(value) is types.FunctionType:
                bodies.append(_body(value))
            elif isinstance(value, type) and not is_built_in(value):
                members.append(_members(value))
                inside = _vars_of(value).values()
                bodies.extend(_body(one) for one in inside if type(one) is types.FunctionType)

    def restore() -> list[str]:
        changed = []
        for name, module in modules.items():
            if loaded.get(name) is not module:
                changed.append(name)
                loaded[name] = module
        for namespace, key, value, label in names:
            if namespace.get(key, _missing) is not value:
                changed.append(label)
                namespace[key] = value
        for table, content, label in tables:
            if not _same(table, content):
                changed.append(label)
                table.clear()
                table.extend(content) if type(table) is list else table.update(content)
        for one, code, defaults, named, content, label in bodies:
            if (
                one.__code__ is not code
                or one.__defaults__ is not defaults
                or one.__kwdefaults__ is not named
                or (named and not _same(named, content))
            ):
                changed.append(label)
                one.__code__, one.__defaults__ = code, defaults
                if named is not None:
                    named.clear()
                    named.update(content)
                one.__kwdefaults__ = named
        for one, content, label in members:
            now = _vars_of(one)
            for key, value in content.items():
                if now.get(key, _missing) is not value and _is_member(value):
                    changed.append(f"{label}.{key}")
                    set_attribute(one, key, value)
            for key in [key for key in now if key not in content]:
                if _is_member(now[key]):
                    changed.append(f"{label}.{key}")
                    delete_attribute(one, key)
        for place, content in finders:
            if not _same(place, content):
                place[:] = content
        return [label for label in changed if _root(label) not in _UNMENTIONED]

    codes = frozenset(id(code) for one in functions for code in within(one.__code__))
    return restore, learn, frozenset(map(id, classes)), codes


def _body(one: types.FunctionType) -> tuple[Any, ...]:
    named = one.__kwdefaults__
    label = f"{one.__module__}.{one.__qualname__}"
    return one, one.__code__, one.__defaults__, named, dict(named or {}), label


def _members(one: type) -> tuple[type, dict[str, Any], str]:
    return one, dict(_vars_of(one)), f"{one.__module__}.{one.__qualname__}"


def _root(name: str) -> str:
    return name.partition(".")[0]


def _matters(module: str, key: str, value: Any) -> bool:
    if type(value) is types.ModuleType or isinstance(value, type) or callable(value):
        # IPython gives these two out while a cell runs and takes them back after it.
        return (module, key) not in {
            ("builtins", "display"),
            ("builtins", "get_ipython"),
            ("sys", "displayhook"),
            ("sys", "excepthook"),
        }
    exact = _root(module) in _EXACT or module == "numpy"
    return exact and not key.startswith("__") and isinstance(value, (*_CONSTANTS, *_BUILT))


def _is_member(value: Any) -> bool:
    return callable(value) or hasattr(type(value), "__get__")


def _same(one: Any, other: Any) -> bool:
    """Whether two tables hold the very same things; no comparison of theirs is asked."""
    if len(one) != len(other):
        return False
    if type(one) is dict:
        return all(other.get(key, _missing) is value for key, value in one.items())
    if type(one) is set:
        return set(map(id, one)) == set(map(id, other))
    return all(a is b for a, b in zip(one, other, strict=True))


def all_classes() -> list[type]:
    """Every class that there is."""
    found: dict[int, type] = {}
    waiting: list[type] = [object]
    while waiting:
        one = waiting.pop()
        if id(one) not in found:
            found[id(one)] = one
            waiting += type.__subclasses__(one)
    return list(found.values())


def within(code: types.CodeType) -> Iterable[types.CodeType]:
    """A code object and all those in it."""
    waiting = [code]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [part for part in one.co_consts if type(part) is types.CodeType]
