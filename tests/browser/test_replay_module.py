"""The replay's front end by itself, in a page without Jupyter: what it computes and does."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from helpers.explore.front import module
from helpers.explore.replay_bytes import Clock, encode, standalone
from helpers.explore.replay_still import _on_the_way, _under_way, arrow, boxes_of, crowds
from helpers.foundations.events import Log
from tests.browser.lab import Browser, Watched
from tests.explore.logs import ALL, messages, queue, shards

MODULE = module("replay").encode()
_LOAD = """async ([source, about, packed]) => {
    window.m = await import('data:text/javascript;base64,' + source);
    const bytes = Uint8Array.from(atob(packed), letter => letter.charCodeAt(0));
    window.log = m.decode(about, bytes);
}"""


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Watched]:
    """A page that holds nothing."""
    with browser.page() as watched:
        yield watched
        assert watched.console == watched.outside == []


def load(blank: Watched, log: Log, view: str = "places") -> Any:
    """Load the module and a log; return what runs JavaScript there."""
    about, data = encode(log, view=view)
    packed = [base64.b64encode(part).decode("ascii") for part in (MODULE, data)]
    blank.page.evaluate(_LOAD, [packed[0], about, packed[1]])
    return blank.page.evaluate


def open_table(page: Any) -> None:
    """Open the table of events, which is filled a moment later."""
    page.click("summary")
    page.wait_for_function("() => document.querySelector('.sdr-table caption').textContent")


@pytest.mark.parametrize("name", ALL)
def test_who_is_where_is_what_the_log_says(name: str, blank: Watched) -> None:
    log = ALL[name]()
    run = load(blank, log)
    rows = log.rows
    some = np.random.default_rng(1).uniform(rows.time_s[0], rows.time_s[-1], 12)
    times = [*some.tolist(), float(rows.time_s[-1]), float(rows.time_s[0])]  # back as well
    shown = run(
        """times => { const scene = new m.Scene(log); return times.map(time => {
            scene.goTo(m.upTo(log.time_s, time, log.n));
            return [scene.inside.map(line => [...line]), [...scene.came], scene.failed]; }); }""",
        times,
    )
    names = log.tokens
    for time, (inside, came, failed) in zip(times, shown, strict=True):
        standing = log.standing(time)
        for index, place in enumerate(log.places):
            if place.kind == "sink":
                here = rows.time_s <= time
                assert came[index] == (here & (rows.place == index)).sum()
            else:
                assert [names[token] for token in inside[index]] == standing[place.name]
        assert failed == ((rows.time_s <= time) & (rows.why > 0)).sum()


@pytest.mark.parametrize("name", ALL)
def test_events_are_told_in_the_same_words(name: str, blank: Watched) -> None:
    log = ALL[name]()
    run = load(blank, log)
    told = run("() => Array.from({length: log.n}, (_, row) => m.told(log, row))")
    assert told == [log.told(row) for row in range(len(log.rows))]
    rows = log.rows
    clock = Clock.of(log.begin_s, log.end_s, len(rows) - log.opening)
    times = [float(time) for time in rows.time_s[::7]]
    assert run("ts => ts.map(t => m.clock(log, t))", times) == [clock.shows(t) for t in times]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [420, 900])
def test_places_are_laid_out_as_in_the_picture(name: str, width: int, blank: Watched) -> None:
    log = ALL[name]()
    run = load(blank, log)
    plan = run("width => m.layout(log, width)", width)
    assert run("() => m.crowds(log)") == crowds(log)
    for there, here in zip(
        plan["boxes"], boxes_of(log.places, crowds(log), width, 12), strict=True
    ):
        assert (there["x"], there["y"], there["w"]) == pytest.approx((here.x, here.y, here.w))
        grid = there["grid"]
        assert (grid["columns"], grid["rows"]) == (here.columns, here.rows)
        assert grid["pitch"] == pytest.approx(here.pitch)


def test_an_arrow_goes_past_what_is_written_under_a_box(blank: Watched) -> None:
    log = Log("Down and up").place("a", "store").place("b", "store", at=(0, 1))
    log.place("c", "store", at=(1, 0)).moves(0, 1, "b", start="a").moves(1, 1, "a")
    log.moves(2, 1, "c").moves(3, 1, "b")
    shown = load(blank, log)("() => m.layout(log, 720)")
    boxes = boxes_of(log.places, crowds(log), 720, 12)
    pairs = [(0, 1), (1, 0), (0, 2), (2, 1)]
    expected = [arrow(boxes[start], boxes[place]) for start, place in pairs]
    np.testing.assert_allclose(shown["arrows"], expected)
    middle = boxes[0].middle[0]
    down, up = (ends[0][0] - middle for ends in expected[:2])
    assert 0.3 * boxes[0].w < down < 0.5 * boxes[0].w
    assert up == pytest.approx(-down)


@pytest.mark.parametrize("name", ALL)
def test_every_dot_is_in_its_box_and_none_on_another(name: str, blank: Watched) -> None:
    log = ALL[name]()
    run = load(blank, log)
    for share in (0.2, 0.5, 0.9):
        boxes, dots = run(
            """share => { const plan = m.layout(log, 700);
                const time = log.first + share * (log.last - log.first);
                const scene = new m.Scene(log).goTo(m.upTo(log.time_s, time, log.n));
                return [plan.boxes, m.dots(scene, plan, time, 1e-9).map(dot => ({
                    ...dot, place: scene.tokens.get(dot.token)?.place ?? -1}))]; }""",
            share,
        )
        at: dict[int, set[tuple[float, float]]] = {}
        for dot in dots:
            if dot["place"] < 0:
                continue
            box = boxes[dot["place"]]
            assert box["x"] < dot["x"] < box["x"] + box["w"]
            assert box["y"] < dot["y"] < box["y"] + box["h"]
            places = at.setdefault(dot["place"], set())
            assert (dot["x"], dot["y"]) not in places, "two dots in one place"
            places.add((dot["x"], dot["y"]))


def test_the_front_of_a_queue_is_next_to_the_servers(blank: Watched) -> None:
    run = load(blank, queue(200))
    first, second = run("""() => { const box = m.layout(log, 700).boxes[1];
        return [m.spot(box, 0, -1), m.spot(box, box.grid.rows, -1)]; }""")
    assert first[0] > second[0]


def test_a_message_is_where_its_time_says(blank: Watched) -> None:
    run = load(blank, messages())
    assert run("() => [-1, 0, 1, 2.5, 9].map(t => m.progress({from: 0, lasts: 2}, t))") == [
        0, 0, 0.5, 1, 1,
    ]  # fmt: skip


def test_keys_on_their_way_are_where_the_picture_has_them(blank: Watched) -> None:
    log = shards(60)
    moment, rows = 1.3, log.rows
    shown = load(blank, log)(
        """moment => { const scene = new m.Scene(log);
            scene.goTo(m.upTo(log.time_s, moment, log.n));
            return m.dots(scene, m.layout(log, 720), moment, 1).filter(dot => dot.onItsWay)
                .map(dot => [dot.row, dot.x, dot.y]); }""",
        moment,
    )
    boxes = boxes_of(log.places, crowds(log), 720, 12)
    rows_of = _under_way(log, int(np.searchsorted(rows.time_s, moment, side="right")))
    assert len(rows_of) > 5
    expected = [[row, *_on_the_way(boxes, rows, row, moment)] for row in rows_of]
    np.testing.assert_allclose(sorted(shown), sorted(expected))
    assert len({round(y) for _, _, y in shown}) > 3, "each has a lane"


def test_what_ended_fades_with_the_screen_and_not_with_the_simulation(blank: Watched) -> None:
    run = load(blank, queue())
    fades = run("""() => { const plan = m.layout(log, 700); const row = log.why.findIndex(w => w);
        const scene = new m.Scene(log).goTo(row + 1); const t = log.time_s[row];
        return [[0, 1], [0.02, 1], [0.02, 0.01], [0.02, 0.005]].map(([later, pace]) => {
            const dot = m.dots(scene, plan, t + later, pace).find(d => d.row === row);
            return dot ? dot.fade : null; }); }""")
    assert fades[0] == 1
    assert 0.98 < fades[1] < 1
    assert 0 < fades[2] < 0.3
    assert fades[3] is None


def test_numbers_are_as_short_as_people_write_them(blank: Watched) -> None:
    run = load(blank, queue())
    assert run("() => [0, 0.0123456, 12, 1234.5, 3.10].map(m.short)") == [
        "0", "0.0123", "12", "1,235", "3.1",
    ]  # fmt: skip
    assert run("() => [0.02, 2, 0.0005, 120, 7200].map(m.length)") == [
        "20 ms", "2 s", "500 µs", "2 min", "2 h",
    ]  # fmt: skip


def test_the_table_holds_all_the_failures_or_one_token(blank: Watched) -> None:
    log = queue()
    run = load(blank, log)
    rows = log.rows
    assert run("() => m.filtered(log, 'failed')") == np.flatnonzero(rows.why).tolist()
    assert run("() => m.filtered(log, 'one', 7)") == np.flatnonzero(rows.token == 7).tolist()
    assert run("() => m.filtered(log, 'all').length") == len(rows)


# What it does on a page


@pytest.fixture
def played(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A replay on a page of its own; no console error, no outside request."""
    make, context = getattr(request, "param", (queue, {}))
    with browser.page(standalone(make()), **context) as watched:
        watched.page.wait_for_function("() => window.replay && replay.player.plan")
        yield watched
        assert watched.console == watched.outside == []


