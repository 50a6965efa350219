"""The explorer: faces, controls, errors, and only the latest value on screen."""

from __future__ import annotations

import asyncio
import base64
import html

import pytest

from helpers.explore import choice, explore, explorer, picture, slider, toggle, view
from tests.explore.samples import plot_wave, simulate_finer, simulate_wave


def wave(**changes):
    return explore(
        simulate_wave,
        plot_wave,
        **{
            "height": slider(0.0, 10.0, 2.0),
            "kind": choice("sine", "noise"),
            "flip": toggle(False),
            "presets": {"Storm": {"height": 8.0, "kind": "noise"}},
            **changes,
        },
    )


@pytest.fixture
def shown(monkeypatch):
    """Collect what would be displayed, as (bundle, metadata)."""
    displayed = []
    monkeypatch.setattr(
        view, "display", lambda data, raw, metadata=None: displayed.append((data, metadata))
    )
    return displayed


@pytest.fixture
def at_the_sliders(monkeypatch):
    """Pretend that changes come from somebody moving a widget."""
    monkeypatch.setattr(explorer, "_asked_by_front_end", lambda: True)


def test_three_faces(shown):
    wave()._ipython_display_()
    bundle, metadata = shown[-1]
    assert set(bundle) == {
        "application/vnd.jupyter.widget-view+json",
        "image/png",
        "text/plain",
    }
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"] == {"width": 720, "height": 400}
    assert bundle["text/plain"].splitlines() == [
        "A wave",
        "with Height = 2, Kind = sine, Flip = off, seed = 1",
        "",
        "  height   2",
        "  samples  200",
        f"  mean     {view.format_value(wave().result.summary['mean'])}",
        "",
        "The wave is 2 <high>.",
    ]


def test_the_picture_has_the_reading_as_alternative_text():
    image = wave()._view._image.value
    assert f'alt="{html.escape("A wave. The wave is 2 <high>.")}"' in image


def test_moving_a_slider_changes_result_picture_and_reading():
    one = wave()
    before = one._view._image.value, one._view._reading.value
    one._widgets["height"].value = 5.0
    assert one.result.height == 5.0
    assert one._view._image.value != before[0]
    assert "The wave is 5" in one._view._reading.value


def test_set_is_one_update_and_checks_ranges():
    calls = []

    def counted(*, height: float, flip: bool = False):
        calls.append((height, flip))
        return simulate_wave(height=height, flip=flip)

    one = explore(counted, plot_wave, height=slider(0.0, 8.0, 2.0), flip=toggle(False))
    one.set(height=3.0, flip=True)
    assert calls == [(2.0, False), (3.0, True)]
    with pytest.raises(ValueError, match=r"height must be .* <= 8, got 80"):
        one.set(height=80.0)
    with pytest.raises(ValueError, match=r"depth is not a control of this explorer.*height, flip"):
        one.set(depth=1.0)


def test_preset_reset_pin_and_seed():
    one = wave()
    assert one.set(**one.presets["Storm"]).result.height == 8.0
    noise = one.result.y
    assert (one.set(seed=2).result.y != noise).any()
    one.pin().set(height=4.0)
    assert [result.height for result in one._view._pinned] == [8.0]
    assert one.reset().values == {"height": 2.0, "kind": "sine", "flip": False, "seed": 1}
    assert one._view._pinned == ()


def test_an_error_takes_the_pictures_place_and_is_raised_when_nobody_is_looking():
    one = wave()
    with pytest.raises(ValueError, match=r"height must be a finite number >= 0 and < 9, got 9.5"):
        one.set(height=9.5)
    assert one._view._image.layout.display == "none"
    assert "got 9.5" in one._view._reading.value
    one.set(height=3.0)
    assert one._view._image.layout.display == ""
    assert "sd-error" not in one._view._reading.value


@pytest.mark.usefixtures("at_the_sliders")
def test_a_learner_reads_a_refusal_but_a_bug_is_still_raised():
    one = wave()
    one._widgets["height"].value = 9.5
    assert 'role="alert"' in one._view._reading.value

    def broken(*, height: float):
        return simulate_wave(height=height) if height < 3 else 1 / 0

    other = explore(broken, plot_wave, height=slider(0.0, 8.0, 2.0))
    with pytest.raises(ZeroDivisionError):
        other._widgets["height"].value = 5.0
    assert "ZeroDivisionError" in other._view._reading.value


def test_a_simulation_that_refuses_its_defaults_fails_when_it_is_made():
    with pytest.raises(ValueError, match="height"):
        wave(height=slider(0.0, 10.0, 9.5))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"depth": slider(0.0, 1.0, 0.5)}, TypeError, "depth"),
        ({"presets": {"Calm": {"depth": 1}}}, ValueError, "Calm.*depth"),
        ({"presets": {"Flood": {"height": 99.0}}}, ValueError, "Flood.*height.*99"),
    ],
)
def test_a_wrong_declaration_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        wave(**change)


def test_without_a_front_end_a_progressive_simulation_runs_to_its_end():
    one = explore(simulate_finer, plot_wave, height=slider(0.0, 8.0, 2.0))
    assert one.result.samples == 1_000


@pytest.mark.usefixtures("at_the_sliders")
def test_progressive_frames_follow_and_a_newer_value_abandons_older_ones():
    one = explore(simulate_finer, plot_wave, height=slider(0.0, 8.0, 2.0))
    frames = []
    show = one._view.show

    def recording(results, pinned=(), *, settled=True):
        frames.append((results[0].height, results[0].samples))
        show(results, pinned, settled=settled)

    one._view.show = recording

    async def drag():
        one._widgets["height"].value = 5.0
        assert frames == [(5.0, 10)], "the first frame is drawn within the event"
        one._widgets["height"].value = 6.0
        await asyncio.sleep(0.5)

    asyncio.run(drag())
    assert frames == [(5.0, 10), (6.0, 10), (6.0, 100), (6.0, 1_000)]
    assert one.result.samples == 1_000


@pytest.mark.usefixtures("at_the_sliders")
def test_a_moving_picture_is_replaced_by_a_sharp_one_when_the_slider_rests():
    one = wave()

    async def move_and_wait():
        one._widgets["height"].value = 5.0
        moving = one._view._image.value
        await asyncio.sleep(explorer._REST_S + 0.3)
        return moving, one._view._image.value

    moving, settled = asyncio.run(move_and_wait())
    assert len(settled) > len(moving)


def test_the_table_is_made_only_when_it_is_open():
    one = wave()
    assert one._view._table.value == ""
    one._view.table_button.value = True
    assert "<th>height</th>" in one._view._table.value
    one.set(height=7.0)
    assert "<td>7</td>" in one._view._table.value


def test_a_picture_draws_several_results_and_has_their_readings(shown):
    still = picture(plot_wave, simulate_wave(height=2.0), simulate_wave(height=3.0))
    still._ipython_display_()
    text = shown[-1][0]["text/plain"]
    assert "The wave is 2" in text
    assert "The wave is 3" in text
