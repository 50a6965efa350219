"""What a learner can move: sliders, choices and toggles, declared without making a widget yet."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from typing import Any, Self

import ipywidgets as widgets

from helpers.foundations import validation
from helpers.foundations.experiment import Declared
from helpers.foundations.prose import significant

# A parameter's name ends in its unit, so a control need not repeat it.
_UNITS = {"_rps": "requests/s", "_ms": "ms", "_s": "s", "_km": "km", "_usd": "$"}
_LABEL_WIDTH = "200px"


def unit_of(name: str) -> str:
    """Return the unit that a parameter's name ends in, or an empty string."""
    return next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")


def label_of(name: str) -> str:
    """Return a parameter's name as a person would write it, without its unit."""
    for suffix in _UNITS:
        name = name.removesuffix(suffix)
    return name.replace("_", " ").capitalize()


def rows(moved: Iterable[widgets.Widget]) -> list[widgets.Box]:
    """Put controls into rows: sliders and menus first, then what is ticked, where there is any."""
    ticks: list[widgets.Widget] = []
    others: list[widgets.Widget] = []
    for widget in moved:
        (ticks if isinstance(widget, widgets.Checkbox) else others).append(widget)
    wrap = {"flex_flow": "row wrap", "align_items": "center"}
    boxes = [widgets.Box(some, layout=wrap) for some in (others, ticks) if some]
    if ticks:
        boxes[-1].add_class("sd-ticks")
    return boxes


class Control(ABC):
    """One parameter that a learner can set."""

    label: str | None
    unit: str

    def declared_as(self, name: str, declared: Declared | None, default: Any) -> Self:
        """Return the control with what the parameter's declaration says, where it says nothing.

        Parameters
        ----------
        name : str
            The parameter's name.
        declared : Declared, optional
            What it was declared as, if it was.
        default : object
            Its default; ``dataclasses.MISSING`` if it has none.
        """
        about = {} if declared is None else {"label": declared.words, "unit": declared.unit}
        return replace(self, **{n: v for n, v in about.items() if v and not getattr(self, n)})  # type: ignore[type-var]

    @property
    @abstractmethod
    def default(self) -> Any:
        """The value the explorer opens with."""

    @property
    @abstractmethod
    def ends(self) -> tuple[Any, ...]:
        """The values at the ends of the range, or all options: what tests must try."""

    @abstractmethod
    def widget(self, name: str) -> widgets.ValueWidget:
        """Make the ipywidget, labelled and set to the default."""

    @abstractmethod
    def check(self, name: str, value: Any) -> Any:
        """Return `value` as the simulation gets it, or raise naming `name` and what is allowed."""

    @abstractmethod
    def beyond(self, old: Any, new: Any) -> Any:
        """Return the widget's value one step further on than from `old` to `new`.

        At an end it is the way back. None if `new` is not the step after `old`.
        """

    def read(self, raw: Any) -> Any:
        """Turn the widget's value into the parameter's value."""
        return raw

    def write(self, value: Any) -> Any:
        """Turn the parameter's value into the widget's value."""
        return value

    def put(self, widget: widgets.ValueWidget, value: Any) -> None:
        """Set the widget to a parameter's value."""
        widget.value = self.write(value)

    def describe(self, name: str, value: Any) -> str:
        """Return ``label = value unit`` for the text face."""
        shown = significant(value, 4) if isinstance(value, float) else str(value)
        return f"{self.heading(name)} = {shown} {self.unit}".rstrip()

    def heading(self, name: str) -> str:
        """Return the label a learner reads."""
        return self.label or label_of(name)