def now(watched: Watched) -> tuple[int, str]:
    """The present event's number, and what is said of it."""
    text = watched.page.inner_text(".sdr-now")
    number, words = text.removeprefix("Event ").split(" of ", 1)
    return int(number.replace(",", "")), words.split(". ", 1)[1]


def test_play_and_pause_by_keyboard(played: Watched) -> None:
    page = played.page
    page.focus(".sdr-stage")
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Pause").is_visible()
    page.wait_for_function("() => replay.player.scene.done > 3")
    page.keyboard.press("Space")
    page.wait_for_function("() => !replay.player.frame")
    at = now(played)
    assert page.get_by_role("button", name="Play").is_visible()
    assert page.inner_text("[aria-live]").endswith(at[1])


def test_one_event_forwards_and_back(played: Watched) -> None:
    page, log = played.page, queue()
    page.focus(".sdr-stage")
    for event in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        told = log.told(event - 1)
        assert now(played) == (event, f"{told[0].upper()}{told[1:]}.")
    page.keyboard.press("ArrowLeft")
    assert now(played)[0] == 2
    page.get_by_role("button", name="One event forwards").click()
    assert now(played)[0] == 3
    page.keyboard.press("End")
    assert now(played)[0] == len(log.rows)
    assert page.get_by_role("button", name="One event forwards").is_disabled()
    assert "2" in page.inner_text(".sdr-failures")
    page.keyboard.press("Home")
    assert now(played) == (0, "Nothing has happened yet.")
    assert page.get_by_role("button", name="One event back").is_disabled()


