"""The language: wiring, changing, judging, pricing and drawing a design."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
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
from helpers.blueprint.diagram import summary_line
from helpers.blueprint.graph import cycle_of
from helpers.blueprint.plots import plot_design, plot_outcomes, plot_queues
from helpers.blueprint.plots.layout import layout
from helpers.blueprint.simulation.rules import IN_FLIGHT, OK
from helpers.blueprint.simulation.runs import simulate_design_progressively
from helpers.estimation import boxes as drawn_boxes
from helpers.explore.canvas import Canvas
from helpers.foundations.drawing.words import Words
from tests.blueprint.designs import designs
from tests.drawn import text_faults

NAMED = [single(), pair(), horizontal(), anatomy(), cache_aside(), chain()]
CLIENTS = Clients(rate_rps=10)


@pytest.mark.parametrize(
    "name",
    [
        "helpers.blueprint",
        *(m.name for m in pkgutil.walk_packages(helpers.blueprint.__path__, "helpers.blueprint.")),
    ],
)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


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
    assert finding.message.startswith("overload at 'workers': ")
    assert finding.message.endswith(" servers busy, and there is 1")


def test_sentences_agree_in_number():
    design = anatomy().without("queue")
    said = [str(f) for f in validate(design.replace("workers", count=1, availability=0.9))]
    assert any("'workers' are a single point of failure: without them" in each for each in said)
    assert any("'balancer' is a single point of failure: without it" in each for each in said)
    busy = bounds(anatomy().replace("workers", count=1))
    assert busy.reading.startswith("First to saturate: workers, at ")


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


@pytest.mark.parametrize("services", [1, 20, 21, 30, 200])
def test_a_chain_of_any_length_is_the_product(services):
    found = availability(chain(services=services))
    assert found.system == pytest.approx(0.999**services, rel=1e-12)
    assert len(found.importance) == services
    assert found.importance["service-1"] == pytest.approx(0.999 ** (services - 1), rel=1e-12)


def test_forty_components_with_spares_and_a_shared_database():
    """Ten pairs of services behind balancers, one after the other; each writes to one database."""
    db = Database(availability=0.98)
    app = [AppServers(f"a-{i}", count=1, availability=0.9) for i in range(20)]
    front = [LoadBalancer(f"b-{i}", availability=0.99) for i in range(10)]
    paths = [CLIENTS >> front[0]]
    for i in range(10):
        for one in app[2 * i : 2 * i + 2]:
            paths += [front[i] >> one >> db]
            paths += [one >> front[i + 1]] if i < 9 else []
    found = availability(Design("forty", *paths), request="write").system
    assert found == pytest.approx(0.98 * (0.99 * (1 - 0.1**2)) ** 10, rel=1e-12)


@settings(deadline=None)
@given(design=designs(), request_kind=st.sampled_from(["read", "write", "job"]))
def test_any_design_s_availability_is_that_of_every_instance_tried(design, request_kind):
    assume(sum(c.machines for c in design) <= 12)
    for i, component in enumerate(design):
        design = design.replace(component.name, availability=0.6 + 0.05 * i)
    ours = availability(design, request=request_kind).system
    assert ours == pytest.approx(enumerate_instances(design, request=request_kind), abs=1e-12)


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
        Traffic("two days", (0, 15, 30, 45, 60), (0.2, 1.8, 0.2, 1.8, 0.2)),
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
    assert [r.at.duration_s for r in results] == [2, 4, 8, 16]
    whole = simulate_design(anatomy(), duration_s=16, warm_up_s=1.5)
    np.testing.assert_array_equal(results[-1].done_s, whole.done_s)
    assert results[-1].tallies == whole.tallies
    short = simulate_design(anatomy(), duration_s=4, warm_up_s=1.5)
    np.testing.assert_array_equal(results[1].done_s, short.done_s)
    users = Design("d", Clients(users=50, think_s=0.001) >> AppServers(count=1, service_s=0.001))
    *_, last = simulate_design_progressively(users, duration_s=4, steps=3)
    np.testing.assert_array_equal(last.done_s, simulate_design(users, duration_s=4).done_s)


def test_the_success_ratio_does_not_flatter_where_failures_take_long():
    """Half of the tries meet a silent server and take a second to fail: a quarter fails twice."""
    app = AppServers(count=2, service_s=0.01)
    balancer = LoadBalancer(policy="random", health_check=None)
    design = Design("d", Clients(rate_rps=40, timeout_s=1.0, retries=1) >> balancer >> app)
    runs_ = [
        simulate_design(
            design, faults=[partition("app-1", at_s=0)], duration_s=8, warm_up_s=2, seed=seed
        )
        for seed in range(40)
    ]
    judged = sum(run.judged.sum() for run in runs_)
    error = (0.75 * 0.25 / judged) ** 0.5
    assert abs(np.mean([run.success_ratio for run in runs_]) - 0.75) < 4 * error
    # Answers come at once and failures after two seconds, so what is decided is no fair sample.
    decided = [run.outcome[run.counted & (run.outcome != IN_FLIGHT)] == OK for run in runs_]
    assert np.mean([each.mean() for each in decided]) > 0.75 + 4 * error


def test_who_hangs_has_not_been_answered():
    design = Design("d", Clients(rate_rps=1, arrivals="constant") >> ONE)
    hung = simulate_design(design, faults=[partition("app", at_s=3.5)], duration_s=20.5)
    assert (hung.in_flight, hung.failed) == (17, 0)
    assert hung.success_ratio == pytest.approx(3 / 20)
    slow_ = design.replace("app", service_s=99)
    assert np.isnan(simulate_design(slow_, duration_s=2).success_ratio)  # nothing is known yet


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


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Clients(users=1), "1 user, 1 s apart"),
        (Clients(users=20_000), "20,000 users, 1 s apart"),
        (AppServers(count=1, threads=1), "1 thread, 50 ms"),
        (AppServers(count=2, threads=1_000), "2 × 1,000 threads, 50 ms"),
    ],
)
def test_what_a_part_is_given_is_counted_in_words(component, words):
    assert summary_line(component) == words


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


B, C = AppServers("b", count=1), AppServers("c", count=1)
ROUND = [
    Design("back", CLIENTS >> ONE >> B >> ONE, B >> DB),
    Design("itself", CLIENTS >> ONE >> ONE, ONE >> DB),
    Design("a long way back", CLIENTS >> LoadBalancer() >> ONE >> B >> C >> ONE, C >> DB),
    Design("workers who call", CLIENTS >> LoadBalancer() >> APP >> CACHE >> DB,
           APP >> Queue() >> Workers() >> APP),
    Design("beside the road", CLIENTS >> ONE, B >> C >> B),
    Design("nothing else", ONE >> B >> ONE),
    Design("two ways back", CLIENTS >> ONE >> B >> C >> B, C >> ONE),
]  # fmt: skip


@pytest.mark.parametrize("design", ROUND, ids=lambda d: d.name)
def test_a_circle_is_drawn_as_one_edge_that_leads_back(design):
    plan = layout(design)
    assert plan.down.keys() | plan.back.keys() == set(design.wiring)
    for source, target in plan.down:
        assert plan.boxes[source].layer < plan.boxes[target].layer
    assert cycle_of(Design("without", *design.components, *(
        design[source] >> design[target] for source, target in plan.down
    ))) == []  # fmt: skip
    # No layer is empty, and what has a caller is not in the first.
    layers = {box.layer for box in plan.boxes.values()}
    assert layers == set(range(len(layers)))
    for (source, target), way in plan.back.items():
        start, end = plan.boxes[source], plan.boxes[target]
        assert start.layer >= end.layer
        assert abs(way[0][0] - start.x) == pytest.approx(start.width / 2)
        assert abs(way[-1][0] - end.x) == pytest.approx(end.width / 2)
        lane = way[1][0]
        assert lane == way[2][0]
        assert plan.left <= lane <= plan.right
        for box in plan.boxes.values():
            assert abs(lane - box.x) > box.width / 2
    lanes = [way[1][0] for way in plan.back.values()]
    assert len(set(lanes)) == len(lanes)
    axes = Figure().add_subplot()
    plot_design(design, axes)
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


def test_two_machines_side_by_side_hold_their_words_on_a_narrow_page():
    design = Design("a pair", Clients(rate_rps=5) >> Database(replicas=1))
    canvas = Canvas(plot_design, narrow=True)
    canvas.draw((theory_design(design),))
    assert text_faults(canvas.figure) == []
    left, right = canvas.axes[0].get_xlim()
    assert right - left < 5, "a small drawing is not made as small as a large one"


def test_words_stay_in_their_boxes():
    islands = [  # a drawing twice as wide as it is meant to be
        drawn_boxes.simulate(
            drawn_boxes.Setting(mistake=mistake, servers=4, replicas=3)
        ).verdict.design
        for mistake in drawn_boxes.MISTAKES
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
