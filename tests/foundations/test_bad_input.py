"""Every numeric parameter of every public function refuses nonsense and says what it wanted."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from helpers.foundations import queueing, statistics
from helpers.foundations.queueing import station
from helpers.foundations.traffic import arrivals, draws, keys, services
from helpers.foundations.traffic import streams as streams_
from helpers.foundations.traffic.arrivals import (
    arrival_scv,
    arrival_times,
    interarrival_times,
    unit_gaps,
)
from helpers.foundations.traffic.draws import hyperexponential_share
from helpers.foundations.traffic.keys import zipf_keys, zipf_weights
from helpers.foundations.traffic.services import service_scv, service_times, unit_services
from helpers.foundations.traffic.streams import streams

RNG = np.random.default_rng(0)
MM1 = {"arrival_rps": 5.0, "service_s": 0.1}
MMC = {**MM1, "servers": 3}
GG1 = {**MM1, "arrival_scv": 2.0, "service_scv": 3.0}
STATION = {"arrivals_s": [1.0, 2.0], "services_s": [1.0, 1.0], "servers": 2}
CLOSED = {"demands_s": [0.1, 0.2], "customers": 3, "think_s": 1.0}
DRAWN = np.arange(500.0)

#: Every public function with arguments it accepts.
CALLS = {
    streams: {"seed": 1},
    unit_gaps: {"kind": "bursty", "size": 3, "rng": RNG, "burstiness": 2.0},
    interarrival_times: {"kind": "bursty", "rate_rps": 2.0, "size": 3, "rng": RNG},
    arrival_times: {"kind": "bursty", "rate_rps": 2.0, "size": 3, "rng": RNG},
    arrival_scv: {"kind": "bursty", "burstiness": 2.0},
    unit_services: {
        "kind": "bimodal",
        "size": 3,
        "rng": RNG,
        "scv": 2.0,
        "slow_share": 0.1,
    },
    service_times: {"kind": "lognormal", "mean_s": 2.0, "size": 3, "rng": RNG, "scv": 2.0},
    service_scv: {"kind": "hyperexponential", "scv": 2.0},
    hyperexponential_share: {"scv": 2.0},
    zipf_weights: {"keys": 5, "exponent": 1.0},
    zipf_keys: {"size": 4, "keys": 5, "exponent": 1.0, "rng": RNG},
    queueing.fifo_waits: STATION,
    station.simpy_waits: STATION,
    queueing.mm1_response: MM1,
    queueing.mm1_wait: MM1,
    queueing.mm1_response_percentile: {**MM1, "q": 0.9},
    queueing.mg1_wait: {**MM1, "scv": 2.0},
    queueing.mg1_response: {**MM1, "scv": 2.0},
    queueing.kingman_wait: GG1,
    queueing.kingman_bound: GG1,
    queueing.bursty_wait: {**MM1, "burstiness": 2.0},
    queueing.mm1k: {**MM1, "capacity": 4},
    queueing.erlang_b: {"offered_load": 2.0, "servers": 3},
    queueing.erlang_c: {"offered_load": 2.0, "servers": 3},
    queueing.mmc_wait: MMC,
    queueing.mmc_response: MMC,
    queueing.mmc_wait_percentile: {**MMC, "q": 0.9},
    queueing.mmc_response_percentile: {**MMC, "q": 0.9},
    queueing.allen_cunneen_wait: {**GG1, "servers": 3},
    queueing.servers_for_wait_probability: {"offered_load": 2.0, "target": 0.1},
    queueing.square_root_staffing: {"offered_load": 2.0, "target": 0.1},
    queueing.halfin_whitt_wait_probability: {"beta": 1.0},
    queueing.mva: CLOSED,
    queueing.bottleneck_bounds: CLOSED,
    statistics.mean_interval: {"samples": DRAWN, "confidence": 0.9},
    statistics.mean_intervals: {"samples": [DRAWN, DRAWN], "confidence": 0.9},
    statistics.skewed_interval: {"samples": DRAWN, "confidence": 0.9},
    statistics.skewed_intervals: {"samples": [DRAWN, DRAWN], "confidence": 0.9},
    statistics.batch_means: {"series": DRAWN, "batches": 5, "confidence": 0.9, "warmup": 3},
    statistics.quantile_interval: {"samples": DRAWN, "q": 0.9, "confidence": 0.9},
    statistics.wilson_interval: {"successes": 3, "trials": 9},
    statistics.wilson_interval: {"successes": 3, "trials": 5},
    statistics.t_quantile: {"p": 0.9, "df": 3},
}
ANY_SIGN = {"samples", "series"}  # data may be negative
CASES = [
    pytest.param(function, name, bad, id=f"{function.__name__}-{name}-{bad!r}")
    for function, arguments in CALLS.items()
    for name, good in arguments.items()
    if name != "rng"
    for bad in (-1, math.nan, math.inf, "one", None, [None])
    if not (name == "kind" and bad != bad)
    if not (name in ANY_SIGN and bad == -1)
]


@pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)
def test_the_good_arguments_are_good(function) -> None:
    function(**CALLS[function])


@pytest.mark.parametrize(("function", "name", "bad"), CASES)
def test_nonsense_is_refused_by_name_value_and_range(function, name, bad) -> None:
    for value in (bad, [bad]) if isinstance(CALLS[function][name], list) else (bad,):
        with pytest.raises((TypeError, ValueError)) as caught:
            function(**{**CALLS[function], name: value})
        message = str(caught.value)
        assert name in message
        assert "must" in message
        assert "got" in message


def test_no_public_function_is_left_out() -> None:
    modules = (streams_, arrivals, services, draws, keys, queueing, station, statistics)
    public = {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__.startswith("helpers.foundations.")
    }
    elsewhere = {  # their own tests: they take more than numbers
        "queue_length_at",
        "agrees",
        "verdict",
        "fewer_than",
        "exponential",  # what these draw with
        "uniform",
        "hyperexponential",
        "shape_of",
        "rough",  # words about numbers
        "seldom",
        "wilson_intervals",  # of many counts
    }
    assert {f.__name__ for f in public - CALLS.keys()} == elsewhere


UNSTABLE = [
    function
    for function, arguments in CALLS.items()
    if "arrival_rps" in arguments and function is not queueing.mm1k
]


@pytest.mark.parametrize("function", UNSTABLE, ids=lambda function: function.__name__)
@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_an_unstable_queue_is_refused_with_its_limit(function, factor) -> None:
    servers = CALLS[function].get("servers", 1)
    rate = factor * servers / 0.1
    message = rf"arrival_rps must be < .* = {servers / 0.1:g} requests/s, got {rate:g}"
    for arrival in (rate, [1.0, rate]):
        with pytest.raises(ValueError, match=message):
            function(**{**CALLS[function], "arrival_rps": arrival})


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: queueing.mm1_wait(10.0000001, 0.1), "= 10 requests/s, got 10.0000001:"),
        (lambda: queueing.erlang_c(2.0000001, 2), "servers = 2, got 2.0000001:"),
        (
            lambda: queueing.fifo_waits([0, 1.0000001, 1], [1, 1, 1], 1),
            r"got 1 at \[2\] after 1.0000001$",
        ),
    ],
)
def test_what_is_just_beyond_a_limit_is_told_in_full(refused, message) -> None:
    with pytest.raises(ValueError, match=message):
        refused()


def test_an_unstable_load_is_refused_with_its_limit() -> None:
    for load in (3.0, [1.0, 3.0]):
        with pytest.raises(ValueError, match=r"offered_load must be < servers = 3, got 3"):
            queueing.erlang_c(load, 3)


@pytest.mark.parametrize(
    ("function", "change", "message"),
    [
        (queueing.fifo_waits, {"servers": 0}, "servers must be a whole number >= 1, got 0"),
        (queueing.fifo_waits, {"servers": 2.0}, r"servers must be .*, got 2\.0"),
        (queueing.mmc_wait, {"servers": 0}, "servers must be a whole number >= 1, got 0"),
        (queueing.mmc_wait, {"servers": [1, 0]}, r"servers\[1\] must be .* >= 1, got 0"),
        (queueing.mmc_wait, {"servers": [1.0]}, "servers must be a whole number >= 1, got dtype"),
        (
            queueing.fifo_waits,
            {"arrivals_s": [2.0, 1.0]},
            r"arrivals_s must .* got 1 at \[1\] after",
        ),
        (
            queueing.fifo_waits,
            {"arrivals_s": [[1.0, 2.0], [5.0, 4.5]]},
            r"arrivals_s must .* got 4\.5 at \[1, 1\] after 5",
        ),
        (queueing.fifo_waits, {"arrivals_s": [1, -2]}, r"arrivals_s\[1\] must be .*>= 0, got -2"),
        (queueing.fifo_waits, {"services_s": np.array([1, np.nan])}, r"services_s\[1\] .* nan"),
        (queueing.fifo_waits, {"services_s": [1.0]}, r"services_s must be one per arrival"),
        (
            queueing.fifo_waits,
            {"arrivals_s": np.ones((3, 2)), "services_s": np.ones((4, 2))},
            r"services_s must match the shape of arrivals_s \(3, 2\), got shape \(4, 2\)",
        ),
        (queueing.fifo_waits, {"arrivals_s": np.ones((1, 1, 2))}, "arrivals_s must have 1 or 2"),
        (station.simpy_waits, {"arrivals_s": [2.0, 1.0]}, "arrivals_s must be non-decreasing"),
        (queueing.mm1_response_percentile, {"q": 99}, "q must be .* >= 0 and < 1, got 99"),
        (queueing.mm1k, {"capacity": 0}, "capacity must be a whole number >= 1, got 0"),
        (queueing.mva, {"demands_s": [0.0, 0.0]}, "demands_s must have at least one .* > 0"),
        (queueing.mva, {"customers": 0}, "customers must be a whole number >= 1, got 0"),
        (unit_gaps, {"kind": "Poisson"}, "kind must be one of 'poisson', .* 'Poisson'"),
        (unit_gaps, {"burstiness": 0.5}, "burstiness must be .* >= 1, got 0.5"),
        (unit_gaps, {"size": 0}, "size must be a whole number >= 1, got 0"),
        (unit_gaps, {"size": (3, 2.5)}, "size must be a whole number >= 1, got 2.5"),
        (unit_services, {"scv": 9.5}, "scv must be .* <= 9, got 9.5"),
        (service_scv, {"scv": 0.9}, "scv must be .* >= 1, got 0.9"),
        (arrival_times, {"rate_rps": 0}, "rate_rps must be .* > 0, got 0"),
        (statistics.mean_interval, {"samples": [1.0]}, "samples must hold at least 2 values"),
        (statistics.batch_means, {"series": np.ones(52)}, "series must hold at least 53 values"),
        (statistics.t_quantile, {"df": 0.5}, "df must be .* >= 1, got 0.5"),
    ],
)
def test_the_message_shows_the_range(function, change, message) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        function(**{**CALLS[function], **change})


def test_names_of_streams_are_checked() -> None:
    with pytest.raises(ValueError, match="names must all be different, got 'a' twice"):
        streams(1, "a", "b", "a")
    with pytest.raises(ValueError, match=r"names\[1\] must be a non-empty string, got ''"):
        streams(1, "a", "")
    with pytest.raises(TypeError, match=r"names\[0\] must be a string, got 3"):
        streams(1, 3)


def test_times_of_a_queue_are_checked() -> None:
    with pytest.raises(ValueError, match=r"departures_s must be one per arrival"):
        queueing.queue_length_at(1.0, [1.0, 2.0], [3.0])
    with pytest.raises(ValueError, match=r"times_s\[0\] must be .* got nan"):
        queueing.queue_length_at([math.nan], [1.0], [3.0])


def test_a_prediction_must_be_a_number() -> None:
    interval = statistics.mean_interval([1, 2, 3])
    for bad in (math.nan, "2", None):
        with pytest.raises((TypeError, ValueError), match="theory must be a finite number, got"):
            statistics.verdict(interval, bad)