def test_the_scrubber_goes_anywhere_and_its_arrows_go_one_event(played: Watched) -> None:
    page = played.page
    page.get_by_label("Time", exact=True).fill("5000")
    event, _ = now(played)
    assert 40 < event < 150
    page.get_by_label("Time", exact=True).press("ArrowRight")
    assert now(played)[0] == event + 1
    told = page.get_by_label("Time", exact=True).get_attribute("aria-valuetext")
    assert told.endswith(f"event {event + 1} of 182")


def test_speed_decides_how_far_a_second_goes(played: Watched) -> None:
    page = played.page
    went = {}
    for index in (1, 5):
        page.get_by_label("Speed").select_option(index=index)
        went[index] = page.evaluate(
            """() => { const { player } = replay; player.seek(0); const before = player.moment;
                player.advance(0.1); return player.moment - before; }"""
        )
    assert went[5] / went[1] == pytest.approx(16)


def test_at_the_end_it_stops_and_play_begins_anew(played: Watched) -> None:
    page = played.page
    page.get_by_label("Speed").select_option(index=6)
    page.get_by_label("Time", exact=True).fill("9900")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => !replay.player.playing")
    assert now(played)[0] == 182
    assert page.evaluate("() => { replay.player.play(); return replay.player.scene.done; }") == 0


CALM = {"reduced_motion": "reduce"}


@pytest.mark.parametrize("played", [(queue, CALM)], indirect=True)
def test_reduced_motion_steps_instead_of_moving(played: Watched) -> None:
    page = played.page
    assert page.get_by_label("Steps instead of motion").is_checked()
    page.evaluate(
        """() => { window.seen = []; const { player } = replay; const draw = player.draw;
            player.draw = function (passed) { const settled = draw.call(this, passed);
                window.seen.push([this.scene.done, this.moment,
                    JSON.stringify(this.shown.map(dot => [dot.token, dot.x, dot.y]))]);
                return settled; }; }"""
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => replay.player.scene.done > 2")
    page.get_by_role("button", name="Pause").click()
    seen = page.evaluate("() => window.seen")
    pictures: dict[int, set[tuple[float, str]]] = {}
    for done, moment, dots in seen:
        pictures.setdefault(done, set()).add((moment, dots))
    assert len(pictures) >= 3
    assert all(len(pictures[done]) == 1 for done in pictures), "something moved between events"
    page.get_by_label("Steps instead of motion").uncheck()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => new Set(seen.slice(-5).map(one => one[1])).size === 5")


def test_with_motion_dots_glide_and_arrive(played: Watched) -> None:
    xs = played.page.evaluate(
        """() => { const { player } = replay; player.seek(2); player.draw(1); player.draw(1);
            const xs = []; player.seek(3);
            for (let i = 0; i < 60; i += 1) { player.draw(1 / 60);
                xs.push(player.shown.map(dot => dot.x)); }
            return xs; }"""
    )
    first, last = xs[0], xs[-1]
    assert first != last
    assert xs[-1] == xs[-2], "it comes to rest"


def test_the_reason_of_each_failure_is_seen(played: Watched) -> None:
    page = played.page
    open_table(page)
    page.get_by_label("Show in the table").select_option("failed")
    rows = page.query_selector_all(".sdr-table tbody tr")
    assert len(rows) == 2
    assert all(row.inner_text().endswith("the line is full") for row in rows)
    assert "Failures 1 to 2 of 2" in page.inner_text(".sdr-table caption")


def test_the_table_goes_along_page_by_page(played: Watched) -> None:
    page = played.page
    open_table(page)
    assert len(page.query_selector_all(".sdr-table tbody tr")) == 50
    page.get_by_role("button", name="Later events").click()
    assert page.inner_text(".sdr-table tbody td") == "51"
    page.focus(".sdr-stage")
    page.keyboard.press("End")
    current = page.query_selector_all(".sdr-table tr[aria-current]")
    assert [row.inner_text().split()[0] for row in current] == ["182"]
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".sdr-table tr[aria-current] td") == "181"
    page.get_by_label("Show in the table").select_option("one")
    log = queue()
    token = int(log.rows.token[180])
    assert f"Events of request {token} 1 to" in page.inner_text(".sdr-table caption")


