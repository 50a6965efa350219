"""A URL in a file: the file format agrees with what is weighed."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import storage
from helpers.foundations.prose import significant
from tests import drawn


def test_storage_by_the_file_format() -> None:
    for rows, size in ((20_000, 100), (50_000, 30), (10_000, 700)):
        measured = storage.measure(rows=rows, url_bytes=size)
        assert abs(measured.error) < 0.02, (rows, size)
        assert measured.agrees
        assert 10 < measured.index_bytes < 30
    # A row of n bytes more must weigh about n bytes more.
    grown = storage.theory(storage.Trial(url_bytes=200))
    assert 95 < grown - storage.theory(storage.Trial()) < 112


def test_what_the_learner_sees() -> None:
    run, ax = storage.measure(), Figure().subplots()
    storage.plot(run, ax)
    exact, total = storage.theory(run.at), run.table_bytes + run.index_bytes
    values = [100, exact, run.table_bytes, total]
    np.testing.assert_allclose(drawn.bars(ax).ends, values)
    texts = drawn.written(ax)
    assert all(f"{value:.0f}" in texts for value in values)
    table = run.table()["bytes per row"]
    assert list(table) == pytest.approx([100, exact, run.table_bytes, run.index_bytes, total])
    reading = run.reading
    for number in (run.table_bytes, run.index_bytes, total / 100, exact):
        assert significant(number) in reading
    assert ": agrees" in reading
    wrong = storage.Storage(run.at, run.table_bytes * 1.03, run.index_bytes)
    assert ": disagrees" in wrong.reading
