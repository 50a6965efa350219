"""Replays, without a browser: what is sent, and what stands in where none runs."""

from __future__ import annotations

import base64
import doctest
import io
import itertools
import json
import re
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from helpers.authoring.execute import ALONE
from helpers.explore import replay, replay_still, slider
from helpers.explore import view as view_module
from helpers.explore.replay_bytes import Clock, encode, standalone
from helpers.explore.replay_still import boxes_of, still, telling_moment
from helpers.foundations.events import Log
from tests.explore.logs import ALL, messages, queue, shards, tiers


def decode(about: dict, data: bytes) -> dict[str, np.ndarray]:
    """What the browser reads; the same in Python."""
    columns = {}
    for name, kind, value in about["columns"]:
        if kind == "constant":
            columns[name] = np.full(about["events"], value)
        else:
            assert value % np.dtype(kind).itemsize == 0, "an array may not begin there"
            columns[name] = np.frombuffer(data, "<" + kind, about["events"], int(value))
    return columns


@pytest.mark.parametrize("name", ALL)
def test_what_is_sent_is_the_log(name):
    log = ALL[name]()
    about, data = encode(log)
    for column, values in decode(about, data).items():
        assert (values == getattr(log.rows, column)).all(), column
    assert json.loads(json.dumps(about)) == json.loads(json.dumps(about, default=str))
    for told, curve in zip(about["curves"], log.curves, strict=True):
        times = np.frombuffer(data, "<f8", told["n"], told["times"])
        assert (times[0], times[-1]) == (curve.times_s[0], curve.times_s[-1])
        assert told["bottom"] <= curve.values.min()
        assert told["top"] >= max(curve.values.max(), curve.level or 0)


def test_ten_thousand_events_are_small():
    about, data = encode(queue(3_333))
    assert about["events"] >= 10_000
    assert len(data) + len(json.dumps(about)) < 500_000


def test_a_long_curve_keeps_its_ends_and_extremes():
    values = np.random.default_rng(1).standard_normal(50_000).cumsum()
    log = Log("x").place("a", "store").moves(0, 1, "a").series("walk", np.arange(50_000), values)
    about, data = encode(log)
    (told,) = about["curves"]
    sent = np.frombuffer(data, "<f8", told["n"], told["values"])
    assert told["n"] <= 2_000
    assert (sent.min(), sent.max(), sent[-1]) == (values.min(), values.max(), values[-1])


@pytest.mark.parametrize(
    ("first", "last", "events", "shown"),
    [
        (0.0, 5.0, 10, "2.5 s"),
        (0.0, 1.5, 300, "1,234 ms"),
        (0.0, 5e-5, 5, "12 µs"),
        (0.0, 7200.0, 1_000, "20.6 min"),
        (3.0, 3.0, 1, "3 s"),
    ],
)
def test_times_of_a_log_are_told_in_one_unit(first, last, events, shown):
    amount = float(re.match(r"[\d,.]+", shown)[0].replace(",", ""))
    clock = Clock.of(first, last, events)
    assert clock.shows(amount * clock.size_s) == shown


def test_the_clock_tells_events_apart():
    log = tiers()
    rows = log.rows
    clock = Clock.of(rows.time_s[0], rows.time_s[-1], len(rows))
    apart = np.unique(rows.time_s)
    assert len({clock.shows(t) for t in apart}) > 0.7 * len(apart)


def test_the_text_is_the_first_and_last_events_and_failures_by_reason():
    lines = replay(queue()).text().splitlines()
    assert lines[0] == "One queue"
    assert lines[1].startswith("182 events from ")
    assert [line.split()[0] for line in lines[3:17]] == [
        "event", *map(str, range(1, 9)), "...", *map(str, range(179, 183)),
    ]  # fmt: skip
    assert lines[-1] == "2 failed: the line is full (2)"


def test_the_text_of_what_was_there_before_begins_with_what_happens():
    lines = replay(shards()).text().splitlines()
    assert lines[1].startswith("120 events")
    assert lines[4].split()[0] == "1"
    assert "sets out for shard 4" in lines[4]


def test_the_docstring_is_true():
    import sys

    done = doctest.testmod(sys.modules["helpers.explore.replay"])
    assert done.failed == 0
    assert done.attempted > 5


@pytest.fixture
def shown(monkeypatch):
    displayed = []
    monkeypatch.setattr(
        view_module, "display", lambda data, raw, metadata=None: displayed.append((data, metadata))
    )
    return displayed


def test_three_faces(shown):
    replay(queue())._ipython_display_()
    bundle, metadata = shown[-1]
    assert set(bundle) == {
        "application/vnd.jupyter.widget-view+json", "image/png", "text/plain",
    }  # fmt: skip
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    size = metadata["image/png"]
    assert picture.size == (2 * size["width"], 2 * size["height"])
    assert bundle["text/plain"] == replay(queue()).text()
    alone = bundle["application/vnd.jupyter.widget-view+json"]["alone"]
    assert alone.startswith(ALONE)
    assert len(alone) < 100_000