def test_a_dot_that_is_clicked_is_followed(played: Watched) -> None:
    page = played.page
    page.get_by_label("Time", exact=True).fill("3000")
    page.wait_for_function("() => !replay.player.frame")
    x, y, token = page.evaluate(
        """() => { const dot = replay.player.shown.find(d => !d.ended);
            const box = replay.player.canvas.getBoundingClientRect();
            return [box.left + dot.x, box.top + dot.y, dot.token]; }"""
    )
    page.mouse.click(x, y)
    assert page.evaluate("() => replay.player.followed") == token
    open_table(page)
    assert f"Events of request {token} " in page.inner_text(".sdr-table caption")


def test_the_picture_says_what_it_shows(played: Watched) -> None:
    page = played.page
    page.focus(".sdr-stage")
    page.keyboard.press("End")
    said = page.get_attribute("canvas.sdr-canvas", "aria-label")
    assert said.startswith("One queue, at ")
    assert "line: 0 waiting" in said
    assert said.endswith("; 2 failed.")


@pytest.mark.parametrize(
    "played", [(queue, {}), (messages, {}), (shards, {"color_scheme": "dark"})], indirect=True
)
def test_axe_finds_nothing(played: Watched) -> None:
    page = played.page
    open_table(page)
    page.get_by_label("Time", exact=True).fill("9000")
    for background in ("#ffffff", "#111111"):
        page.evaluate("colour => { document.body.style.background = colour; }", background)
        page.wait_for_function(
            "dark => document.querySelector('.sdr').classList.contains('sdr-dark') === dark",
            arg=background == "#111111",
        )
        found = played.axe("#replay")
        assert found == [], json.dumps(found, indent=1)[:4000]


def test_it_fits_a_narrow_page(browser: Browser) -> None:
    with browser.page(standalone(ALL["tiers"]()), width=420) as watched:
        watched.page.wait_for_function("() => window.replay && replay.player.plan")
        assert watched.page.evaluate("() => document.documentElement.scrollWidth") <= 420
        assert watched.console == []


def test_another_log_takes_its_place_and_goes_on_playing(played: Watched) -> None:
    about, data = encode(messages(), view="space-time")
    played.page.get_by_role("button", name="Play").click()
    title, playing, done = played.page.evaluate(
        """([about, packed]) => {
            replay.show(about, Uint8Array.from(atob(packed), letter => letter.charCodeAt(0)));
            const { player } = replay;
            return [document.querySelector('.sdr-title').innerText, player.playing,
                player.scene.done]; }""",
        [about, base64.b64encode(data).decode("ascii")],
    )
    assert title == "A read that is too early"
    assert playing
    assert done == 0


def test_what_is_taken_away_stops(played: Watched) -> None:
    page = played.page
    page.get_by_role("button", name="Play").click()
    left = page.evaluate(
        """() => new Promise(done => { const { player } = replay; replay.destroy();
            const before = player.scene.done;
            setTimeout(() => done([document.querySelectorAll('.sdr').length,
                player.scene.done - before, player.playing]), 300); })"""
    )
    assert left == [0, 0, False]


def test_nothing_runs_while_nothing_moves(played: Watched) -> None:
    played.page.wait_for_function("() => !replay.player.frame")
