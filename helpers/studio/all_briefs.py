"""Kinds of design on all briefs at once: what a recipe is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from helpers.blueprint import Design
from helpers.studio.deck import Brief, deck
from helpers.studio.judge import misses
from helpers.studio.references import checklist, reference, usual

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of design by what a table calls them.
KINDS: Mapping[str, Callable[[Brief], Design]] = {
    "checklist": checklist, "usual": usual, "reference": reference,
}  # fmt: skip


def verdicts(*, seed: int = 1) -> pd.DataFrame:
    """Return what each kind of design misses first of each brief, on all traces; some seconds.

    Parameters
    ----------
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each brief, a column for each kind; "keeps it all" where nothing is missed.
    """
    import pandas as pd

    rows = {}
    for brief in deck().values():
        said = {}
        for kind, build in KINDS.items():
            first = next(misses(brief, build(brief), brief.traces, seed=seed), "keeps it all")
            said[kind] = first.partition(" of at ")[0]
        rows[brief.title] = said
    return pd.DataFrame(rows).T


def seen_and_unseen(*, seed: int = 1) -> str:
    """Say how many of the usual designs keep all that can be seen, and how many the rest as well.

    Parameters
    ----------
    seed : int
    """

    def keep(which: str) -> int:
        return sum(
            next(misses(one, usual(one), getattr(one, which), seed=seed), None) is None
            for one in deck().values()
        )

    return (
        f"Of {len(deck())} usual designs, {keep('visible')} keep all on the traces that can be "
        f"seen, and {keep('unseen')} on the others."
    )
