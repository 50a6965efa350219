"""Colours can be told apart by everyone, and read in the light and in the dark theme."""

from __future__ import annotations

import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from helpers.explore import view
from helpers.foundations.drawing import style

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
# deficiency", 2009, severity 1; for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
WHITE = np.ones(3)


def linear(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB, white point D65."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ linear_rgb.clip(0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """WCAG 2 contrast ratio."""
    bright, dark = sorted(
        (float(np.array([0.2126, 0.7152, 0.0722]) @ linear(c)) for c in (one, other)), reverse=True
    )
    return (bright + 0.05) / (dark + 0.05)


def in_the_dark(rgb: np.ndarray) -> np.ndarray:
    """What the explorer's CSS filter makes of a colour: invert(a), then hue-rotate(180deg)."""
    amount = float(re.search(r"invert\(([\d.]+)\) hue-rotate\(180deg\)", view._STYLE)[1])
    inverted = amount * (1 - rgb) + (1 - amount) * rgb
    rotate = np.array(
        [[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]]
    )  # Filter Effects Module Level 1, hue-rotate at 180 degrees
    return (rotate @ inverted).clip(0, 1)


def colours_of(names: tuple[str, ...]) -> list[np.ndarray]:
    return [np.array(to_rgb(name)) for name in names]


@pytest.mark.parametrize("vision", VISION)
def test_colours_of_designs_differ_for_every_kind_of_vision(vision):
    seen = [lab(np.array(VISION[vision]) @ linear(c)) for c in colours_of(style.SERIES[:4])]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 15, f"{nearest:.1f} (2 is just noticeable)"


def test_a_poor_pair_would_be_noticed():
    red, green = (
        lab(np.array(VISION["deuteranopia"]) @ linear(np.array(to_rgb(c))))
        for c in ("#a05050", "#708050")
    )
    assert np.linalg.norm(red - green) < 15


@pytest.mark.parametrize("name", ["INK", "MUTED", "SKY_INK", "ORANGE_INK"])
def test_text_can_be_read_on_white_and_in_the_dark(name):
    colour = np.array(to_rgb(getattr(style, name)))
    assert contrast(colour, WHITE) >= 4.5
    assert contrast(in_the_dark(colour), in_the_dark(WHITE)) >= 4.5


@pytest.mark.parametrize("colour", [style.BLUE, style.VERMILION, style.GREEN, style.BLACK])
def test_curves_stand_out_on_white_and_in_the_dark(colour):
    rgb = np.array(to_rgb(colour))
    assert contrast(rgb, WHITE) >= 3
    assert contrast(in_the_dark(rgb), in_the_dark(WHITE)) >= 3


def test_the_context_ends():
    before = dict(mpl.rcParams)
    with style.context():
        assert mpl.rcParams["axes.spines.top"] is False
    assert dict(mpl.rcParams) == before


def test_panels_declare_a_grid():
    @style.panels(2, width_ratios=(1, 2))
    def plot(result, axes): ...

    assert plot.panels == {"ncols": 2, "nrows": 1, "gridspec_kw": {"width_ratios": (1, 2)}}


def test_a_label_has_the_colour_of_its_curve():
    ax = Figure().subplots()
    style.label(ax, 0.5, 0.5, "theory", style.BLUE, ha="right")
    (text,) = ax.texts
    assert (text.get_text(), text.get_color(), text.get_ha()) == ("theory", style.BLUE, "right")
