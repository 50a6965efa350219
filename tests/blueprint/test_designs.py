"""The language: wiring, changing, judging, pricing and drawing a design."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import helpers.blueprint
from helpers.blueprint import (
    CDN,
    AppServers,
    Cache,
    Clients,
    Database,
    Design,
    Fault,
    HealthCheck,
    LoadBalancer,
    Queue,
    Traffic,
    Workers,
    availability,
    bounds,
    cost,
    design_table,
    diurnal,
    flash_crowd,
    kill,
    mermaid,
    pair,
    partition,
    prices,
    simulate_design,
    single_points,
    slow,
    spike,
    steady,
    theory_design,
    validate,
)
from helpers.blueprint.availability import enumerate_instances
from helpers.blueprint.catalogue import anatomy, cache_aside, chain, horizontal, single
from helpers.blueprint.plots import plot_design, plot_outcomes, plot_queues
from helpers.blueprint.simulation.runs import simulate_design_progressively
from helpers.estimation import simulate_boxes
from helpers.estimation.simulation.boxes import MISTAKES
from helpers.foundations.drawing.words import Words

NAMED = [single(), pair(), horizontal(), anatomy(), cache_aside(), chain()]
CLIENTS = Clients(rate_rps=10)


@pytest.mark.parametrize(
    "name", [m.name for m in pkgutil.iter_modules(helpers.blueprint.__path__)] + [""]
)
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"helpers.blueprint.{name}".rstrip("."))
    assert doctest.testmod(module).failed == 0


def test_everything_exported_exists():
    for name in helpers.blueprint.__all__:
        assert hasattr(helpers.blueprint, name)


# --- the language -------------------------------------------------------------------------------


def test_the_seven_lines_of_the_anatomy():
    design = anatomy()
    assert [c.name for c in design] == [
        "clients", "cdn", "balancer", "app", "cache", "db", "queue", "workers",
    ]  # fmt: skip
    assert ("app", "queue") in design.wiring
    assert design["app"].instances == ("app-1", "app-2", "app-3")


def test_designs_are_values():
    assert anatomy() == anatomy()
    assert hash(anatomy()) == hash(anatomy())
    assert anatomy() != anatomy(rate_rps=1)
    with pytest.raises(AttributeError):
        anatomy().name = "other"


def test_replace_changes_one_thing():
    design = anatomy()
    other = design.replace("app", threads=1)
    assert [c for c in design if c not in other.components] == [design["app"]]
    assert other.wiring == design.wiring
    renamed = design.replace("app", name="web")
    assert ("balancer", "web") in renamed.wiring
    assert not any("app" in edge for edge in renamed.wiring)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda d: d.replace("app", thread=1), "AppServers 'app' has no field 'thread'"),
        (lambda d: d.replace("web", threads=1), "no component 'web'"),
        (lambda d: d.replace("app", name="db"), "already has a component 'db'"),
        (lambda d: d.without("web"), "no component 'web'"),
        (lambda d: d.cut("app", "db"), "no app >> db"),
        (lambda d: d.wire(AppServers(count=7) >> Database("other")), "'app'"),
        (lambda d: Design("x", "app"), "part 1"),
        (lambda d: Design("", d["app"]), "name"),
        (lambda d: d["app"] >> 3, "unsupported"),
    ],
)
def test_misuse_of_the_language_is_explained(act, words):
    with pytest.raises((TypeError, ValueError)) as error:
        act(anatomy())
    assert words in str(error.value)


def test_without_bridges_the_gap():
    assert ("balancer", "app") in anatomy().without("cdn").wiring
    assert ("clients", "balancer") in anatomy().without("cdn").wiring
    assert ("app", "workers") in anatomy().without("queue").wiring  # now a call that waits


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Clients(), "Clients 'clients': give either rate_rps or users"),
        (lambda: Clients(rate_rps=0), "rate_rps"),
        (lambda: Clients(users=1.5), "users"),
        (lambda: Clients(rate_rps=1, write_fraction=1.2), "write_fraction"),
        (lambda: Clients(rate_rps=1, arrivals="odd"), "arrivals"),
        (lambda: CDN(hit_ratio=2), "CDN 'cdn': hit_ratio"),
        (lambda: LoadBalancer(policy="best"), "policy must be one of 'random'"),
        (lambda: LoadBalancer(health_check=5), "health_check"),
        (lambda: HealthCheck(interval_s=0), "interval_s"),
        (lambda: HealthCheck(threshold=0), "threshold"),
        (lambda: AppServers("web", threads=0), "AppServers 'web': threads"),
        (lambda: AppServers(timeout_s=0), "timeout_s"),
        (lambda: AppServers(retries=-1), "retries"),
        (lambda: AppServers(count=2, needed=3), "needed"),
        (lambda: AppServers(blocking=1), "blocking"),
        (lambda: AppServers(distribution="uniform"), "distribution"),
        (lambda: AppServers(distribution="hyperexponential", scv=0.5), "scv"),
        (lambda: Cache(hit_ratio=float("nan")), "Cache 'cache': hit_ratio"),
        (lambda: Database(replicas=-1), "replicas"),
        (lambda: Database(availability=1.1), "availability"),
        (lambda: Queue(capacity=0), "capacity"),
        (lambda: Workers(service_s=-1), "Workers 'workers': service_s"),
        (lambda: Workers(size="huge"), "size"),
        (lambda: Cache(""), "name"),
    ],
)
def test_impossible_components_are_refused_by_name(make, words):
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert words in str(error.value)


# --- judging ------------------------------------------------------------------------------------

APP, ONE, DB, CACHE = AppServers(), AppServers(count=1), Database(), Cache()
INVALID = {
    "no entry": (Design("d", LoadBalancer() >> APP), "d"),
    "two entries": (Design("d", CLIENTS >> ONE, Clients("more", rate_rps=1) >> ONE), "more"),
    "cycle": (Design("d", CLIENTS >> ONE >> AppServers("b", count=1) >> ONE), "app"),
    "unreachable": (Design("d", CLIENTS >> ONE, Workers() >> DB), "workers"),
    "no balancer": (Design("d", CLIENTS >> APP), "app"),
    "no store": (Design("d", CLIENTS >> ONE >> CACHE), "cache"),
    "two caches": (
        Design("d", CLIENTS >> ONE >> CACHE, ONE >> Cache("hot"), ONE >> DB),
        "app",
    ),
    "two feeders": (
        Design("d", CLIENTS >> ONE >> Queue() >> Workers(), ONE >> Workers()),
        "workers",
    ),
    "two capacities": (
        Design("d", CLIENTS >> ONE >> Queue() >> Workers(queue_capacity=3)),
        "workers",
    ),
    "wrong wiring": (Design("d", CLIENTS >> DB >> ONE), "db"),
    "too many ways": (Design("d", CLIENTS >> ONE, CLIENTS >> DB), "clients"),
    "dead end": (Design("d", CLIENTS >> LoadBalancer()), "balancer"),
}


@pytest.mark.parametrize("rule", INVALID)
def test_an_invalid_design_is_refused_with_a_message_that_names_the_component(rule):
    design, name = INVALID[rule]
    findings = [f for f in validate(design) if f.rule == rule]
    assert findings
    assert all(f.severity == "error" for f in findings)
    assert name in {f.component for f in findings}
    assert any(repr(name) in f.message for f in findings)
    with pytest.raises(ValueError, match=name):
        simulate_design(design, duration_s=1)


@pytest.mark.parametrize("design", NAMED, ids=lambda d: d.name)
def test_named_designs_have_no_errors_and_are_not_overloaded(design):
    assert not [f for f in validate(design) if f.rule != "single point of failure"]
    result = simulate_design(design, duration_s=30)
    assert result.success_ratio > 0.98


def test_single_points_of_failure():
    assert set(single_points(anatomy())) == {"cdn", "balancer", "cache", "db-1", "queue"}
    assert set(single_points(cache_aside())) == {"cdn", "balancer", "db-1", "queue"}
    assert single_points(pair()) == {}
    needy = pair().replace("app", needed=2)
    assert single_points(needy) == {"app": "nothing is answered"}
    assert set(single_points(horizontal())) == {"balancer", "db"}


@pytest.mark.parametrize("name", sorted(single_points(anatomy())))
def test_a_single_point_of_failure_is_one_when_it_is_killed(name):
    """What the graph says, the run shows, and what it does not say, the run does not show."""
    design = anatomy(rate_rps=100)
    dead = simulate_design(design, duration_s=10, faults=[kill(name, at_s=0)])
    assert dead.failed > 0
    for other in ("app-1", "db-2", "workers-2"):
        # Retries and the health check get round any other loss.
        careful = design.replace("clients", retries=5)
        careful = careful.replace("balancer", health_check=HealthCheck(0.25, threshold=1))
        well = simulate_design(careful, duration_s=10, faults=[kill(other, at_s=0)])
        assert well.failed + well.dropped == 0, other


def test_an_overload_is_pointed_out_where_it_is():
    design = anatomy().replace("workers", count=1)
    (finding,) = [f for f in validate(design) if f.rule == "overloaded"]
    assert finding.component == "workers"
    assert "it has 1" in finding.message


# --- availability -------------------------------------------------------------------------------


@pytest.mark.parametrize("request_kind", ["read", "write", "job"])
@pytest.mark.parametrize(
    "design",
    [
        pair(),
        anatomy(),
        cache_aside(),
        chain(),
        anatomy().without("queue"),
        anatomy().replace("app", needed=2, availability=0.9).replace("db", availability=0.7),
        pair().replace("db", availability=0.0),
        pair().replace("balancer", availability=1.0),
    ],
    ids=str,
)
def test_availability_is_that_of_every_single_instance_tried(design, request_kind):
    ours = availability(design, request=request_kind)
    brute = enumerate_instances(design, request=request_kind)
    assert ours.system == pytest.approx(brute, abs=1e-12)


def test_importance_is_the_difference_a_component_makes():
    design = anatomy()
    found = availability(design, request="write")
    for component in design:
        if component.name != "clients":
            values = []
            for a in (1.0, 0.0):
                count = {"count": 1} if component.name in ("app", "workers", "balancer") else {}
                count |= {"replicas": 0} if component.name == "db" else {}
                forced = design.replace(component.name, availability=a, **count)
                values.append(availability(forced, request="write").system)
            assert found.importance[component.name] == pytest.approx(values[0] - values[1])


def test_common_causes_set_a_floor():
    design = pair().replace("balancer", availability=1.0).replace("db", availability=1.0)
    outage = [
        1 - availability(design.replace("app", count=n, common_cause=0.1, availability=0.99)).system
        for n in (1, 2, 3, 8)
    ]
    assert outage[0] == pytest.approx(0.01)
    # (1 - (1 - beta q) (1 - ((1 - beta) q)^2)), by hand
    assert outage[1] == pytest.approx(1 - (1 - 0.001) * (1 - 0.009**2), rel=1e-12)
    assert outage[3] == pytest.approx(0.001, rel=1e-3)
    assert outage == sorted(outage, reverse=True)


def test_too_many_components_are_refused():
    with pytest.raises(ValueError, match="21 components"):
        availability(chain(services=21))
    assert availability(chain(services=20)).system == pytest.approx(0.999**20)


# --- cost ---------------------------------------------------------------------------------------


def test_the_bill_adds_up():
    bill = cost(anatomy())
    assert bill.monthly == pytest.approx(sum(line.monthly for line in bill.lines))
    assert bill.monthly == pytest.approx(bill.table()["USD a month"].sum())
    assert bill.date == prices()["date"]
    assert bill.date in bill.reading


def test_the_bill_follows_the_design():
    table = dict(prices()) | {"app servers": {"small": 1, "medium": 1_000, "large": 5_000}}
    one = cost(anatomy(), table=table).monthly
    four = cost(anatomy().replace("app", count=4), table=table).monthly
    assert four - one == pytest.approx(1_000)
    big = cost(anatomy().replace("app", size="large"), table=table).monthly
    assert big - one == pytest.approx(3 * 4_000)
    assert cost(anatomy(), rate_rps=600).monthly > cost(anatomy()).monthly
    with pytest.raises(ValueError, match="'app servers', 'medium'"):
        cost(anatomy(), table=table | {"app servers": {}})


# --- traces -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trace",
    [
        steady(),
        spike(at_s=10, length_s=5, factor=4),
        diurnal(period_s=30, swing=0.8),
        flash_crowd(at_s=10, rise_s=3, fade_s=8, factor=6),
        Traffic("closing time", (0, 20, 20), (1, 1, 0)),
    ],
    ids=lambda t: t.name,
)
def test_traffic_follows_its_trace(trace):
    design = Design("d", Clients(rate_rps=2_000) >> AppServers(count=1, queue_capacity=0))
    sent = simulate_design(design, traffic=trace, duration_s=60, seed=5).sent_s
    counts, edges = np.histogram(sent, bins=30, range=(0, 60))
    grid = (edges[:-1, None] + np.linspace(0, 2, 400, endpoint=False)).ravel()
    expected = 2_000 * trace.multiplier(grid).reshape(30, 400).mean(axis=1) * 2
    # Poisson counts: 4.5 standard deviations in 30 bins, a false alarm in 5,000 runs.
    assert (np.abs(counts - expected) <= 4.5 * np.sqrt(expected) + 1e-9).all()
    assert trace.mean(60) == pytest.approx(expected.sum() / 120_000, rel=2e-3)


def test_warp_inverts_the_integral_of_the_multiplier():
    trace = flash_crowd(at_s=2, rise_s=1, fade_s=2, factor=9)
    work = np.linspace(0.01, 40, 400)
    times = trace.warp(work)
    done = [trace.mean(t) * t for t in times]
    np.testing.assert_allclose(done, work, rtol=1e-9)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: Traffic("t", (1.0,), (1.0,)), "times_s"),
        (lambda: Traffic("t", (0.0, 2.0, 1.0), (1.0, 1.0, 1.0)), "times_s"),
        (lambda: Traffic("t", (0.0,), (1.0, 2.0)), "equally long"),
        (lambda: Traffic("t", (0.0,), (-1.0,)), "factors"),
        (lambda: Fault("app", "explode", 1.0), "action"),
        (lambda: kill("app", at_s=-1), "at_s"),
        (lambda: kill("app", at_s=2, until_s=1), "until_s"),
        (lambda: slow("app", factor=0, at_s=1), "factor"),
    ],
)
def test_impossible_traces_are_refused(act, words):
    with pytest.raises(ValueError, match=words):
        act()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"faults": [kill("web", at_s=1)]}, "no component or instance 'web'"),
        ({"faults": [kill("app-9", at_s=1)]}, "app-9"),
        ({"faults": [kill("clients", at_s=1)]}, "clients"),
        ({"faults": [slow("queue", factor=2, at_s=1)]}, "queue"),
        ({"faults": [partition("workers", at_s=1)]}, "workers"),
        ({"faults": ["app"]}, "faults"),
        ({"duration_s": 0}, "duration_s"),
        ({"warm_up_s": 60}, "warm_up_s"),
        ({"engine": "slow"}, "engine"),
        ({"seed": -1}, "seed"),
        ({"traffic": "steady"}, "traffic"),
    ],
)
def test_impossible_runs_are_refused(kwargs, words):
    with pytest.raises((TypeError, ValueError)) as error:
        simulate_design(anatomy(), **kwargs)
    assert words in str(error.value)


def test_users_who_never_pause_are_stopped():
    design = Design("d", Clients(users=2, think_s=0.0) >> AppServers(count=1))
    with pytest.raises(ValueError, match="think_s"):
        simulate_design(design, duration_s=5, faults=[kill("app", at_s=2)])


# --- results and pictures -----------------------------------------------------------------------


def test_progress_ends_with_the_whole_run():
    results = list(simulate_design_progressively(anatomy(), duration_s=16, warm_up_s=1.5, steps=5))
    assert [r.duration_s for r in results] == [2, 4, 8, 16]
    whole = simulate_design(anatomy(), duration_s=16, warm_up_s=1.5)
    np.testing.assert_array_equal(results[-1].done_s, whole.done_s)
    assert results[-1].tallies == whole.tallies
    short = simulate_design(anatomy(), duration_s=4, warm_up_s=1.5)
    np.testing.assert_array_equal(results[1].done_s, short.done_s)
    users = Design("d", Clients(users=50, think_s=0.001) >> AppServers(count=1, service_s=0.001))
    *_, last = simulate_design_progressively(users, duration_s=4, steps=3)
    np.testing.assert_array_equal(last.done_s, simulate_design(users, duration_s=4).done_s)


def test_a_reading_says_what_the_numbers_say():
    result = simulate_design(anatomy(), duration_s=10, faults=[kill("app", at_s=4, until_s=6)])
    assert f"{result.sent:,} requests" in result.reading
    assert f"{result.failed:,} failed" in result.reading
    assert result.summary["sent"] == result.sent
    assert set(result.table().index) == set(result.tallies)


def test_the_log_tells_the_life_of_a_request():
    result = simulate_design(anatomy(rate_rps=5), duration_s=5, log=True)
    events = result.events()
    assert set(events["what"]) >= {"send", "start", "finish", "done"}
    assert (events.groupby("request")["time_s"].first().diff().dropna() > 0).all()
    with pytest.raises(ValueError, match="log=True"):
        simulate_design(anatomy(rate_rps=5), duration_s=5).events()


def all_words(axes):
    return [artist for artist in axes.get_children() if isinstance(artist, Words)]


@pytest.mark.parametrize("design", NAMED, ids=lambda d: d.name)
def test_diagram_table_and_picture_show_every_part(design):
    result = simulate_design(design, duration_s=5)
    text = mermaid(result)
    for component in design:
        assert component.name in text
    assert text.count("-->") + text.count("-.->") == len(design.wiring)
    assert list(design_table(design).index) == [c.name for c in design]
    for subject in (design, result, theory_design(design)):
        axes = Figure(figsize=(7.2, 5)).add_subplot()
        plot_design(subject, axes)
        written = " ".join(text for words in all_words(axes) for text in words.texts)
        for component in design:
            assert component.name in written
        axes.figure.canvas.draw()
    for plot in (plot_outcomes, plot_queues):
        axes = Figure().add_subplot()
        plot(result, axes)
        assert axes.get_title()
        assert axes.get_xlabel().endswith("(s)")
        axes.figure.canvas.draw()


@pytest.mark.parametrize("rule", INVALID)
def test_unfinished_designs_can_be_drawn(rule):
    design, _ = INVALID[rule]
    plot_design(design, Figure().add_subplot())
    assert mermaid(design).startswith("flowchart")
    assert len(design_table(design)) == len(design.components)


def test_boxes_do_not_overlap():
    for design in NAMED:
        axes = Figure(figsize=(7.2, 5)).add_subplot()
        plot_design(simulate_design(design, duration_s=2), axes)
        axes.figure.canvas.draw()
        renderer = FigureCanvasAgg(axes.figure).get_renderer()
        labels = [box for words in all_words(axes) for box in words.extents(renderer)]
        assert len(labels) > 2 * len(design.components)
        for i, one in enumerate(labels):
            for other in labels[i + 1 :]:
                overlap = one.overlaps(other) and min(
                    one.x1 - other.x0, other.x1 - one.x0, one.y1 - other.y0, other.y1 - one.y0
                )
                assert not overlap or overlap < 3, (design.name, one, other)


def test_words_stay_in_their_boxes():
    islands = [  # a drawing twice as wide as it is meant to be
        simulate_boxes(mistake=mistake, servers=4, replicas=3).design for mistake in MISTAKES
    ]
    widths = set()
    for design in [*NAMED, *islands]:
        axes = Figure(figsize=(7.2, 5)).add_subplot()
        middles = plot_design(design, axes)
        axes.figure.canvas.draw()
        renderer = FigureCanvasAgg(axes.figure).get_renderer()
        (left, _), (right, _) = axes.transData.transform([(-0.81, 0), (0.81, 0)])
        widths.add(round(right - left))
        for words in all_words(axes)[-2:]:  # the two lines of every box
            boxes = words.extents(renderer)
            assert len(boxes) == len(middles)
            assert max(box.width for box in boxes) < right - left, design.name
    assert min(widths) < 0.8 * max(widths)


def test_bounds_name_the_bottleneck():
    found = bounds(anatomy())
    assert found.bottleneck == "app-1"
    assert bounds(anatomy().replace("app", count=30)).bottleneck == "workers"
    assert found.table().index[0] in ("app-1", "app-2", "app-3")
    assert "app-1" in found.reading
