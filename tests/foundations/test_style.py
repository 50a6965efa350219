"""Colours can be told apart by everyone, and read in the light and in the dark theme."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.explore import png
from helpers.foundations.drawing import style
from tests.settings import other_settings

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
    """What a colour becomes on a dark page."""
    return png.in_the_dark(np.round(255 * rgb[None]).astype(np.uint8))[0] / 255


def colours_of(names: tuple[str, ...]) -> list[np.ndarray]:
    return [np.array(to_rgb(name)) for name in names]


@pytest.mark.parametrize("page", [lambda rgb: rgb, in_the_dark], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_colours_of_designs_differ_for_every_kind_of_vision(vision, page):
    shown = [page(c) for c in colours_of(style.SERIES[:4])]
    seen = [lab(np.array(VISION[vision]) @ linear(c)) for c in shown]
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
def test_curves_stand_out_on_white(colour):
    assert contrast(np.array(to_rgb(colour)), WHITE) >= 3


@pytest.mark.parametrize("colour", [*style.SERIES, style.GHOST])
def test_curves_stand_out_in_the_dark(colour):
    assert contrast(in_the_dark(np.array(to_rgb(colour))), in_the_dark(WHITE)) >= 3.5


@pytest.mark.parametrize(
    ("letters", "box"), [(style.INK, style.ORANGE), (style.INK, style.SKY), ("white", style.BLUE)]
)
def test_letters_in_boxes_can_be_read_in_the_dark(letters, box):
    assert contrast(*(in_the_dark(np.array(to_rgb(each))) for each in (letters, box))) >= 3.5


# --- whose settings ---------------------------------------------------------------------------


def test_nearly_every_setting_has_another_value():
    others = other_settings()
    assert len(others) > 200
    assert all(value != mpl.rcParamsDefault[key] for key, value in others.items())


def read() -> dict[str, Any]:
    return {key: mpl.rcParams[key] for key in mpl.rcParamsDefault if key != "backend"}


@pytest.mark.filterwarnings("ignore:The text:matplotlib.MatplotlibDeprecationWarning")
def test_within_the_context_every_setting_is_the_courses():
    with style.context():
        expected = read()
    assert expected["axes.spines.top"] is False
    assert expected["lines.marker"] == mpl.rcParamsDefault["lines.marker"]
    others = other_settings()
    with mpl.rc_context(others):
        before = read()
        with style.context():
            assert read() == expected
            with style.context():
                assert read() == expected
            assert read() == expected
        assert read() == before
        assert before == {**before, **others}


def test_the_context_belongs_to_one_thread():
    seen = {}

    def look() -> None:
        seen["there"], seen["line"] = read(), Line2D([], []).get_linewidth()

    with mpl.rc_context({"lines.linewidth": 9, "lines.marker": "o"}):
        theirs = read()
        with style.context():
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            assert Line2D([], []).get_linewidth() == 2
    assert seen == {"there": theirs, "line": 9}


def test_what_is_set_within_is_forgotten_and_never_anybodys_elses():
    before, seen = read(), []
    with style.context():
        mpl.rcParams["lines.linewidth"] = "5"
        assert Line2D([], []).get_linewidth() == 5
        thread = threading.Thread(target=lambda: seen.append(read()))
        thread.start()
        thread.join()
        with pytest.raises(ValueError, match="linewidth: Could not"):
            mpl.rcParams["lines.linewidth"] = "thick"
    assert seen == [before]
    assert read() == before
    with style.context():
        assert Line2D([], []).get_linewidth() == 2


def test_an_error_within_leaves_nothing_behind():
    before = read()
    with pytest.raises(RuntimeError, match="on purpose"), style.context():
        raise RuntimeError("on purpose")
    assert read() == before
    assert type(mpl.rcParams) is mpl.RcParams


class Rigid(mpl.RcParams):
    """Settings that cannot be anybody's apart, as those of a later matplotlib might be."""

    __slots__ = ("more",)


def test_a_matplotlib_that_allows_no_settings_of_a_thread_is_noticed(monkeypatch):
    assert style._can_be_told_apart()
    monkeypatch.setattr(mpl, "rcParams", Rigid(read()))
    assert not style._can_be_told_apart.__wrapped__()
    monkeypatch.undo()
    monkeypatch.setattr(style._ByThread, "__getitem__", mpl.RcParams.__getitem__)
    assert not style._can_be_told_apart.__wrapped__()
    assert type(mpl.rcParams) is mpl.RcParams


def test_without_settings_of_a_thread_there_are_those_of_all(monkeypatch):
    with style.context():
        expected = read()
    monkeypatch.setattr(style, "_can_be_told_apart", lambda: False)
    with mpl.rc_context({"lines.marker": "o", "text.usetex": True}):
        before = read()
        with style.context():
            assert read() == expected
            with style.context():
                assert read() == expected
        assert read() == before


def test_panels_declare_a_grid():
    @style.panels(2, width_ratios=(1, 2))
    def plot(result, axes): ...

    assert plot.panels == {"ncols": 2, "nrows": 1, "gridspec_kw": {"width_ratios": (1, 2)}}


def test_a_label_has_the_colour_of_its_curve():
    ax = Figure().subplots()
    style.label(ax, 0.5, 0.5, "theory", style.BLUE, ha="right")
    (text,) = ax.texts
    assert (text.get_text(), text.get_color(), text.get_ha()) == ("theory", style.BLUE, "right")
