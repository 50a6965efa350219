"""What the page is like: dark, snug, or narrow. The front end says so, and pictures follow.

A picture for a dark page is a second file as large as the first. It is made, and sent at every
move of a slider, only where somebody sees it. On a snug page panels stand below one another, and
on a narrow one every picture is smaller, or letters would be too small to read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakMethod


@dataclass(frozen=True)
class Look:
    """What is known of the page."""

    dark: bool = False
    snug: bool = False
    narrow: bool = False


class _Page:
    """The one page that there is: its look, and who follows it.

    An object, because grading takes a module's lists that have changed for tampering.
    """

    def __init__(self) -> None:
        self.look = Look()
        self.followers: list[WeakMethod[Callable[[], None]]] = []


_page = _Page()


def look() -> Look:
    """Return what the page is like, as far as it has been said."""
    return _page.look


def when_changed(call: Callable[[], None]) -> None:
    """Have a method called whenever the page has changed, for as long as it lives."""
    _page.followers = [one for one in _page.followers if one() is not None]
    _page.followers.append(WeakMethod(call))


def tell(**changes: bool) -> None:
    """Say what the page is like; whoever follows is told if that is new."""
    before, _page.look = look(), replace(look(), **changes)
    if look() == before:
        return
    for reference in list(_page.followers):
        if (call := reference()) is not None:
            call()
