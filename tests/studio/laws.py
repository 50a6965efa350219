"""Laws that are tried on suspects: what exposes one, and what must not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from helpers.foundations.experiment import Draws
from helpers.foundations.suspects import SEEDS, tried
from helpers.studio import questions

Law = Callable[[Mapping[str, Any]], bool]


def assert_exposes(experiment: ModuleType, key: str, *laws: Law) -> None:
    """Each of these laws exposes the suspect, and the page's goal notices."""
    goal = questions.GOALS[key]
    for law in laws:
        verdict = tried(experiment.SUSPECT, law)
        assert verdict.exposed, verdict.reading
        assert goal.parts[""](verdict)
        assert goal.boundary(verdict).endswith(".")


def assert_not_fooled(experiment: ModuleType, key: str, *laws: Law) -> None:
    """These laws expose nobody, and nor does an always, a never, a coin or a round number."""
    luck = np.random.default_rng(7)
    coins = [lambda run: bool(luck.random() < 0.7), lambda run: bool(luck.random() < 0.95)]
    for law in (lambda run: True, lambda run: False, *coins, *laws, *_thresholds(experiment)):
        verdict = tried(experiment.SUSPECT, law)
        assert not verdict.exposed, verdict.reading
        assert not questions.GOALS[key].parts[""](verdict)


def assert_alike(experiment: ModuleType) -> None:
    """Both models return the same names, and neither has the other's marks on it."""
    suspect = experiment.SUSPECT
    for at in suspect.settings:
        runs = [model(at, Draws(at.seed)) for model in (suspect.claimed, suspect.honest)]
        assert list(runs[0]) == list(runs[1])
        assert [type(value) is str for value in runs[0].values()] == [
            type(value) is str for value in runs[1].values()
        ]


def _thresholds(experiment: ModuleType) -> list[Law]:
    """Laws that hold one number of a run against a round one."""
    suspect, found = experiment.SUSPECT, []
    runs = [
        suspect.honest(at.but(seed=seed), Draws(seed)) for at in suspect.settings for seed in SEEDS
    ]
    names = [name for name, value in runs[0].items() if np.ndim(value) == 0]
    for name in names:
        cuts = {float(f"{float(run[name]) * by:.1e}") for run in runs for by in (0.8, 1.0, 1.25)}
        for cut, sign in itertools.product(sorted(cuts), (1, -1)):
            found.append(lambda run, n=name, c=cut, s=sign: bool(s * float(run[n]) <= s * c))
    return found
