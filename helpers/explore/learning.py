"""What you learned over the whole course, and how well you knew what you knew.

First guesses are scored as forecasts: the Brier score and its three parts, and how often you were
right at each confidence, with the interval that so few guesses allow. What you were asked again on
a later day says what stayed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from helpers.explore.journal import Journal, journal
from helpers.explore.picture import Picture, picture
from helpers.explore.review import day_of
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import bars, note, whiskers
from helpers.foundations.experiment import Result
from helpers.foundations.prose import counted, significant
from helpers.foundations.statistics.estimates import wilson_interval
from helpers.foundations.statistics.forecasts import brier_parts

if TYPE_CHECKING:
    import pandas as pd

_DOTS: dict[str, Any] = {
    "color": style.VERMILION,
    "marker": "o",
    "linestyle": "none",
    "markersize": 6,
}


class Learning(Result):
    """First guesses, scored, and what became of the questions later.

    Attributes
    ----------
    stated, right : numpy.ndarray, shape (n,)
        How sure you were at each first guess, and whether it was right (1 or 0).
    chapter : tuple of str, length n
        The chapter of each, two digits.
    before, after : numpy.ndarray, shape (m,)
        Of the questions that you answered again on a later day: whether you were right at first,
        and the last time (1 or 0).
    again : tuple of str, length m
        The chapter of each of them.
    """

    stated: np.ndarray
    right: np.ndarray
    chapter: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    again: tuple[str, ...]

    @property
    def parts(self) -> dict[str, float]:
        """The Brier score and its parts; empty before the first guess."""
        return brier_parts(self.stated, self.right) if self.stated.size else {}

    @property
    def reliability_by_chance(self) -> float:
        """The reliability that somebody who is perfectly calibrated gets on average.

        Notes
        -----
        The share right in a group of k has the variance p (1 - p) / k around p, so the weighted
        squares add up to the sum of p (1 - p) over the groups, divided by n; Bröcker, "Estimating
        reliability and resolution of probability forecasts through decomposition of the empirical
        score", *Climate Dynamics* 39, 2012.
        """
        groups = np.unique(self.stated)
        return float((groups * (1 - groups)).sum() / max(self.stated.size, 1))

    @property
    def curve(self) -> np.ndarray:
        """Chance stated, share right, and the ends of its 95 % interval, shape (groups, 4)."""
        rows = []
        for value in np.unique(self.stated):
            came = self.right[self.stated == value]
            ends = wilson_interval(int(came.sum()), came.size)
            rows.append((value, came.mean(), ends.low, ends.high))
        return np.array(rows, dtype=float).reshape(-1, 4)

    @property
    def learned(self) -> int:
        """How many questions were wrong at first, and right the last time."""
        return int(((self.before == 0) & (self.after == 1)).sum())

    @property
    def forgotten(self) -> int:
        """How many were right at first, and wrong the last time."""
        return int(((self.before == 1) & (self.after == 0)).sum())

    @property
    def by_chance(self) -> float:
        """The chance of so uneven a split, if each change went either way like a coin.

        The sign test, two-sided; 1 where nothing changed.
        """
        changed = self.learned + self.forgotten
        fewer = min(self.learned, self.forgotten)
        tail = sum(math.comb(changed, k) for k in range(fewer + 1))
        return min(1.0, float(2 * tail / 2**changed))

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {"predictions": int(self.stated.size)}
        if self.stated.size:
            found |= {**self.parts, "reliability_by_chance": self.reliability_by_chance}
        found["asked_again"] = int(self.before.size)
        if self.before.size:
            found |= {
                "right_at_first_percent": 100 * float(self.before.mean()),
                "right_at_last_percent": 100 * float(self.after.mean()),
                "learned": self.learned,
                "forgotten": self.forgotten,
            }
        return found

    @property
    def reading(self) -> str:
        return f"{self._scored} {self._stayed}"

    @property
    def _scored(self) -> str:
        if not self.stated.size:
            return "No predictions yet: commit to some in any chapter, and run this again."
        parts = self.parts
        return (
            f"{counted(int(self.stated.size), 'prediction')}. Brier score "
            f"{significant(parts['brier'])} = uncertainty {significant(parts['uncertainty'])} "
            f"- resolution {significant(parts['resolution'])} + reliability "
            f"{significant(parts['reliability'])}, where chance alone makes a reliability of "
            f"{significant(self.reliability_by_chance)}."
        )

    @property
    def _stayed(self) -> str:
        count = int(self.before.size)
        if not count:
            return "No question was answered again on a later day: reviews come after a day."
        right = int(self.after.sum())
        change = f"{self.learned} learned and {self.forgotten} forgotten"
        verdict = (
            "more than chance would do" if self.by_chance < 0.05 else "no more than chance might do"
        )
        return (
            f"{counted(count, 'question')} answered again on a later day: "
            f"{int(self.before.sum())} right at first, {right} the last time; {change}, {verdict}."
        )

    def table(self) -> pd.DataFrame:
        import pandas as pd  # 0.3 s to import, and most learners never open the table

        chapter, again = np.array(self.chapter), np.array(self.again)
        rows = {}
        for name in [*sorted({*self.chapter, *self.again}), "all"]:
            first = (chapter == name) | (name == "all")
            later = (again == name) | (name == "all")
            rows[name] = {
                "predictions": int(first.sum()) if chapter.size else 0,
                "right (%)": _mean(self.right, first, 100),
                "sure (%)": _mean(self.stated, first, 100),
                "Brier score": _mean((self.stated - self.right) ** 2, first),
                "asked again": int(later.sum()) if again.size else 0,
                "right at first (%)": _mean(self.before, later, 100),
                "right at last (%)": _mean(self.after, later, 100),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("chapter")


def score_learning(kept: Journal) -> Learning:
    """Score everything that a journal holds.

    First guesses made after the answer was shown count for nothing, and neither does what is
    answered again on the same day.
    """
    made: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in kept.entries:
        if entry["kind"] in ("prediction", "quiz"):
            made.setdefault((entry["kind"], entry["key"]), []).append(entry)
    honest = {key: one for key, one in made.items() if not one[0].get("seen_before")}
    guesses = [one[0] for (kind, _), one in honest.items() if kind == "prediction"]
    later = [(key, one[0], last) for (_, key), one in honest.items() if (last := _last_day(one))]
    return Learning(
        stated=_numbers(guess["confidence"] for guess in guesses),
        right=_numbers(bool(guess["right"]) for guess in guesses),
        chapter=tuple(guess["key"][:2] for guess in guesses),
        before=_numbers(bool(first.get("right")) for _, first, _ in later),
        after=_numbers(bool(last.get("right")) for _, _, last in later),
        again=tuple(key[:2] for key, _, _ in later),
    )


@style.panels(3)
def plot_learning(result: Learning, axes: tuple[Axes, Axes, Axes]) -> None:
    """Draw how often you were right at each confidence, the score's parts, and what stayed."""
    _plot_curve(result, axes[0])
    _plot_parts(result, axes[1])
    _plot_stayed(result, axes[2])


