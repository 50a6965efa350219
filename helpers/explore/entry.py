"""A line to type on, whose text is in the kernel before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from helpers.explore.front import module


class Entry(anywidget.AnyWidget):
    """A line to type on.

    A text of ipywidgets keeps keys back while the kernel is at work, and sends what was clicked
    at once: who types 200 and presses Enter may have said 2. Here each key is a message of its own,
    and messages stay in their order.
    """

    _esm = module("entry")
    label = traitlets.Unicode().tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, label: str, placeholder: str, enter: Callable[[Any], None]) -> None:
        super().__init__(label=label, placeholder=placeholder)
        self._enter = enter
        self.on_msg(self._hear)

    def _hear(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if self.disabled:
            return
        self.value = str(content["text"])
        if content.get("enter"):
            self._enter(self)