@pytest.mark.parametrize(
    ("name", "view"), [*((name, "places") for name in ALL), ("messages", "space-time")]
)
def test_every_log_has_a_picture(name, view):
    png, (width, height) = still(ALL[name](), view=view)
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert picture.shape == (2 * height, 2 * width)
    assert 0.005 < (picture < 200).mean() < 0.5
    edges = [picture[:, 0], picture[:, -1], picture[0], picture[-1]]
    assert all((edge > 250).all() for edge in edges), "something is cut off"


def test_a_picture_is_the_same_each_time_and_another_at_another_moment():
    log = queue()
    assert still(log) == still(queue())
    assert still(log, 0.1) != still(log, 0.2)


def test_who_is_on_the_way_is_in_the_picture_too():
    log = Log("One key", noun="key").place("a", "store").place("b", "store", at=(3, 0))
    log.sends(0, 1, "b", 1.0, start="a")

    def blue(moment: float) -> np.ndarray:
        picture = np.asarray(Image.open(io.BytesIO(still(log, moment)[0])).convert("RGB"), int)
        return np.argwhere((picture[..., 2] > 150) & (picture[..., 0] < 60))[:, 1]

    early, late = blue(0.25), blue(0.75)
    assert early.size > 20
    assert early.size == pytest.approx(late.size, rel=0.2)
    assert late.mean() - early.mean() == pytest.approx((late.max() - early.max()), abs=3)
    first, second = (box.middle[0] for box in boxes_of(log.places, [1, 1], 720, 0))
    assert late.mean() - early.mean() < 2 * (second - first) / 2  # two pixels each


def test_names_of_kinds_do_not_lie_on_each_other():
    log = shards().kind("between old shards", "vermilion").kind("to the new shard", "green")
    log.moves(99, "a", "shard 1", kind="between old shards", start="shard 2")
    log.moves(99, "b", "shard 1", kind="to the new shard", start="shard 2")
    figures = []
    original = replay_still.FigureCanvasAgg
    with mock.patch.object(
        replay_still, "FigureCanvasAgg", lambda figure: figures.append(figure) or original(figure)
    ):
        still(log)
    (figure,) = figures
    names = {text.get_text(): text for text in figure.axes[0].texts}
    spans = sorted(
        (box.x0, box.x1)
        for box in (
            names[kind].get_window_extent() for kind in ("key", "moved", *list(log.kinds)[2:])
        )
    )
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))


def test_the_moment_shown_is_the_one_when_most_wait():
    log = queue(200)
    moment = telling_moment(log)
    most = len(log.standing(moment)["line"])
    later = [t for t in log.rows.time_s if t >= log.end_s / 2]
    assert most == max(len(log.standing(t)["line"]) for t in later)
    assert most > 3


def test_a_page_of_its_own_holds_everything():
    log = queue().marks(0.1, "line", "</script><b>", bad=True)
    page = standalone(log)
    assert "</script><b>" not in page
    assert page.count("</script>") == 2
    assert not re.search(r"https?://", page)


def make(load: float, n: int = 30) -> Log:
    if load > 0.95:
        raise ValueError("load must be at most 0.95")
    return queue(n, load=load)


def test_a_control_has_another_log_made():
    one = replay(make, load=slider(0.1, 1.0, 0.5), n=20)
    sent = one._player.data
    assert one.values == {"load": 0.5, "n": 20}
    assert len(one.log.rows) == 62
    assert one.text().splitlines()[1] == "with Load = 0.5"
    one._widgets["load"].value = 0.9
    assert one._player.data != sent
    assert one._player.about["pace_s"] == one._pace, "speeds can be compared"
    one._widgets["load"].value = 1.0
    assert "load must be at most 0.95" in one._error.value
    assert one._error.layout.display == ""
    one.set(load=0.4)
    assert one._error.layout.display == "none"
    with pytest.raises(ValueError, match=r"n is not a control of this replay; these are: load"):
        one.set(n=3)
    with pytest.raises(ValueError, match="load must be"):
        one.set(load=7.0)


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: replay("log"), TypeError, "plays a helpers.foundations.events.Log, got 'log'"),
        (lambda: replay(lambda: 3), TypeError, "plays a helpers.foundations.events.Log, got 3"),
        (lambda: replay(queue(), load=1), TypeError, "takes no load; play the function"),
        (
            lambda: replay(make, weight=1),
            TypeError,
            "unexpected argument 'weight'; its parameters are load, n",
        ),
        (lambda: replay(queue(), pace=0), ValueError, "pace must be .* > 0"),
        (lambda: replay(queue(), view="film"), ValueError, "view must be one of"),
        (lambda: replay(Log("empty")), ValueError, "nothing has happened"),
        (lambda: replay(queue().between(7, 9)), ValueError, "nothing happens between 7 and 9 s"),
    ],
)
def test_what_cannot_be_played_is_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_usual_speeds_leave_time_to_look():
    for make_log in (*ALL.values(), lambda: queue(3_333)):
        about, _ = encode(make_log())
        assert 2 < (about["until_s"] - about["from_s"]) / about["pace_s"] <= 150


def test_messages_in_space_and_time_end_with_all_of_them():
    about, _ = encode(messages(), view="space-time")
    assert about["view"] == "space-time"
