"""Four layouts: pages by hand, the mix, a real engine, and what the learner sees."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.anatomy import layouts
from helpers.anatomy.shop import LAYOUTS, QUERIES
from helpers.foundations.drawing import style
from helpers.foundations.prose import listed, significant
from tests import drawn
from tests.checks import assert_table, axes_of


def test_pages_by_hand() -> None:
    # 10,000 users with 20 orders of 40 bytes: 8 MB of orders are 1,953 pages.
    pages = layouts.pages_read(10_000, 20, 20)
    assert pages[0, 2] == pytest.approx(8_000_000 / 4_096)
    # Document: one lookup and its overflow; relational: the profile, the index, 20 rows.
    assert pages[1, 1] == pytest.approx(1 + (100 + 60 * 20 + 12 * 20) / 4_096)
    assert pages[0, 1] == pytest.approx(2 + (100 + 12 * 20) / 4_096 + 20)
    assert (pages[:, 0] == pages[0, 0]).all()


def test_the_cheapest_layout_follows_the_mix() -> None:
    def cheapest(**mix: float) -> str:
        return str(layouts.simulate(**mix).summary["cheapest"])

    assert cheapest(page_share=1) == "document"
    assert cheapest(page_share=0, report_share=1) == "relational"
    # What the page says of one report in a hundred, and in ten.
    assert cheapest(report_share=0.01) not in ("document", "relational")
    tenth = layouts.simulate(report_share=0.1)
    assert tenth.summary["cheapest"] == "relational"
    assert LAYOUTS[int(tenth.cost.argmax())] == "document"
    friends = layouts.simulate(page_share=0, friends_share=1)
    assert friends.cost.argmax() == LAYOUTS.index("document")


def test_shares_beyond_one_are_scaled_down() -> None:
    at = layouts.Setting(page_share=1, report_share=0.5, friends_share=0.5)
    np.testing.assert_allclose(at.mix, [0, 0.5, 0.25, 0.25])
    np.testing.assert_allclose(layouts.Setting(page_share=0.2).mix, [0.8, 0.2, 0, 0])


AT = [
    layouts.Setting(),
    layouts.Setting(page_share=0),
    layouts.Setting(page_share=0, friends_share=1, friends=200),
    layouts.Setting(page_share=0.9, report_share=0.1, orders=1, friends=1),
]


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: layouts.Setting) -> None:
    run = layouts.simulate(at)
    pages = layouts.pages_read(at.users, at.orders, at.friends)
    cost = dict(zip(LAYOUTS, pages @ at.mix, strict=True))
    for layout, each in cost.items():
        assert run.summary[f"{layout.replace('-', '_')}_pages"] == pytest.approx(each)
    ranked = sorted(cost, key=cost.__getitem__)
    tied = [layout for layout in ranked if np.isclose(cost[layout], cost[ranked[0]])]
    least = significant(cost[ranked[0]])
    if len(tied) == 4:
        assert run.reading == (
            f"For this mix of questions all four layouts cost the same, {least} pages for an "
            "average question."
        )
    else:
        assert (
            f"{listed(tied)} {'are' if tied[1:] else 'is'} cheapest, with {least} " in run.reading
        )
        assert run.reading.endswith(f"{ranked[-1]}, reads {significant(cost[ranked[-1]])}.")
    columns = {query: pages[:, j] for j, query in enumerate(QUERIES)}
    assert_table(run, {"layout": LAYOUTS, **columns, "your mix": list(cost.values())})


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: layouts.Setting) -> None:
    run = layouts.simulate(at)
    (ax,) = axes_of(layouts.plot, run)
    for i, layout in enumerate(LAYOUTS):
        shown = drawn.curve(ax, label=layout)[:, 1]
        np.testing.assert_allclose(shown, [*run.pages[i], run.cost[i]])
    rings = np.concatenate([ring.get_xydata() for ring in drawn.lines(ax, color=style.INK)])
    for column, values in enumerate(np.column_stack([run.pages, run.cost]).T):
        inside = rings[np.abs(rings[:, 0] - column) < 0.4]
        assert inside[:, 1] == pytest.approx(values.min(), rel=1e-3)
        assert len(inside) == np.isclose(values, values.min(), rtol=1e-4).sum()


# --- a real engine --------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_layouts_give_the_same_answers() -> None:
    run = layouts.measure(users=80, orders=5, friends=4)
    assert run.same_answers
    assert (run.times_s > 0).all()


def test_what_is_said_and_drawn_of_a_real_engine() -> None:
    times = 1e-6 * np.array([[2, 9, 3, 36], [3, 8, 9, 90], [4, 10, 12, 40], [5, 11, 20, 80]])
    run = layouts.MeasuredLayouts(layouts.Trial(), times, same_answers=True)
    assert run.reading == (
        "Verdict: 2 different layouts win the four questions (session by key: relational, profile "
        "page: document, sales report: relational, friends of friends: relational), all with the "
        "same answers; counting pages named the winner or a tie with it 4 times of 4, and the "
        "widest gap between first and last is 6.7-fold."
    )
    other = layouts.MeasuredLayouts(layouts.Trial(), times[::-1], same_answers=False)
    assert "all with different answers" in other.reading
    alone = np.add.outer([0, 1, 2, 3], np.ones(4)) * 1e-6
    one = layouts.MeasuredLayouts(layouts.Trial(), alone, same_answers=True)
    assert one.reading.startswith("Verdict: one layout wins the four questions")
    columns = {query: 1e6 * times[:, j] for j, query in enumerate(QUERIES)}
    assert_table(run, {"layout": LAYOUTS, **columns})
    (ax,) = axes_of(layouts.plot_measured, run)
    for i, layout in enumerate(LAYOUTS):
        np.testing.assert_allclose(drawn.curve(ax, label=layout)[:, 1], 1e6 * times[i])
