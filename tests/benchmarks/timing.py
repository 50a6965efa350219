"""Take times side by side, so that their ratios survive a noisy machine."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_AT_LEAST_S = 0.05


@dataclass
class Table:
    """One table of the report.

    Attributes
    ----------
    notes : list of str
        Sentences under the table: what was measured, and what the target is.
    missing : list of str
        What could not be measured, and why: the benchmarks then fail, at their end.
    """

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        lines = [f"## {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|---" + "|---:" * (len(self.columns) - 1) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        lines += [""] + [f"**Not measured**: {one}\n" for one in self.missing]
        lines += [note + "\n" for note in self.notes]
        return "\n".join(lines)


def interleaved(
    candidates: Mapping[str, Callable[[], object]], rounds: int = 5
) -> dict[str, float]:
    """Run every candidate in every round, the order turning; return each one's median seconds.

    What takes less than a twentieth of a second runs several times in a row, so that everything is
    timed with its data at hand, as what takes longer is anyway.

    Parameters
    ----------
    candidates : mapping of str to callable
        What to run, by name.
    rounds : int
        How often.
    """
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    calls: dict[str, int] = {}
    names = list(candidates)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            if name not in calls:
                once = _seconds(candidates[name], 1)
                calls[name] = math.ceil(_AT_LEAST_S / once)
                if calls[name] == 1:
                    spent[name].append(once)
                    continue
            spent[name].append(_seconds(candidates[name], calls[name]))
    return {name: statistics.median(times) for name, times in spent.items()}


def _seconds(run: Callable[[], object], calls: int) -> float:
    """Return how long one call takes, the mean of some in a row."""
    gc.collect()
    started = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - started) / calls


def quantile(values: Iterable[float], q: float) -> float:
    """Return the q-quantile, linear between neighbours."""
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


def ms(seconds: float) -> str:
    """Format seconds as milliseconds to three digits."""
    return f"{seconds * 1e3:.3g}"
