"""The map: every route has what it needs in time."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from helpers.estimation import route
from tests import drawn


def test_every_route_has_what_it_needs_in_time() -> None:
    for goal in route.CHAPTERS:
        way = route.simulate(goal=goal).route
        assert way[-1] == goal
        for place, number in enumerate(way):
            assert set(route.CHAPTERS[number].needs) <= set(way[:place])
        for number in way[:-1]:  # nothing that is not needed
            assert any(number in route.CHAPTERS[other].needs for other in way)


def test_a_circle_in_the_map_is_found(monkeypatch) -> None:
    looped = dict(route.CHAPTERS)
    looped[1] = route.Stop(1, "Why", (11,), 60, "")
    monkeypatch.setattr(route, "CHAPTERS", looped)
    with pytest.raises(ValueError, match="needs itself"):
        route._levels.__wrapped__()


@pytest.mark.parametrize("goal", [1, 9, 11])
def test_what_the_learner_sees(goal: int) -> None:
    run, ax = route.simulate(goal=goal), Figure(figsize=(7.2, 4)).subplots()
    route.plot(run, ax)
    texts = " ".join(drawn.written(ax)).replace("\n", " ")
    for number, stop in route.CHAPTERS.items():
        assert f"{number:02d} {stop.title}" in texts
    minutes = sum(route.CHAPTERS[number].minutes for number in run.route)
    assert f"about {minutes} minutes" in run.reading
    table = run.table()
    on = [f"{number:02d} {route.CHAPTERS[number].title}" for number in sorted(run.route)]
    assert list(table.index[table["on the route"] == "yes"]) == on
    assert list(table["minutes"]) == [stop.minutes for stop in route.CHAPTERS.values()]
    if goal == 1:
        assert "needs nothing before it" in run.reading
    else:
        assert f"{len(run.route)} chapters" in run.reading
