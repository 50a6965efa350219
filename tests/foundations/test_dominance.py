"""Who is beaten by nobody: the quick way against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.dominance import undominated


def by_definition(rows):
    return [
        i
        for i, one in enumerate(rows)
        if not any((other <= one).all() and (other < one).any() for other in rows)
    ]


@pytest.mark.parametrize("numbers", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_definition(numbers, seed):
    rows = np.random.default_rng(seed).integers(0, 5, (40, numbers)).astype(float)
    assert undominated(rows).tolist() == by_definition(rows)


def test_equals_do_not_beat_each_other():
    assert undominated([[5, 5], [5, 5], [6, 5]]).tolist() == [0, 1]
    assert undominated(np.zeros((0, 2))).tolist() == []
