"""Passing a message on: what the shape of the network costs in messages and in staleness.

Each node tells its neighbours what it hears for the first time. Half of the operations are
broadcasts at random nodes, half are reads at random nodes, 100 a second in all; a broadcast is
stable when no later read misses it. Where that stops being true: nothing is lost here and no node
fails, which is where a tree, with its one way from anywhere to anywhere, pays for being cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import simpy
from matplotlib.axes import Axes

from helpers.consistency.topologies import GRID, SHAPES, edges, hops, neighbours
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import (
    bars,
    key,
    log_axis,
    marks,
    named_axis,
    shares_axis,
    short,
    yours,
)
from helpers.foundations.experiment import (
    Draws,
    Mine,
    Parameters,
    Result,
    flag,
    integer,
    number,
    option,
    seed,
    takes,
)
from helpers.foundations.prose import amount, counted, duration, rounded, significant

#: Operations a second, and for how long, seconds: as in Maelstrom's guide.
RATE_RPS, RUN_S = 100.0, 20.0

#: Broadcasts in one run of the model.
BROADCASTS = 10

#: How long messages take.
CONSTANT = "the same for all"
EXPONENTIAL = "exponential"
KINDS = (CONSTANT, EXPONENTIAL)

#: What is said of the time until a broadcast is stable, and how.
QUANTILES = {"median": 0.5, "95th": 0.95, "99th": 0.99, "longest": 1.0}


class Setting(Parameters):
    """Nodes, who knows whom, and how long a message takes from one to the next."""

    shape: str = option(GRID, "Neighbours", of=SHAPES)
    nodes: int = integer(25, "Nodes", at_least=2, at_most=36)
    echo: bool = flag(False, "Also back to where it came from")
    delay_ms: float = number(100.0, "A hop takes", unit="ms", above=0)
    kind: str = option(CONSTANT, "Delays are", of=KINDS)
    seed: int = seed()


# --- the model: what the page shows, and a learner changes ----------------------------------------


def pass_on(at, draw):
    """Broadcast at random nodes, one message after the other; count messages until all know."""
    near, sent, took_ms = neighbours(at.shape, at.nodes), 0, []

    def hear(world, known, me, sender):
        nonlocal sent
        if me in known:
            return
        known[me] = world.now
        for other in near[me]:
            if other != sender or at.echo:
                sent += 1
                world.process(travel(world, known, me, other))

    def travel(world, known, sender, to):
        mean = at.delay_ms
        exponential = at.kind == EXPONENTIAL
        yield world.timeout(draw("delays").exponential(mean) if exponential else mean)
        hear(world, known, to, sender)

    for _ in range(BROADCASTS):
        world, known = simpy.Environment(), {}
        hear(world, known, int(draw("starts").integers(at.nodes)), None)
        world.run()
        took_ms.append(max(known.values()))
    return {"messages": sent / BROADCASTS, "all_know_ms": sum(took_ms) / BROADCASTS}


@takes(Setting)
def simulate(at: Setting) -> Broadcast:
    """Broadcast and read for 20 seconds; when was the last read that missed each broadcast?"""
    draw, near = Draws(at.seed), neighbours(at.shape, at.nodes)
    ops = draw("operations")
    times = np.cumsum(ops.uniform(0, 2 / RATE_RPS, int(RATE_RPS * RUN_S)))
    reads = ops.random(times.size) < 0.5
    place = ops.integers(at.nodes, size=times.size)
    starts, node = times[~reads], place[~reads]
    arrives_s, messages = _spread(at, draw, near, node)
    asked, where = times[reads], place[reads]
    since = asked - starts[:, None]  # of each read, to each broadcast
    misses = (since > 0) & (since < arrives_s[:, where])
    stale_s = np.where(misses, since, 0.0).max(axis=1, initial=0.0)
    return Broadcast(
        at,
        messages=messages,
        operations=times.size,
        all_know_ms=1e3 * arrives_s.max(axis=1),
        stable_ms=1e3 * stale_s,
    )


def _spread(
    at: Setting, draw: Draws, near: tuple[tuple[int, ...], ...], starts: np.ndarray
) -> tuple[np.ndarray, int]:
    """When each broadcast arrives at each node, seconds since it began, and how many messages."""
    each = np.arange(starts.size)
    if at.kind == CONSTANT:
        arrives = 1e-3 * at.delay_ms * hops(near)[starts].astype(float)
    else:
        ways = [(i, j) for i, others in enumerate(near) for j in others]
        took = draw("delays").exponential(1e-3 * at.delay_ms, (len(ways), starts.size))
        arrives = np.full((starts.size, at.nodes), np.inf)
        arrives[each, starts] = 0.0
        changed = True
        while changed:  # the shortest way, over ever more hops
            before = arrives.copy()
            for (i, j), delay in zip(ways, took, strict=True):
                np.minimum(arrives[:, j], arrives[:, i] + delay, out=arrives[:, j])
            changed = bool((arrives < before).any())
    told = sum(map(len, near)) * starts.size  # each node tells each neighbour, once
    if not at.echo:
        told -= (at.nodes - 1) * starts.size  # but for the first node, not who told it
    return arrives, told


# --- theory ---------------------------------------------------------------------------------------


class Theory(NamedTuple):
    """Messages for each operation, half of which are broadcasts; and the longest way, in hops."""

    messages: float
    hops: int


def theory(at: Setting) -> Theory:
    """Count messages by edges, E among n nodes: ``E``, or ``(2 E - n + 1) / 2`` without an echo.

    With an echo, each node sends to all its neighbours: 2 E messages a broadcast. Without, all but
    the first leave out the one that told them. Reads send none. Kingsbury's guide to Maelstrom
    counts 28, 12 and 12 for 25 nodes in a grid, in a line and in a tree of four.
    """
    near = neighbours(at.shape, at.nodes)
    pairs = edges(near)
    sent = pairs if at.echo else (2 * pairs - at.nodes + 1) / 2
    return Theory(float(sent), int(hops(near).max()))


# --- what it says ---------------------------------------------------------------------------------


class Broadcast(Result):
    """What a run of 20 seconds came to.

    Attributes
    ----------
    messages : int
        Between nodes.
    operations : int
        Broadcasts and reads.
    all_know_ms : numpy.ndarray
        Until every node knows, broadcast by broadcast, ms.
    stable_ms : numpy.ndarray
        Until the last read that missed it, broadcast by broadcast, ms; 0 if none did.
    """

    at: Setting
    messages: int
    operations: int
    all_know_ms: np.ndarray
    stable_ms: np.ndarray

    @property
    def per_operation(self) -> float:
        """Messages for each operation."""
        return self.messages / self.operations

    @property
    def quantiles_ms(self) -> np.ndarray:
        """Time until stable: median, 95th and 99th percentile, longest."""
        return np.quantile(self.stable_ms, list(QUANTILES.values()))

    @property
    def summary(self) -> dict[str, float | int | str]:
        stable = {
            f"stable_{name}_ms": rounded(float(value))
            for name, value in zip(QUANTILES, self.quantiles_ms, strict=True)
        }
        return {
            "messages_per_operation": rounded(self.per_operation),
            "theory_messages_per_operation": theory(self.at).messages,
            **stable,
        }

    @property
    def reading(self) -> str:
        exact = theory(self.at)
        median, *_, longest = np.round(self.quantiles_ms) / 1e3
        return (
            f"An operation costs {amount(self.per_operation, 'message')} (theory "
            f"{significant(exact.messages)}), and the longest way is "
            f"{counted(exact.hops, 'hop')}. For half of the broadcasts a read misses it no later "
            f"than {duration(median)} after it began, for the worst {duration(longest)}."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "of the broadcasts": list(QUANTILES),
            "last read that missed it (ms)": self.quantiles_ms,
            "all nodes know (ms)": np.quantile(self.all_know_ms, list(QUANTILES.values())),
        }


@style.panels(2)
def plot(run: Broadcast, axes: tuple[Axes, Axes], mine: Mine | None = None) -> None:
    """Draw messages for each operation, shape by shape, and how long broadcasts are missed."""
    cost, late = axes
    at = run.at
    every = [theory(at.but(shape=shape)).messages for shape in SHAPES]
    now = SHAPES.index(at.shape)
    log_axis(cost, "y", 0.3, 2_000, ticks=(1, 10, 100, 1_000), text=short)
    cost.set_xlim(-0.7, len(SHAPES) - 0.3)
    named_axis(cost, "x", ["line", "grid", "tree 2", "tree 4", "all"])
    bars(cost, [now], [run.per_operation - 0.3], 0.6, start=0.3, color=style.BLUE)
    marks(cost, range(len(SHAPES)), every, 0.8)
    key(cost, [("▬", "simulation", style.BLUE), ("─", "theory", style.INK)], x=0.6)
    cost.set_title("Messages for each operation")

    shares = np.linspace(0, 1, 101)
    top = 1.05 * at.delay_ms * max(theory(at).hops, 4)
    late.set_xlim(0, top)
    late.set_ylim(0, 1.25)
    shares_axis(late)
    late.plot(np.quantile(run.all_know_ms, shares), shares, color=style.ORANGE, linewidth=1.6)
    late.plot(np.quantile(run.stable_ms, shares), shares, **style.SIMULATION)
    key(late, [("▬", "no read misses it any more", style.BLUE),
               ("─", "all nodes know", style.ORANGE_INK)])  # fmt: skip
    late.set_title("Broadcasts that have arrived")
    late.set_xlabel("ms since it began")
    if mine is not None:
        yours(cost, now, max(float(mine["messages"]) / 2, 0.31))
        yours(late, min(float(mine["all_know_ms"]), top), 0.5)


#: What the guide prints, of 25 nodes: setting, messages for each operation (None where it prints
#: none), and the stable latencies in ms, in the order of `QUANTILES`.
PUBLISHED: tuple[tuple[dict[str, Any], float | None, tuple[int, ...]], ...] = (
    ({"shape": GRID}, 27.8, (452, 656, 748, 791)),
    ({"shape": "tree of 4"}, 11.99, (386, 489, 498, 505)),
    ({"shape": "everybody"}, 290.6, (77, 95, 96, 97)),
    ({"shape": GRID, "kind": EXPONENTIAL}, None, (229, 431, 520, 630)),
    ({"shape": "line", "delay_ms": 10.0}, 12.01, (86, 170, 193, 224)),
    ({"shape": GRID, "delay_ms": 10.0}, None, (11, 42, 56, 72)),
)


def beside_the_guide(seeds: int = 10) -> dict[str, Any]:
    """Return the guide's numbers beside the means of so many runs, column by column.

    Kyle Kingsbury, guide to Maelstrom, chapter 3, "Broadcast Performance".
    """
    table: dict[str, Any] = {"25 nodes": []}
    for setting, messages, stable in PUBLISHED:
        runs = [simulate(**setting, seed=seed) for seed in range(seeds)]
        at = runs[0].at
        table["25 nodes"].append(f"{at.shape}, {at.delay_ms:g} ms a hop"
                                 + (", exponential" if at.kind == EXPONENTIAL else ""))  # fmt: skip
        means = np.mean([run.quantiles_ms for run in runs], axis=0)
        own = rounded(float(np.mean([run.per_operation for run in runs])))
        table.setdefault("messages, guide", []).append("" if messages is None else messages)
        table.setdefault("messages", []).append(own)
        for name, printed, mean in zip(QUANTILES, stable, means, strict=True):
            table.setdefault(f"{name}, guide", []).append(printed)
            table.setdefault(f"{name} (ms)", []).append(round(float(mean)))
    return table
