"""What the page is like: dark, or narrow. The front end says so, and pictures follow.

A picture for a dark page is a second file as large as the first. It is made, and sent at every
move of a slider, only where somebody sees it. On a narrow page panels stand below one another, or
their letters would be too small to read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakMethod


@dataclass(frozen=True)
class Look:
    """What is known of the page."""

    dark: bool = False
    narrow: bool = False


_now = [Look()]  # the one look that there is, in a place that can be written to
_followers: list[WeakMethod[Callable[[], None]]] = []


def look() -> Look:
    """Return what the page is like, as far as it has been said."""
    return _now[0]


def when_changed(call: Callable[[], None]) -> None:
    """Have a method called whenever the page has changed, for as long as it lives."""
    _followers[:] = [one for one in _followers if one() is not None]
    _followers.append(WeakMethod(call))


def tell(**changes: bool) -> None:
    """Say what the page is like; whoever follows is told if that is new."""
    before, _now[0] = look(), replace(look(), **changes)
    if look() == before:
        return
    for reference in list(_followers):
        if (call := reference()) is not None:
            call()
