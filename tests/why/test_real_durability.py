"""Real processes that are killed while they write, and what is left of their rows."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.why import real_durability
from helpers.why.killed_writers import KilledWriter
from tests import drawn
from tests.checks import assert_table, axes_of


@pytest.mark.usefixtures("nothing_left_behind")
def test_real_processes_that_are_killed() -> None:
    found = real_durability.measure(kills=1, life_s=0.1)
    memory = found.modes["dict in memory"]
    assert memory.acknowledged > 0
    assert memory.survived == 0
    for name, mode in found.modes.items():
        if name != "dict in memory":
            # A write may be safe and the process dead before it could say so.
            assert 0 <= mode.survived - mode.acknowledged <= 1, name
            assert mode.sound
            assert 0 <= mode.certain <= mode.acknowledged
    assert found.modes["WAL, synchronous OFF"].certain == 0
    full = found.modes["WAL, synchronous FULL"]
    assert full.certain == full.acknowledged
    assert found.reading.startswith("Verdict: 5 processes were killed.")


def measured(lost: int = 0) -> real_durability.MeasuredDurability:
    modes = {
        "dict in memory": KilledWriter(1_000, 0, 0, 1e-6, True),
        "WAL, synchronous OFF": KilledWriter(500, 500 - lost, 0, 1e-5, True),
        "WAL, synchronous NORMAL": KilledWriter(400, 401, 100, 2e-5, True),
        "WAL, synchronous FULL": KilledWriter(300, 300, 300, 4e-4, True),
        "DELETE, synchronous EXTRA": KilledWriter(200, 200, 200, 9e-4, True),
    }
    return real_durability.MeasuredDurability(real_durability.Trial(), modes, sync_s=1.9e-4)


def test_what_is_said_and_drawn_of_real_processes() -> None:
    run = measured()
    assert run.reading == (
        "Verdict: 10 processes were killed. The dict lost all 1,000 writes it had acknowledged; "
        "the database files, sound, lost 0 of 1,400, whatever the setting. A synced write took "
        "400 µs, 2 times what an unsynced write and one fsync take together (200 µs)."
    )
    assert "lost 3 of 1,400 (WAL, synchronous OFF)." in measured(lost=3).reading
    modes = run.modes.values()
    assert_table(
        run,
        {
            "kept in": list(run.modes),
            "µs a write": [1e6 * mode.write_s for mode in modes],
            "acknowledged": [mode.acknowledged for mode in modes],
            "survived the kill": [mode.survived for mode in modes],
            "certain after a power cut": [mode.certain for mode in modes],
        },
    )
    assert run.summary["WAL_OFF_lost"] == 0
    assert run.summary["dict_in_memory_lost"] == 1_000
    assert run.summary["WAL_FULL_us_a_write"] == pytest.approx(400)
    cost, loss = axes_of(real_durability.plot_measured, run)
    times = [one.get_xydata()[0] for one in drawn.lines(cost, color=style.VERMILION)]
    np.testing.assert_allclose(times, [(mode.write_s, 4.0 - i) for i, mode in enumerate(modes)])
    _, (predicted,) = drawn.marks(cost, along="x")
    assert predicted == pytest.approx(2e-4)
    for color, share in (
        (style.BLUE, [0, 100, 100, 100, 100]),
        (style.VERMILION, [0, 0, 25, 100, 100]),
    ):
        shown = [one.get_xydata()[0, 0] for one in drawn.lines(loss, color=color)]
        np.testing.assert_allclose(shown, share)
