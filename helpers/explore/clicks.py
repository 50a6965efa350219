"""Pictures whose boxes can be clicked, or reached with Tab and pressed with Enter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import anywidget
import traitlets

from helpers.explore.front import module, styles
from helpers.foundations.drawing.clicks import Spot


class Clicks(anywidget.AnyWidget):
    """Buttons over a picture, each of which does what a control does.

    Parameters
    ----------
    size : (int, int, int)
        Width and height of the picture, and the width that it has at least, CSS pixels.
    values : callable
        Returns the present value of each control that there is, by name.
    choose : callable
        ``choose(control, value)`` sets a control; None turns it on or off.
    """

    _esm = module("clicks")
    _css = styles("clicks")
    size = traitlets.List(trait=traitlets.Int()).tag(sync=True)
    boxes = traitlets.List(trait=traitlets.Dict()).tag(sync=True)

    def __init__(
        self,
        size: tuple[int, int, int],
        values: Callable[[], Mapping[str, Any]],
        choose: Callable[[str, Any], None],
    ) -> None:
        super().__init__(size=list(size))
        self._values, self._choose = values, choose
        self.add_class("sd-clicks")
        self.on_msg(self._on_message)

    def show(self, spots: Sequence[Spot]) -> None:
        """Lay buttons over these spots, those whose control there is."""
        values = self._values()
        self.boxes = [
            {**asdict(spot), "pressed": _is_on(spot, values[spot.control])}
            for spot in spots
            if spot.control in values
        ]

    def _on_message(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        if content.get("control") in self._values():
            self._choose(content["control"], content.get("value"))


def _is_on(spot: Spot, value: Any) -> bool | None:
    """Whether a place is switched on; None where each click means something else."""
    if spot.name:
        return None
    return bool(value) if spot.value is None else bool(value == spot.value)
