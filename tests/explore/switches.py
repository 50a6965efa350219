"""Two switches and a choice of three, as boxes in a picture that can be clicked."""

from __future__ import annotations

from matplotlib.axes import Axes

from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.experiment import Result

TIERS = ("web", "app", "data")


class Switches(Result):
    first: bool
    second: bool
    tier: str

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"first": self.first, "second": self.second, "tier": self.tier}

    @property
    def reading(self) -> str:
        return f"First is {self.first}, second is {self.second}, the tier is {self.tier}."


def simulate_switches(*, first: bool = True, second: bool = False, tier: str = "web") -> Switches:
    """Return what is switched on; the second one alone with the data tier is refused."""
    if second and not first and tier == "data":
        raise ValueError("second needs first at the data tier")
    return Switches(first, second, tier)


def plot_switches(run: Switches, ax: Axes) -> None:
    """Draw two boxes above and three below; the second is clickable only beside the first."""
    ax.set(xlim=(0, 6), ylim=(0, 4))
    ax.set_title("Switches")
    boxes = [("first", 0.5, None, run.first), ("second", 3.5, None, run.second)]
    for name, x, _, on in boxes:
        ax.fill([x, x + 2, x + 2, x], [2.5, 2.5, 3.5, 3.5], color="0.8" if on else "0.95")
        clickable(ax, name, f"{name} switch", x, 2.5, x + 2, 3.5)
    for place, tier in enumerate(TIERS):
        clickable(ax, "tier", f"{tier} tier", 2 * place, 0.5, 2 * place + 1, 1.5, value=tier)
    clickable(ax, "nothing", "no such control", 5, 0, 6, 1)


class Word(Result):
    word: str

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"word": self.word}

    @property
    def reading(self) -> str:
        return f"The word is {self.word or 'empty'}."


def simulate_word(*, word: str = "") -> Word:
    """Return the word."""
    return Word(word)


def plot_word(run: Word, ax: Axes) -> None:
    """Draw two boxes, each of which adds a letter, and one that takes the last one back."""
    ax.set(xlim=(0, 6), ylim=(0, 2))
    ax.set_title("A word")
    for place, letter in enumerate("AB"):
        x = 2 * place
        clickable(ax, "word", f"add {letter}", x, 0, x + 1, 1, value=run.word + letter, name=letter)
    if run.word:
        clickable(ax, "word", "take back", 4, 0, 5, 1, value=run.word[:-1], name="back")
