"""Kinds of design on all briefs at once: what a recipe is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from helpers.blueprint import Design
from helpers.studio.deck import Brief, deck
from helpers.studio.judge import judge
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
            misses = judge(brief, build(brief), brief.traces, seed=seed).misses
            said[kind] = misses[0].partition(" of at ")[0] if misses else "keeps it all"
        rows[brief.title] = said
    return pd.DataFrame(rows).T


def seen_and_unseen(*, seed: int = 1) -> str:
    """Say how many of the usual designs keep all that can be seen, and how many the rest as well.

    Parameters
    ----------
    seed : int
    """
    seen = [judge(one, usual(one), one.visible, seed=seed).passes for one in deck().values()]
    rest = [judge(one, usual(one), one.unseen, seed=seed).passes for one in deck().values()]
    return (
        f"Of {len(seen)} usual designs, {sum(seen)} keep all on the traces that can be seen, and "
        f"{sum(rest)} on the others."
    )
