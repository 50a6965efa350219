"""The explorer: faces, controls, errors, and only the latest value on screen."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import html
import re
import sys
import threading
from unittest import mock

import pytest

from helpers.explore import choice, explore, explorer, page, picture, png, slider, toggle, view
from helpers.foundations.drawing import style
from tests.explore.samples import plot_two, plot_wave, simulate_finer, simulate_wave


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


@pytest.fixture(autouse=True)
def a_page_of_its_own(monkeypatch):
    """Light and wide, and followed by nobody else's explorers."""
    monkeypatch.setattr(page, "_page", page._Page())


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


@pytest.mark.parametrize("moving", [False, True])
def test_a_page_in_the_dark_has_the_same_picture_in_other_colours(moving: bool):
    view = wave()._view
    page.tell(dark=True)
    view.show(view.draw([wave().result], settled=not moving))
    urls = [base64.b64decode(data) for data in re.findall(r"base64,([\w+/=]+)", view._image.value)]
    assert urls == [png.dark(urls[1]), urls[1]]
    assert "--sd-dark: url(" in view._image.value


def test_a_light_page_gets_no_dark_picture_and_a_page_that_turns_gets_one():
    one = wave()
    frame = one._root.children[0]
    light = one._view._image.value
    assert "--sd-dark" not in light
    frame.dark = True
    assert "--sd-dark" in one._view._image.value
    assert explore(simulate_wave, plot_wave, height=2.0)._root.children[0].dark, "it knows by now"
    one.set(height=3.0)
    assert "--sd-dark" in one._view._image.value
    frame.dark = False
    one.set(height=2.0)
    assert one._view._image.value == light


def test_on_a_narrow_page_pictures_are_smaller_and_panels_stand_below_one_another():
    both = explore(simulate_wave, plot_two, height=slider(0.0, 8.0, 2.0))
    alone = explore(simulate_wave, plot_wave, height=2.0)
    wide, single = both.canvas, alone.canvas
    both.pin().set(height=3.0)
    both._root.children[0].narrow = True
    first, second = (ax.get_position() for ax in both.canvas.axes)
    assert first.y0 > second.y1
    assert (first.x0, first.x1) == (second.x0, second.x1)
    assert both.canvas.width_px == alone.canvas.width_px < single.width_px < wide.width_px
    assert f'width="{both.canvas.width_px}"' in both._view._image.value
    assert both.canvas.axes[0].get_title(loc="left").endswith("(left)")
    assert both.canvas.axes[1].get_title(loc="left").endswith("(right)")
    before = both.canvas.title
    both.set(height=4.0)
    assert "The wave is 4" in both._view._reading.value
    assert "(left)" not in both.canvas.title == before, "that is not its name"
    assert explore(simulate_wave, plot_two, height=2.0).canvas.narrow
    both._root.children[0].narrow = False
    assert both.canvas.width_px == wide.width_px
    assert alone.canvas.least_px == 0


def test_on_a_snug_page_only_panels_side_by_side_lack_the_room():
    both = explore(simulate_wave, plot_two, height=slider(0.0, 8.0, 2.0))
    alone = explore(simulate_wave, plot_wave, height=2.0)
    wide, single = both.canvas.width_px, alone.canvas
    both._root.children[0].snug = True
    first, second = (ax.get_position() for ax in both.canvas.axes)
    assert first.y0 > second.y1
    assert alone.canvas is single
    assert explore(simulate_wave, plot_two, height=2.0).canvas.narrow
    both._root.children[0].snug = False
    assert both.canvas.width_px == wide


def test_a_picture_that_needs_the_room_stays_as_large_on_a_narrow_page():
    needs_it = explore(simulate_wave, style.wide(lambda run, ax: plot_wave(run, ax)), height=2.0)
    small = explore(simulate_wave, plot_wave, height=2.0)
    before = needs_it.canvas.width_px
    page.tell(narrow=True)
    assert needs_it.canvas.width_px == needs_it.canvas.least_px == before
    assert f"min-width: {before}px" in needs_it._view._image.value
    assert small.canvas.least_px < small.canvas.width_px < before


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
    assert [result.height for result in one._view._shown.pinned] == [8.0]
    assert one.reset().values == {"height": 2.0, "kind": "sine", "flip": False, "seed": 1}
    assert one._view._shown.pinned == ()