def learning() -> Picture:
    """Show what you learned over the whole course, and how well you knew what you knew."""
    return picture(plot_learning, score_learning(journal()))


def _plot_curve(result: Learning, ax: Axes) -> None:
    ax.set_title("Said, and came true")
    ax.set_xlim(45, 103)
    ax.set_ylim(0, 103)
    ax.set_xlabel("how sure you were (%)")
    ax.set_ylabel("how often you were right (%)")
    ax.plot([45, 100], [45, 100], **style.THEORY)
    note(ax, 0.97, 0.05, "- - perfectly calibrated", style.BLACK, ha="right")
    if not result.stated.size:
        note(ax, 0.5, 0.3, "no predictions yet", style.VERMILION, ha="center")
        return
    whiskers(ax, *(100 * result.curve.T), **_DOTS)
    note(ax, 0.97, 0.13, "● you, with 95 % intervals", style.VERMILION, ha="right")


def _plot_parts(result: Learning, ax: Axes) -> None:
    names = ("uncertainty", "- resolution", "+ reliability", "= your score")
    ax.set_title("The score and its parts")
    ax.set_xlabel("Brier score (0 is perfect)")
    ax.set_yticks([])
    ax.set_ylim(4, 0)
    ax.set_xlim(0, 0.5)
    if not result.stated.size:
        note(ax, 0.5, 0.5, "no predictions yet", style.VERMILION, ha="center")
        return
    parts = result.parts
    known = parts["uncertainty"] - parts["resolution"]
    ends = [(0, parts["uncertainty"]), (known, parts["uncertainty"]), (known, parts["brier"])]
    colors = (style.GHOST, style.GREEN, style.VERMILION, style.BLUE)
    rows = zip(names, [*ends, (0, parts["brier"])], colors, strict=True)
    for row, (name, (start, end), color) in enumerate(rows):
        bars(ax, row + 0.65, end - start, 0.4, start=start, along="x", facecolor=color)
        size = significant(abs(end - start))
        note(ax, 0.03, 1 - (row + 0.22) / 4, f"{name}: {size}", style.INK, va="center")
    ax.set_xlim(0, max(0.5, 1.1 * parts["brier"]))


def _plot_stayed(result: Learning, ax: Axes) -> None:
    ax.set_title("Asked again on a later day")
    ax.set_ylabel("right (%)")
    ax.set_xlim(-0.5, 1.5)
    ax.set_ylim(0, 103)
    ax.set_xticks([0, 1], ["at first", "the last time"])
    count = int(result.before.size)
    if not count:
        note(ax, 0.5, 0.5, "no reviews yet", style.VERMILION, ha="center")
        return
    right = [int(result.before.sum()), int(result.after.sum())]
    ends = [wilson_interval(one, count) for one in right]
    middle = [100 * one / count for one in right]
    low, high = [100 * one.low for one in ends], [100 * one.high for one in ends]
    whiskers(ax, [0, 1], middle, low, high, **_DOTS)
    note(ax, 0.5, 0.06, f"{counted(count, 'question')}", ha="center")


def _last_day(answers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the last answer, if it was given on a later day than the first."""
    first, last = day_of(answers[0]), day_of(answers[-1])
    return answers[-1] if first and last and last > first else None


def _numbers(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), dtype=float)


def _mean(values: np.ndarray, which: np.ndarray | bool, times: float = 1.0) -> float:
    """Mean of some of the values; not a number where there are none."""
    chosen = values[which] if values.size else values
    return float(times * chosen.mean()) if chosen.size else math.nan
