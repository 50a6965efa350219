"""The journal of `durability` in real processes that are killed while they write.

Where that stops being true: a killed process takes nothing along that the operating system has, and
what a power cut takes can only be bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import marks, note
from helpers.foundations.drawing.rows import named_rows
from helpers.foundations.experiment import Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import counted, duration, significant
from helpers.why.durability import KILL, POWER, frame_cost, reach
from helpers.why.killed_writers import KilledWriter, kill_writers


class Trial(Parameters):
    """Processes that write rows as fast as they can, one transaction each, until killed."""

    kills: int = integer(2, "Processes killed for each mode", at_least=1, at_most=20)
    life_s: float = number(
        0.08,
        "Mean time a process lives after its first write",
        unit="s",
        at_least=0.02,
        at_most=2,
    )
    timeout_s: float = number(30.0, "Given up after", unit="s", above=0)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredDurability:
    """Kill real processes while they write, and count what is left.

    What a process has handed to the operating system does not die with it, so killing processes
    cannot show what a *power cut* takes. `certain` counts what SQLite's documentation of ``PRAGMA
    synchronous`` leaves no doubt about: everything with FULL in WAL mode and with EXTRA in DELETE
    mode, nothing with OFF, and with NORMAL in WAL mode what had been moved into the database file
    by a checkpoint. That last number is read off the database file alone, without its log.

    Raises
    ------
    TimeoutError
        If it took longer than `timeout_s`.
    RuntimeError
        If a process died of its own accord.
    """
    return MeasuredDurability(at, *kill_writers(at.kills, at.life_s, at.timeout_s, at.seed))


class MeasuredDurability(Measured):
    """What it costs to keep writes, and which of them survive.

    Attributes
    ----------
    modes : dict of str to KilledWriter
        One for each of :data:`helpers.why.killed_writers.MODES`.
    sync_s : float
        Median time of one ``fsync`` of a small file on the same disk, seconds.
    """

    at: Trial
    modes: dict[str, KilledWriter]
    sync_s: float

    @property
    def predicted_full_s(self) -> float:
        """Time of a synced write as theory has it: an unsynced one and one sync."""
        return self.modes["WAL, synchronous OFF"].write_s + self.sync_s

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {"fsync_us": 1e6 * self.sync_s}
        for name, mode in self.modes.items():
            short = name.replace(", synchronous", "").replace(" ", "_")
            found[f"{short}_us_a_write"] = 1e6 * mode.write_s
            found[f"{short}_lost"] = mode.lost
        return found

    @property
    def reading(self) -> str:
        memory, full = self.modes["dict in memory"], self.modes["WAL, synchronous FULL"]
        files = [mode for name, mode in self.modes.items() if name != "dict in memory"]
        sound = "sound" if all(mode.sound for mode in files) else "DAMAGED"
        lost = [name for name, mode in self.modes.items() if mode.lost and "dict" not in name]
        whatever = ", whatever the setting" if not lost else f" ({', '.join(lost)})"
        ratio = full.write_s / self.predicted_full_s
        return (
            f"Verdict: {self.at.kills * len(self.modes)} processes were killed. The dict lost all "
            f"{counted(memory.acknowledged, 'write')} it had acknowledged; the database files, "
            f"{sound}, lost {sum(mode.lost for mode in files)} of "
            f"{sum(mode.acknowledged for mode in files):,}{whatever}. A synced write took "
            f"{duration(full.write_s)}, {significant(ratio, 2)} times what an unsynced write and "
            f"one fsync take together ({duration(self.predicted_full_s)})."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        modes = self.modes.values()
        return {
            "kept in": list(self.modes),
            "µs a write": [1e6 * mode.write_s for mode in modes],
            "acknowledged": [mode.acknowledged for mode in modes],
            "survived the kill": [mode.survived for mode in modes],
            "certain after a power cut": [mode.certain for mode in modes],
        }


@style.panels(2)
def plot_measured(run: MeasuredDurability, axes: tuple[Axes, Axes]) -> None:
    """Draw what real writes cost, and how many of them are safe from a kill and a power cut."""
    cost, loss = axes
    names = list(run.modes)
    short = [name.replace("synchronous ", "").replace(" in memory", "") for name in names]
    y = named_rows(cost, short)
    frame_cost(cost)
    cost.set_title("What a write costs, for real")
    cost.set_xlabel("time per write")
    named_rows(loss, short)
    loss.set_title("Which acknowledged writes are safe")
    loss.set_xlim(-5, 105)
    loss.set_xlabel("% of the acknowledged writes")
    for place, mode in zip(y, run.modes.values(), strict=True):
        reach(cost, [2e-7, mode.write_s], place)
        cost.plot([mode.write_s], [place], **(KILL | {"color": style.VERMILION}))
        total = max(mode.acknowledged, 1)
        survived, certain = (100 * min(n, total) / total for n in (mode.survived, mode.certain))
        reach(loss, [survived, certain], place)
        loss.plot([certain], [place - 0.16], **POWER)
        loss.plot([survived], [place + 0.06], **KILL)
    marks(cost, y[names.index("WAL, synchronous FULL")], run.predicted_full_s, 0.6, along="x")
    note(loss, 0.05, 0.075, "● survived the kill", style.BLUE)
    note(loss, 0.47, 0.075, "✖ certain after a power cut", style.VERMILION)
    note(cost, 0.3, 0.075, "- - no sync + one fsync", style.BLACK)