def test_an_error_takes_the_pictures_place_and_is_raised_when_nobody_is_looking():
    one = wave()
    with pytest.raises(ValueError, match=r"height must be a finite number >= 0 and < 9, got 9.5"):
        one.set(height=9.5)
    assert one._view._image.layout.display == "none"
    assert "got 9.5" in one._view._reading.value
    one._view.table_button.value = True
    assert one._view._table.value == "", "there are no numbers behind it either"
    one.set(height=3.0)
    assert "<table" in one._view._table.value
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

    def recording(drawing):
        (result,) = drawing.results
        frames.append((result.height, result.samples))
        show(drawing)

    one._view.show = recording

    async def drag():
        one._widgets["height"].value = 5.0
        assert frames == [(5.0, 10)], "the first frame is drawn within the event"
        one._widgets["height"].value = 6.0
        await one._pending

    asyncio.run(drag())
    assert frames == [(5.0, 10), (6.0, 10), (6.0, 100), (6.0, 1_000)]
    assert one.result.samples == 1_000


@pytest.mark.usefixtures("at_the_sliders")
def test_what_is_yielded_again_is_not_drawn_again_but_lets_others_go_first():
    seen = []

    def simulate_in_pieces(*, height: float):
        rough, _, fine = simulate_finer(height=height)
        for wave, name in ((rough, "rough"), (rough, "piece"), (rough, "piece"), (fine, "fine")):
            seen.append(name)
            yield wave

    one = explore(simulate_in_pieces, plot_wave, height=slider(0.0, 8.0, 2.0))
    drawn = []
    show = one._view.show
    one._view.show = lambda drawing: (drawn.append(drawing.results[0].samples), show(drawing))

    async def move():
        seen.clear()
        one._widgets["height"].value = 5.0
        asyncio.get_running_loop().call_later(0, seen.append, "another")
        await one._pending

    asyncio.run(move())
    assert drawn == [10, 1_000]
    assert seen == ["rough", "another", "piece", "piece", "fine"]


@pytest.mark.usefixtures("at_the_sliders")
def test_a_moving_picture_is_replaced_by_a_sharp_one_when_the_slider_rests():
    one = wave()

    async def move_and_wait():
        one._widgets["height"].value = 5.0
        moving = one._view._image.value
        await one._pending
        return moving, one._view._image.value

    moving, settled = asyncio.run(move_and_wait())
    assert len(settled) > len(moving)


def counting_waves(**controls):
    """Return an explorer of waves, and the heights that its simulation was called with."""
    heights = []

    def counted(*, height: float, flip: bool = False):
        heights.append(height)
        return simulate_wave(height=height, flip=flip)

    one = explore(counted, plot_wave, height=slider(0.0, 10.0, 2.0, step=0.5), **controls)
    heights.clear()
    return one, heights


async def step(one, *heights, look=True):
    """Move the slider; look at each picture until nothing follows, or go on within a breath."""
    for height in heights:
        one._widgets["height"].value = height
        if look and one._pending:
            await one._pending
        elif not look:
            with mock.patch.object(explorer, "_BREATH_S", 3_600.0):
                await asyncio.sleep(0)


@pytest.mark.usefixtures("at_the_sliders")
def test_while_one_step_is_looked_at_the_next_is_made_ready():
    one, heights = counting_waves()
    asyncio.run(step(one, 2.5))
    assert heights == [2.5, 3.0]
    assert one.result.height == 2.5
    assert "The wave is 2.5" in one._view._reading.value

    asyncio.run(step(one, 3.0, look=False))
    assert heights == [2.5, 3.0], "it is not simulated again"
    assert one.result.height == 3.0
    other, _ = counting_waves()
    asyncio.run(step(other, 3.0, look=False))
    assert one._view._image.value == other._view._image.value
    assert one.text() == other.text()


@pytest.mark.usefixtures("at_the_sliders")
@pytest.mark.parametrize("collects", [True, False])
def test_no_garbage_is_collected_while_somebody_waits_for_an_answer(collects):
    seen = []

    def watched(*, height: float):
        seen.append(gc.isenabled())
        if height > 9:
            raise ValueError("height is too high")
        return simulate_wave(height=height)

    one = explore(watched, plot_wave, height=slider(0.0, 10.0, 2.0, step=0.5))
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        seen.clear()
        for height in (2.5, 9.5):
            asyncio.run(step(one, height))
            assert gc.isenabled() == collects, "a learner's own choice stays"
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [False] * 3, "two steps, and the one that was made ready"


