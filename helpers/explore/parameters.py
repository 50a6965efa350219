"""What is known of a function's parameters: declared with a setting, or in its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any

from helpers.foundations.experiment import Declared, Takes, declarations, default_of


@dataclass(frozen=True)
class Declaration:
    """What is known of a parameter: what it was declared as, if it was, and its default."""

    declared: Declared | None
    default: Any


def parameters_of(function: Callable[..., Any]) -> dict[str, Declaration]:
    """Return what is known of each parameter of a function, in order."""
    if isinstance(function, Takes):
        setting = function.setting
        return {
            name: Declaration(declared, default_of(setting, name))
            for name, declared in declarations(setting).items()
        }
    return {
        name: Declaration(None, MISSING if known.default is known.empty else known.default)
        for name, known in inspect.signature(function).parameters.items()
    }


def check_names(
    function: Callable[..., Any], known: Mapping[str, Declaration], arguments: Mapping[str, Any]
) -> None:
    """Raise a TypeError if an argument is no parameter, or one without a default is missing."""
    if strange := [name for name in arguments if name not in known]:
        raise TypeError(
            f"{function.__name__} got an unexpected argument {strange[0]!r}; "
            f"its parameters are {', '.join(known)}"
        )
    needed = [n for n, about in known.items() if about.default is MISSING and n not in arguments]
    if needed:
        raise TypeError(f"{function.__name__} is missing a required argument: {needed[0]!r}")
