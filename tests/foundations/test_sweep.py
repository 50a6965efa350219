"""Sweeps give the same table on every executor, in the order of the grid, or say what failed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pandas as pd
import pytest

from helpers.foundations.experiment import Result
from helpers.foundations.queueing import mm1_response
from helpers.foundations.sweep import SweepError, sweep
from helpers.foundations.traffic.streams import streams


def sample(load: float, seed: int, scale: float = 1.0) -> dict[str, float]:
    return {"draw": scale * load * streams(seed, "x")["x"].random()}


def test_grid_is_walked_with_the_first_parameter_slowest() -> None:
    table = sweep(lambda a, b, c: {"sum": a + b + c}, {"a": [1, 2], "b": (10, 20, 30)}, c=100)
    assert list(table.columns) == ["a", "b", "sum"]
    assert table["a"].tolist() == [1, 1, 1, 2, 2, 2]
    assert table["b"].tolist() == [10, 20, 30] * 2
    assert table["sum"].tolist() == [111, 121, 131, 112, 122, 132]


def test_every_executor_gives_the_same_table() -> None:
    grid = {"load": [0.1, 0.5, 0.9], "seed": range(4)}
    here = sweep(sample, grid, scale=2.0)
    with ThreadPoolExecutor(3) as threads:
        pd.testing.assert_frame_equal(sweep(sample, grid, executor=threads, scale=2.0), here)
    with ProcessPoolExecutor(2) as processes:
        pd.testing.assert_frame_equal(sweep(sample, grid, executor=processes, scale=2.0), here)
    assert here["draw"].nunique() == 12


def test_order_is_the_grids_even_when_the_last_finishes_first() -> None:
    def slow_first(delay: float) -> float:
        time.sleep(delay)
        return delay

    with ThreadPoolExecutor(3) as threads:
        table = sweep(slow_first, {"delay": [0.06, 0.03, 0.0]}, executor=threads)
    assert table["value"].tolist() == [0.06, 0.03, 0.0]


@pytest.mark.parametrize("workers", [0, 2])
def test_progress_is_told_point_by_point_in_the_calling_thread(workers) -> None:
    executor = ThreadPoolExecutor(workers) if workers else None
    told, me = [], threading.current_thread().name

    def tell(done: int, total: int) -> None:
        told.append((done, total, threading.current_thread().name))

    grid = {"arrival_rps": [1, 2, 3]}
    sweep(mm1_response, grid, service_s=0.1, executor=executor, on_done=tell)
    assert told == [(1, 3, me), (2, 3, me), (3, 3, me)]
    if executor:
        executor.shutdown()


class Squared(Result):
    base: int

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {"base": self.base, "square": self.base**2}

    @property
    def reading(self) -> str:
        return f"{self.base} squared is {self.base**2}"


def test_a_result_contributes_its_summary() -> None:
    table = sweep(Squared, {"base": [2, 3]})
    assert table.to_dict("list") == {"base": [2, 3], "square": [4, 9]}


def test_a_result_may_not_contradict_a_parameter() -> None:
    with pytest.raises(ValueError, match="a result must not be called a, as a parameter is"):
        sweep(lambda a: {"a": a + 1}, {"a": [1]})


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_names_the_point_and_keeps_its_cause(workers) -> None:
    executor = ThreadPoolExecutor(workers) if workers else None
    with pytest.raises(SweepError, match=r"arrival_rps=10\.0.*must be <") as caught:
        sweep(mm1_response, {"arrival_rps": [9.0, 10.0]}, service_s=0.1, executor=executor)
    assert caught.value.parameters == {"arrival_rps": 10.0}
    assert isinstance(caught.value.__cause__, ValueError)
    if executor:
        executor.shutdown()


def test_an_error_cancels_what_has_not_begun() -> None:
    begun = []

    def point(i: int) -> int:
        begun.append(i)
        if i == 0:
            raise RuntimeError("first")
        time.sleep(0.02)
        return i

    with ThreadPoolExecutor(1) as one, pytest.raises(SweepError, match="i=0"):
        sweep(point, {"i": range(50)}, executor=one)
    assert len(begun) < 50


@pytest.mark.parametrize(
    ("grid", "fixed", "error", "message"),
    [
        ([("a", [1])], {}, TypeError, "grid must be a mapping"),
        ({}, {}, ValueError, "at least one parameter"),
        ({"a": []}, {}, ValueError, r"grid\['a'\] must hold at least one value"),
        ({"a": 3}, {}, TypeError, r"grid\['a'\] must be a sequence of values, got 3"),
        ({"a": "xyz"}, {}, TypeError, r"grid\['a'\] must be a sequence of values, got 'xyz'"),
        ({"a": [1]}, {"a": 1}, ValueError, "a must be in the grid or fixed, got both"),
    ],
)
def test_bad_grids_are_refused(grid, fixed, error, message) -> None:
    with pytest.raises(error, match=message):
        sweep(lambda a: a, grid, **fixed)


def test_parameters_of_any_name_can_be_swept() -> None:
    table = sweep(lambda function, grid: function + grid, {"function": [1], "grid": [2]})
    assert table["value"].tolist() == [3]