@dataclass(frozen=True)
class Slider(Control):
    """A number between two ends; see :func:`slider`."""

    low: float
    high: float
    value: float
    step: float
    unit: str
    label: str | None
    log: bool
    integer: bool

    @property
    def default(self) -> float | int:
        return self.value

    @property
    def ends(self) -> tuple[Any, ...]:
        return (self.low, self.high)

    def widget(self, name: str) -> widgets.ValueWidget:
        unit = self.unit or unit_of(name)
        common: dict[str, Any] = {
            "description": f"{self.heading(name)} ({unit})" if unit else self.heading(name),
            "style": {"description_width": _LABEL_WIDTH},
            "layout": {"width": "auto", "flex": "0 1 480px", "min_width": "0"},
        }
        if self.log:
            places = self._named(self.places)
            made = widgets.SelectionSlider(options=places, value=self.value, **common)
            made.add_class("sd-places")
            return made
        if self.integer:
            return widgets.IntSlider(
                value=int(self.value),
                min=int(self.low),
                max=int(self.high),
                step=int(self.step),
                readout_format=",d",
                **common,
            )
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return widgets.FloatSlider(
            value=self.value,
            min=self.low,
            max=self.high,
            step=self.step,
            readout_format=f",.{decimals}f",
            **common,
        )

    @property
    def places(self) -> list[float | int]:
        """Where a logarithmic slider can stand: both ends, its default, and round numbers.

        Steps are equal ratios, as near as round numbers are: 1, 1.1, 1.3, 1.4, 1.6, 1.8, 2.
        """
        low, high = math.log10(self.low), math.log10(self.high)
        steps = round((high - low) / self.step - 0.5 + 1e-6)
        exact = [10 ** (low + self.step * number) for number in range(steps + 1)]
        own = (self.low, self.value, self.high)
        within = 10 ** (self.step / 2)
        places: list[float | int] = list(own)
        for place in exact:
            round_one = self.read(_roundest(place, within))
            if all(max(place / one, one / place) >= within for one in own):
                places.append(round_one)
        return sorted(set(places))

    def _named(self, places: list[float | int]) -> list[tuple[str, float | int]]:
        return [(significant(place, 9 if self.integer else 4), place) for place in places]

    def put(self, widget: widgets.ValueWidget, value: Any) -> None:
        if isinstance(widget, widgets.SelectionSlider):
            places = [place for _, place in widget.options]
            if value not in places:  # somebody's own
                widget.options = self._named(sorted([*places, value]))
        super().put(widget, value)

    def check(self, name: str, value: Any) -> float | int:
        unit = self.unit or unit_of(name)
        if self.integer:
            return validation.integer(
                name, value, at_least=int(self.low), at_most=int(self.high), unit=unit
            )
        return validation.number(name, value, at_least=self.low, at_most=self.high, unit=unit)

    def beyond(self, old: float, new: float) -> float | None:
        if self.log:
            after: float | None = _beyond(self.places, old, new)
            return after
        low, high, start, end = self.low, self.high, old, new
        moved, dust = end - start, 1e-6 * self.step
        if not dust < abs(moved) < self.step + dust:  # the last step may be a shorter one
            return None
        further = end + math.copysign(self.step, moved)
        if (further > end and end > high - dust) or (further < end and end < low + dust):
            return old
        return min(max(further, low), high)

    def read(self, raw: float) -> float | int:
        if self.integer:
            return round(raw)
        # Slider arithmetic leaves dust (0.30000000000000004); the ends must stay the ends.
        return min(max(float(f"{raw:.6g}"), self.low), self.high)

    def describe(self, name: str, value: Any) -> str:
        unit = self.unit or unit_of(name)
        return f"{self.heading(name)} = {significant(value, 4)} {unit}".rstrip()


@dataclass(frozen=True)
class Choice(Control):
    """One of a few named options; see :func:`choice`."""

    options: Mapping[str, Any]
    value: Any
    label: str | None
    unit: str = ""

    @property
    def default(self) -> Any:
        return self.value

    @property
    def ends(self) -> tuple[Any, ...]:
        return tuple(self.options.values())

    def widget(self, name: str) -> widgets.ValueWidget:
        return widgets.Dropdown(
            options=list(self.options.items()),
            value=self.value,
            description=self.heading(name),
            style={"description_width": _LABEL_WIDTH},
            layout={"width": "auto", "flex": "0 1 480px", "min_width": "0"},
        )

    def check(self, name: str, value: Any) -> Any:
        if value not in self.options.values():
            allowed = ", ".join(map(repr, self.options.values()))
            raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
        return value

    def beyond(self, old: Any, new: Any) -> Any:
        return _beyond(list(self.options.values()), old, new)

    def describe(self, name: str, value: Any) -> str:
        shown = next(text for text, option in self.options.items() if option == value)
        return f"{self.heading(name)} = {shown}"


@dataclass(frozen=True)
class Toggle(Control):
    """On or off; see :func:`toggle`."""

    value: bool
    label: str | None
    unit: str = ""

    @property
    def default(self) -> bool:
        return self.value

    @property
    def ends(self) -> tuple[bool, bool]:
        return (False, True)

    def widget(self, name: str) -> widgets.ValueWidget:
        return widgets.Checkbox(
            value=self.value,
            description=self.heading(name),
            indent=False,
            layout={"width": "auto", "flex": "0 1 auto"},
        )

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r}")
        return value

    def beyond(self, old: bool, new: bool) -> bool:
        return old

    def describe(self, name: str, value: Any) -> str:
        return f"{self.heading(name)} = {'on' if value else 'off'}"


