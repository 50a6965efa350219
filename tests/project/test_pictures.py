"""A picture that is no longer the one saved in a notebook is noticed."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.pictures import differences, with_pictures

OPENING = {"linewidth": 1.4, "alpha": 1.0}


def picture(title: str = "A line", **look: float) -> str:
    figure = Figure(figsize=(4, 3), dpi=100)
    ax = figure.add_subplot()
    ax.plot([0, 1], [0, 1], **OPENING | look)
    ax.set_title(title)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    return base64.b64encode(file.getvalue()).decode()


def test_the_same_picture_is_the_same() -> None:
    assert differences(picture(), picture()) == ""
    assert differences(picture(), picture(linewidth=1.4 + 1e-9)) == ""


@pytest.mark.parametrize("change", [{"linewidth": 1.19}, {"title": "A  line"}, {"alpha": 0.8}])
def test_what_a_learner_would_see_is_noticed(change: dict) -> None:
    assert "pixels differ, in columns" in differences(picture(), picture(**change))


def test_another_size_is_noticed() -> None:
    dot, dots = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
        picture(),
    )
    assert differences(dot, dots) == "it was 1 by 1 pixels, now (400, 300)"


def test_a_cell_whose_picture_differs_fails_and_says_where() -> None:
    def outputs(*pictures: str) -> list[dict]:
        said = [{"output_type": "stream", "text": "hello"}]
        return said + [{"data": {"image/png": one, "text/plain": "."}} for one in pictures]

    cell = SimpleNamespace(comparison_traceback=[])
    same = with_pictures(lambda *_: True)
    assert same(cell, outputs(picture()), outputs(picture()))
    assert cell.comparison_traceback == []
    assert not same(cell, outputs(picture(), picture(alpha=0.5)), outputs(picture(), picture()))
    (said,) = cell.comparison_traceback
    assert "not the one saved" in said
    assert not same(cell, outputs(picture()), outputs(picture(), picture()))
    assert cell.comparison_traceback[-1].endswith(": 2 saved, 1 drawn")
    assert not with_pictures(lambda *_: False)(cell, outputs(picture()), outputs(picture()))