@pytest.mark.usefixtures("at_the_sliders")
def test_nothing_is_made_ready_for_somebody_who_drags():
    one, heights = counting_waves()
    asyncio.run(step(one, 3.0))
    assert heights == [3.0], "not one step: nobody knows what comes next"
    asyncio.run(step(one, 3.5, 4.0, 4.5, look=False))
    assert heights == [3.0, 3.5, 4.0, 4.5], "no time to breathe"


@pytest.mark.usefixtures("at_the_sliders")
@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pin(),
        lambda one: one.set(flip=True),
        lambda one: one.pin().reset(),
        lambda one: setattr(one._widgets["height"], "value", 2.0),
        lambda one: one.pin().set(height=3.0),
    ],
)
def test_what_was_made_ready_is_used_for_nothing_else(change):
    hasty, patient = (counting_waves(flip=toggle(False))[0] for _ in range(2))

    async def differently():
        await step(patient, 2.5)
        await step(hasty, 2.5, look=False)
        for act in (change, lambda one: setattr(one._widgets["height"], "value", 3.0)):
            act(hasty)
            act(patient)
            assert patient._view._image.value == hasty._view._image.value

    asyncio.run(differently())


@pytest.mark.usefixtures("at_the_sliders")
def test_reset_shows_no_ghost_that_was_made_ready():
    one, _ = counting_waves()

    async def back_and_reset():
        await step(one.set(height=3.0).pin(), 2.5)
        one.reset()
        without = one._view._image.value
        one.set(height=2.0)
        return without, one._view._image.value

    without, never_had_one = asyncio.run(back_and_reset())
    assert without == never_had_one


@pytest.mark.usefixtures("at_the_sliders")
def test_a_refusal_is_told_when_it_is_asked_for_and_not_before():
    one, heights = counting_waves()
    asyncio.run(step(one, 8.0, 8.5))
    assert heights[-1] == 9.0
    assert "The wave is 8.5" in one._view._reading.value
    asyncio.run(step(one, 9.0))
    assert "got 9" in one._view._reading.value


@pytest.mark.usefixtures("at_the_sliders")
def test_the_sharp_picture_is_of_the_present_value_whatever_was_made_ready():
    one, heights = counting_waves()
    asyncio.run(step(one, 2.5))
    assert heights == [2.5, 3.0]
    sharp = one._view._image.value
    assert one.set(height=2.5)._view._image.value == sharp


def meet_while_drawing(patience_s):
    """Whether a second thread gets to draw while a first one is in the middle of its plot.

    The first one waits for the second: in vain, if only one at a time may draw.
    """
    first_is_in, second_is_in, met = threading.Event(), threading.Event(), []

    def first(result, ax):
        first_is_in.set()
        met.append(second_is_in.wait(patience_s))

    def second(result, ax):
        second_is_in.set()

    views, result = [view.View(first), view.View(second)], simulate_wave(height=2.0)
    other = threading.Thread(target=lambda: views[0].draw((result,)))
    other.start()
    first_is_in.wait(60)
    views[1].draw((result,))
    other.join()
    return met[0]


def test_two_threads_do_not_draw_at_the_same_time(monkeypatch):
    assert not meet_while_drawing(patience_s=0.1)
    for module in (view, style):
        monkeypatch.setattr(module, "DRAWING", contextlib.nullcontext())
    assert meet_while_drawing(patience_s=60)


def test_a_slider_moved_in_another_thread_waits_for_its_turn():
    one = wave()
    with one._turn:
        mover = threading.Thread(
            target=lambda: setattr(one._widgets["height"], "value", 3.0), daemon=True
        )
        mover.start()
        mover.join(0.1)  # in vain
        assert one.set(flip=True).result.height in (2.0, 3.0)
        assert mover.is_alive()
    mover.join(60)
    assert one.result.height == 3.0
    assert one.values["flip"]


def test_what_was_imported_holds_up_no_slider():
    """The garbage collector does not look through the libraries again and again."""
    wave()
    assert gc.get_freeze_count() > 10 * len(sys.modules)


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