@dataclass(frozen=True)
class Spelling(Control):
    """A word of a few letters; see :func:`spelled`."""

    letters: str
    most: int
    value: str
    label: str | None
    unit: str = ""

    @property
    def default(self) -> str:
        return self.value

    @property
    def ends(self) -> tuple[str, ...]:
        alike = [letter * self.most for letter in self.letters]
        return ("", *alike, (self.letters * self.most)[: self.most])

    def widget(self, name: str) -> widgets.ValueWidget:
        return widgets.Text(
            value=self.value,
            description=self.heading(name),
            placeholder=f"letters {' '.join(self.letters)}",
            style={"description_width": _LABEL_WIDTH},
            layout={"width": "auto", "flex": "0 1 480px", "min_width": "0"},
        )

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be letters of {self.letters!r}, got {value!r}")
        if len(value) > self.most or set(value) - set(self.letters):
            raise ValueError(
                f"{name} must be at most {self.most} letters of {self.letters!r}, got {value!r}"
            )
        return value

    def beyond(self, old: str, new: str) -> None:
        return None

    def read(self, raw: str) -> str:
        """Leave out what is none of the letters; small ones count."""
        return "".join(letter for letter in raw.upper() if letter in self.letters)[: self.most]

    def describe(self, name: str, value: Any) -> str:
        return f"{self.heading(name)} = {value or 'none'}"


def spelled(letters: str, most: int, value: str = "", *, label: str | None = None) -> Control:
    """Declare a word that a learner spells: whose turn it was, one letter each.

    Parameters
    ----------
    letters : str
        The capital letters it may be made of.
    most : int
        How many it may have.
    value : str
        The word the explorer opens with.
    label : str, optional
        Name shown to the learner; by default the parameter's name, in words.

    Raises
    ------
    TypeError, ValueError
        If there are no letters, small ones, or others in `value`.
    """
    if not letters or letters != letters.upper():
        raise ValueError(f"letters must be capital letters, got {letters!r}")
    result = Spelling(letters, validation.integer("most", most, at_least=1), value, label)
    result.check("value", value)
    return result


def slider(
    low: float | None = None,
    high: float | None = None,
    value: float | None = None,
    *,
    step: float | None = None,
    unit: str = "",
    label: str | None = None,
    log: bool = False,
    integer: bool | None = None,
) -> Control:
    """Declare a slider for one numeric parameter.

    What is left out comes from the parameter's declaration: the ends of its range, its default,
    its name and its unit.

    Parameters
    ----------
    low, high, value : float, optional
        Ends of the range and the value the explorer opens with. All ints make an integer slider.
    step : float, optional
        Step of the slider: by default about a hundredth of the range, 1 for integers. For
        ``log=True`` it is in decades, about a twentieth by default, and each step leads to a round
        number near its end.
    unit : str
        Unit shown to the learner; by default the one in the parameter's name (``_s``, ``_rps``).
    label : str, optional
        Name shown to the learner; by default the parameter's name, in words.
    log : bool
        Whether equal distances on the slider are equal ratios.
    integer : bool, optional
        Whether the parameter is a whole number; by default, whether low, high and value are ints.

    Raises
    ------
    TypeError, ValueError
        If the range is not a range, or `value` is not inside it.
    """
    if low is None or high is None or value is None:
        return OpenSlider(low, high, value, step, unit, label, log, integer)
    return _closed(low, high, value, step, unit, label, log, integer)


def _closed(
    low: float,
    high: float,
    value: float,
    step: float | None,
    unit: str,
    label: str | None,
    log: bool,
    integer: bool | None,
) -> Slider:
    validation.number("low", low, above=0 if log else None)
    validation.number("high", high, above=float(low))
    validation.number("value", value, at_least=float(low), at_most=float(high))
    if integer is None:
        integer = all(isinstance(number, int) for number in (low, high, value))
    if log:
        # The front end moves a value that is off the grid, so the grid goes through the value.
        decades = math.log10(value / low) if value > low else math.log10(high / low)
        step = decades / max(1, round(decades / (step or 0.05)))
    elif step is None:
        step = 1 if integer else _round_step(low, high, value)
    validation.number("step", step, above=0)
    if not log and not _on_grid(low, value, step):
        raise ValueError(f"value must be low + a whole number of steps of {step:g}, got {value:g}")
    return Slider(low, high, value, step, unit, label, log, integer)


