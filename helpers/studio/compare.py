"""Two designs for one brief, side by side: what differs, what it costs, what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers.blueprint import Design
from helpers.blueprint.written import differences
from helpers.foundations.prose import duration, significant
from helpers.studio.deck import Brief, Trace
from helpers.studio.judge import judge

if TYPE_CHECKING:
    import pandas as pd


def compare(
    brief: Brief, before: Design, after: Design, traces: Sequence[Trace] | None = None, *,
    seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Return what two designs come to on the same traces, and what is different in the second.

    Parameters
    ----------
    brief : Brief
    before, after : Design
    traces : sequence of Trace, optional
        All of the brief's by default.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each number, then one for each difference; a column for each design.
    """
    import pandas as pd

    chosen = brief.traces if traces is None else traces
    cards = [judge(brief, design, chosen, seed=seed) for design in (before, after)]
    columns = {}
    for name, card in zip(("before", "after"), cards, strict=True):
        numbers = {
            "US$ a month": f"{card.monthly_usd:,.0f}",
            "up": f"{significant(100 * card.up, 5)} %",
            "answered, worst trace": f"{significant(100 * card.answered)} %",
            "99 of 100 within": duration(card.p99_ms / 1e3) if card.ran else "not run",
            "lost": f"{card.lost:,}",
            "misses": f"{len(card.misses)}",
        }
        columns[name] = numbers
    for each in differences(before, after):
        columns["before"][each.what], columns["after"][each.what] = each.before, each.after
    return pd.DataFrame(columns)
