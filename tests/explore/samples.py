"""A small simulation and plot that exercise everything the explorer offers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import validation
from helpers.foundations.drawing import style
from helpers.foundations.experiment import Result
from helpers.foundations.prose import significant


class WaveResult(Result):
    height: float
    samples: int
    x: np.ndarray
    y: np.ndarray

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"height": self.height, "samples": self.samples, "mean": float(self.y.mean())}

    @property
    def reading(self) -> str:
        return f"The wave is {significant(self.height)} <high>."


def simulate_wave(
    *, height: float, kind: str = "sine", flip: bool = False, seed: int = 1
) -> WaveResult:
    """Return a wave; refuses a height of 9 or more."""
    validation.number("height", height, at_least=0, below=9)
    validation.one_of("kind", kind, ("sine", "noise"))
    x = np.linspace(0, 1, 200)
    y = np.sin(9 * x) if kind == "sine" else np.random.default_rng(seed).standard_normal(200)
    return WaveResult(height, 200, x, (-1 if flip else 1) * height * y)


def simulate_finer(*, height: float, seed: int = 1) -> Iterator[WaveResult]:
    """Yield the same wave with ever more samples."""
    for samples in (10, 100, 1_000):
        x = np.linspace(0, 1, samples)
        yield WaveResult(height, samples, x, height * np.sin(9 * x))


def plot_wave(result: WaveResult, ax: Axes) -> None:
    """Draw the wave on fixed axes."""
    ax.plot(result.x, result.y, **style.SIMULATION)
    ax.axhline(0, **style.THEORY)
    style.label(ax, 0.5, result.height, "peak", style.BLUE)
    ax.set(xlim=(0, 1), ylim=(-10, 10), xlabel="time (s)", ylabel="height (m)")
    ax.set_title("A wave")


def plot_wave_scaled(result: WaveResult, ax: Axes) -> None:
    """Draw the wave on axes that follow it."""
    plot_wave(result, ax)
    ax.set_ylim(-result.height - 1, result.height + 1)
    ax.set_xticks([0, 1], ["start", f"end {result.height:.0f}"])


@style.panels(2)
def plot_two(result: WaveResult, axes: tuple[Axes, ...]) -> None:
    """Draw the wave twice."""
    for ax in axes:
        plot_wave(result, ax)