def choice(
    *options: str | Mapping[str, Any], value: Any = None, label: str | None = None
) -> Control:
    """Declare a choice between named options.

    Parameters
    ----------
    *options : str, or one mapping
        The options; a mapping goes from what the learner reads to what the simulation gets. Without
        any they are those the parameter was declared with.
    value : optional
        The option the explorer opens with; the first by default.
    label : str, optional
        Name shown to the learner; by default the parameter's name, in words.

    Raises
    ------
    ValueError
        If there are fewer than two options, or `value` is not one of them.
    """
    if not options:
        return OpenChoice({}, value, label)
    if len(options) == 1 and isinstance(options[0], Mapping):
        named = dict(options[0])
    else:
        named = {str(option): option for option in options}
    chosen = _chosen(named, next(iter(named.values())) if value is None else value, label)
    return chosen if value is not None else OpenChoice(named, chosen.value, label)


def _chosen(named: Mapping[str, Any], value: Any, label: str | None) -> Choice:
    if len(named) < 2:
        raise ValueError(f"a choice needs at least two options, got {list(named)}")
    result = Choice(named, value, label)
    result.check("value", value)
    return result


def toggle(value: bool | None = None, *, label: str | None = None) -> Control:
    """Declare an on/off switch; it opens with the parameter's default, or off.

    Raises
    ------
    TypeError
        If `value` is not a boolean.
    """
    if value is None:
        return OpenToggle(False, label)
    result = Toggle(value, label)
    result.check("value", value)
    return result


@dataclass(frozen=True)
class OpenSlider(Slider):
    """A slider whose ends or value the parameter's declaration will say."""

    low: float | None  # type: ignore[assignment]
    high: float | None  # type: ignore[assignment]
    value: float | None  # type: ignore[assignment]
    step: float | None  # type: ignore[assignment]
    unit: str
    label: str | None
    log: bool
    integer: bool | None  # type: ignore[assignment]

    def declared_as(self, name: str, declared: Declared | None, default: Any) -> Slider:  # type: ignore[override]
        limits = declared.limits if declared else {}
        low = limits.get("at_least") if self.low is None else self.low
        high = limits.get("at_most") if self.high is None else self.high
        value = default if self.value is None else self.value
        if low is None or high is None or value is MISSING:
            lacking = "an end" if value is not MISSING else "a value"
            raise TypeError(f"the slider for {name} needs {lacking}: the declaration has none")
        integer = self.integer
        if integer is None and declared is not None:
            integer = declared.kind == "int"
        closed = _closed(low, high, value, self.step, self.unit, self.label, self.log, integer)
        return Slider.declared_as(closed, name, declared, default)


@dataclass(frozen=True)
class OpenChoice(Choice):
    """A choice whose options or value the parameter's declaration will say."""

    def declared_as(self, name: str, declared: Declared | None, default: Any) -> Choice:  # type: ignore[override]
        options = self.options or {word: word for word in (declared.options if declared else ())}
        value = self.value
        if (self.options or value is None) and default in options.values():
            value = default
        closed = _chosen(options, value, self.label)
        return Choice.declared_as(closed, name, declared, default)


@dataclass(frozen=True)
class OpenToggle(Toggle):
    """A switch that opens with the parameter's default."""

    def declared_as(self, name: str, declared: Declared | None, default: Any) -> Toggle:  # type: ignore[override]
        closed = Toggle(bool(default) if default is not MISSING else False, self.label)
        return Toggle.declared_as(closed, name, declared, default)


def _beyond(places: Sequence[Any], old: Any, new: Any) -> Any:
    """Return the place after `new`, coming from `old`; at an end the way back, else None."""
    if old not in places or new not in places:
        return None
    start, end = places.index(old), places.index(new)
    if abs(end - start) != 1:
        return None
    further = 2 * end - start
    return places[further] if 0 <= further < len(places) else old


def _roundest(number: float, within: float) -> float:
    """Return the number with the fewest digits that is nearer than by a factor of `within`."""
    for digits in range(6):
        shorter = float(f"{number:.{digits}e}")
        if max(shorter / number, number / shorter) < within:
            return shorter
    return number


def _on_grid(low: float, value: float, step: float) -> bool:
    steps = (value - low) / step
    return abs(steps - round(steps)) < 1e-6


def _round_step(low: float, high: float, value: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten, about a hundredth of the range."""
    magnitude = 10.0 ** math.floor(math.log10((high - low) / 100))
    steps = [m * magnitude for m in (10, 5, 2, 1, 0.5, 0.2, 0.1)]
    wide_enough = [step for step in steps if step <= (high - low) / 50]
    return next((step for step in wide_enough if _on_grid(low, value, step)), wide_enough[-1])
