"""A model under suspicion: a law is tried on its runs, and on those of an honest model.

A law is a function of a run that says whether the run obeys it. It exposes a suspect when the
suspect breaks it at some setting, whatever the luck, and every run of the honest model obeys it: a
law that refuses everything, or nothing, or at random, exposes nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.foundations.experiment import Draws, Parameters
from helpers.foundations.prose import counted

Law = Callable[[Mapping[str, Any]], Any]

#: Each setting is run with each of these seeds, so that no law is right by luck.
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Suspect:
    """A model with a fault, the model without it, and where both are run.

    Attributes
    ----------
    claimed, honest : callable
        ``model(at, draw)``; both return a run, a dict with the same names.
    settings : sequence of Parameters
        Some of them show the fault, and some need not.
    """

    claimed: Callable[[Any, Draws], Mapping[str, Any]]
    honest: Callable[[Any, Draws], Mapping[str, Any]]
    settings: Sequence[Parameters]


@dataclass(frozen=True)
class Verdict:
    """What a law said of the runs of both models.

    Attributes
    ----------
    claimed, honest : tuple of bool
        Whether each run obeys it, in the same order.
    settings : tuple of str
        In words, what each run's setting differs in.
    trouble : str
        Why the law could not be tried, if it could not.
    """

    claimed: tuple[bool, ...]
    honest: tuple[bool, ...]
    settings: tuple[str, ...]
    trouble: str = ""

    @property
    def exposed(self) -> bool:
        """Whether the law refuses the suspect at some setting, and never the honest model."""
        return not self.trouble and all(self.honest) and self._broken is not None

    @property
    def _broken(self) -> int | None:
        """The first run of a setting at which the suspect breaks the law with every seed."""
        starts = range(0, len(self.claimed), len(SEEDS))
        return next((n for n in starts if not any(self.claimed[n : n + len(SEEDS)])), None)

    @property
    def reading(self) -> str:
        """What came of it, in a sentence or two."""
        if self.trouble:
            return self.trouble
        runs = len(self.claimed)
        if not all(self.honest):
            wrong = self.honest.index(False)
            return (
                f"Your law refuses {self.honest.count(False)} of {counted(runs, 'run')} of an "
                f"honest model, too, such as the one {self.settings[wrong]}. It asks too much."
            )
        if all(self.claimed):
            return (
                f"Your law is obeyed in {counted(runs, 'run')} of the suspect and in as many of "
                "an honest model. It exposes nobody."
            )
        broken = self.claimed.count(False)
        if self._broken is None:
            return (
                f"{counted(broken, 'run')} of {runs} of the suspect "
                f"{'breaks' if broken == 1 else 'break'} your law, at no setting with every seed: "
                "that may be luck. It exposes nobody."
            )
        return (
            f"Exposed. {broken} runs of {runs} of the suspect break your law, such as the one "
            f"{self.settings[self._broken]}, and an honest model obeys it in all {runs}."
        )


def tried(suspect: Suspect, law: Law) -> Verdict:
    """Try a law on runs of the suspect and of the honest model at the same settings and seeds.

    A law that raises, or whose answer is neither true nor false, is told why in `trouble`.
    """
    claimed, honest, words = [], [], []
    for at, said, suspected, fair in _runs(suspect):
        try:
            claimed.append(_obeyed(law, suspected))
            honest.append(_obeyed(law, fair))
        except Exception as error:
            names = ", ".join(map(repr, fair))
            trouble = f"Your law fails with {type(error).__name__}: {error}. A run has {names}."
            return Verdict((), (), (), trouble)
        words.append(f"{said} and seed {at.seed}" if said else f"with seed {at.seed}")
    return Verdict(tuple(claimed), tuple(honest), tuple(words))


def _obeyed(law: Law, run: Mapping[str, Any]) -> bool:
    said = law(dict(run))
    if np.ndim(said) or not isinstance(said, bool | np.bool_):
        raise TypeError(f"a law must return True or False, got {said!r:.60}")
    return bool(said)


@lru_cache(maxsize=16)
def _runs_of(claimed: Any, honest: Any, settings: tuple[Parameters, ...]) -> list[Any]:
    found = []
    for at in settings:
        usual = type(at)().values()
        said = [f"{name} = {v:g}" for name, v in at.values().items()
                if usual[name] != v and name != "seed"]  # fmt: skip
        for seed in SEEDS:
            here = at.but(seed=seed)
            runs = [_kept(model(here, Draws(seed))) for model in (claimed, honest)]
            found.append((here, f"at {', '.join(said)}" if said else "", *runs))
    return found


def _runs(suspect: Suspect) -> list[Any]:
    return _runs_of(suspect.claimed, suspect.honest, tuple(suspect.settings))


def _kept(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run whose arrays nobody can change, so that no law sees another's traces."""
    kept = {}
    for name, value in run.items():
        if isinstance(value, list | np.ndarray):
            value = np.array(value)
            value.setflags(write=False)
        kept[name] = value
    return kept


def sample(model: Callable[[Any, Draws], Mapping[str, Any]], at: Any) -> dict[str, Any]:
    """Run a model once at a setting, to look at what a run has.

    Returns
    -------
    dict of str to number or str
        Numbers to three digits, and of a row how many it holds and the first of them.
    """
    run = model(at, Draws(at.seed))
    return {name: _shown(value) for name, value in run.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, list | np.ndarray):
        first = ", ".join(str(_shown(one)) for one in list(value)[:3])
        return f"{len(value):,} values: {first}, ..."
    if isinstance(value, str | bool | int | np.integer):
        return value if isinstance(value, str | bool) else int(value)
    return float(f"{float(value):.3g}")
