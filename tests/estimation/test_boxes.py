"""A drawing with a mistake in it: the validator finds it, and the page says so."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from helpers import blueprint
from helpers.estimation import boxes
from helpers.foundations.drawing.clicks import clickables
from helpers.foundations.prose import duration, significant
from tests import drawn


@pytest.mark.parametrize(
    ("mistake", "rule"),
    [
        ("a single balancer", "single point of failure"),
        ("no balancer at all", "no balancer"),
        ("nobody calls the queue", "unreachable"),
        ("the queue leads nowhere", "dead end"),
        ("workers call the servers", "cycle"),
    ],
)
def test_every_mistake_is_found(mistake: str, rule: str) -> None:
    result = boxes.simulate(mistake=mistake)
    assert rule in {finding.rule for finding in result.verdict.findings}
    clean = boxes.simulate(mistake="none")
    assert rule not in {f.rule for f in clean.verdict.findings} or rule == "single point of failure"
    if rule == "cycle":
        assert result.verdict.closing == ("workers", "app")
        assert result.verdict.closing in result.verdict.design.wiring


@pytest.mark.parametrize("mistake", boxes.MISTAKES)
def test_what_the_learner_sees(mistake: str) -> None:
    run = boxes.simulate(mistake=mistake, servers=2)
    figure = Figure(figsize=(7.2, 7))
    axes = tuple(figure.subplots(2, 1, height_ratios=[3.3, 1]))
    boxes.plot(run, axes)
    verdict, reading = run.verdict, run.reading
    said = " ".join(drawn.written(axes[1])).replace("\n", " ")
    for finding in verdict.findings[:4]:
        assert finding.message in said
        assert finding.message in reading
    design = boxes.MISTAKES[mistake](boxes.photo_site(2, 1))
    if verdict.errors:
        assert reading.startswith("This design cannot run")
    else:
        bounds = blueprint.bounds(design)
        assert f"{bounds.bottleneck}, at {significant(bounds.capacity_rps)} requests/s" in reading
        down = blueprint.availability(design, request="write").downtime_s
        assert f"{duration(down)} of outage a year" in reading
        assert f"{significant(blueprint.cost(design).monthly)} USD a month" in reading
    assert run.table().equals(blueprint.design_table(design))


def test_judging_an_unfinished_design() -> None:
    verdict = boxes.judge(boxes.photo_site(2, 1).without("balancer").without("db"))
    assert verdict.errors
    assert verdict.capacity_rps is None


def clicked(at: boxes.Setting) -> dict[str, tuple[str, boxes.Setting]]:
    """For each box that can be clicked: what is said of it, and the setting after the click."""
    figure = Figure(figsize=(7.2, 7))
    boxes.plot(boxes.simulate(at), tuple(figure.subplots(2, 1, height_ratios=[3.3, 1])))
    return {
        spot.name: (spot.label, at.but(**{spot.control: spot.value})) for spot in clickables(figure)
    }


@pytest.mark.parametrize("mistake", boxes.MISTAKES)
@pytest.mark.parametrize(("servers", "replicas"), [(1, 0), (3, 1), (4, 3)])
def test_every_box_can_be_clicked_and_does_what_it_says(
    mistake: str, servers: int, replicas: int
) -> None:
    at = boxes.Setting(mistake=mistake, servers=servers, replicas=replicas)
    found = clicked(at)
    drawn_ones = {name.partition("-")[0] for name in found}
    expected = {"clients", "app", "db", "queue", "workers"}
    assert drawn_ones == expected | ({"balancer"} if mistake != "no balancer at all" else set())
    for name, (label, after) in found.items():
        assert after != at
        if after.mistake != at.mistake:
            mended = after.mistake == "none"
            assert label == f"{name}: " + ("mend the mistake" if mended else after.mistake)
            for _ in range(2):  # again and again, until it is mended
                again = clicked(after)
                if after.mistake != "none":
                    after = again[name if name in again else "clients"][1]
            assert after.mistake == "none" or mended
        else:
            counts = (after.servers, after.replicas)
            count = counts[0] if name.startswith("app") else counts[1]
            assert label.startswith(f"{name}: {count} ")


def test_every_mistake_can_be_made_with_clicks() -> None:
    waiting, reached = [boxes.Setting(mistake="none")], set()
    while waiting:
        at = waiting.pop()
        if at.mistake not in reached:
            reached.add(at.mistake)
            waiting += [after for _, after in clicked(at).values()]
    assert reached == set(boxes.MISTAKES)
