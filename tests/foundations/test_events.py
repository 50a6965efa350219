"""Logs of events: what follows from what was told, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.foundations.events import ACTS, COMES, ENDS, SETS_OUT, Log
from helpers.foundations.queueing import fifo_waits, queue_length_at
from tests.explore.logs import ALL, queue


def station(**server) -> Log:
    log = Log("A station").place("users", "source").place("line", "queue")
    return log.place("server", "servers", **server).place("done", "sink")


@pytest.mark.parametrize("servers", [1, 2, 5])
def test_a_log_from_arrays_has_the_queue_of_the_arrays(servers):
    rng = np.random.default_rng(servers)
    arrivals = np.cumsum(rng.exponential(1, 300))
    services = rng.exponential(0.9 * servers, 300)
    starts = arrivals + fifo_waits(arrivals, services, servers)
    ends = starts + services
    log = station(number=servers).serves("line", "server", arrivals, starts, ends, start="users",
                                         then="done")  # fmt: skip
    for time in rng.uniform(0, ends.max(), 40):
        standing = log.standing(time)
        assert len(standing["line"]) == queue_length_at(time, arrivals, starts)
        assert len(standing["server"]) == queue_length_at(time, starts, ends)
        assert standing["done"] == [
            int(i) for i in np.argsort(ends, kind="stable") if ends[i] <= time
        ]
        assert standing["line"] == sorted(standing["line"]), "first come, first served"
    assert not any(log.standing(ends.max())[place] for place in ("users", "line", "server"))


def test_each_server_serves_one_at_a_time():
    log = queue(200, servers=3)
    rows, server = log.rows, log._index["server"]
    busy: dict[int, int] = {}
    for i in range(len(rows)):
        if rows.left[i] == server:
            busy = {slot: token for slot, token in busy.items() if token != rows.token[i]}
        if rows.place[i] == server and rows.act[i] == COMES:
            assert rows.slot[i] not in busy
            assert 0 <= rows.slot[i] < 3
            busy[int(rows.slot[i])] = int(rows.token[i])
    assert set(rows.slot[rows.place == server]) == {0, 1, 2}


def test_the_servers_numbers_may_be_said():
    log = station(number=3).serves("line", "server", [0, 1], [0, 1], [9, 8], server=[2, 0],
                                   start="users")  # fmt: skip
    assert [log.told(i) for i in range(4)] == [
        "request 0 waits in line",
        "request 0 is served by server 3",
        "request 1 waits in line",
        "request 1 is served by server 1",
    ]


def test_who_is_never_served_gives_up_or_is_turned_away():
    log = station().serves(
        "line", "server", [0, 1, 2], [0, np.nan, np.nan], [9, np.nan, np.nan],
        gone_s=[0, 5, 2], why=["", "waited for 4 s", "the line is full"], start="users",
    )  # fmt: skip
    assert [log.told(i) for i in range(len(log.rows))] == [
        "request 0 waits in line",
        "request 0 is served by server",
        "request 1 waits in line",
        "request 2 is turned away: the line is full",
        "request 1 gives up: waited for 4 s",
    ]
    assert dict(log.reasons) == {"the line is full": 1, "waited for 4 s": 1}
    assert log.standing(3)["line"] == [1]


def test_reasons_are_counted_the_most_frequent_first():
    log = station()
    for number, why in enumerate(("full", "late", "late")):
        log.fails(number, number, why, place="line", start="users")
    assert list(log.reasons.items()) == [("late", 2), ("full", 1)]


def test_who_goes_makes_room_before_the_next_one_starts():
    log = station().serves("line", "server", [0, 0], [0, 1], [1, 2], start="users", then="done")
    assert log.standing(1) == {"users": [], "line": [], "server": [1], "done": [0]}


@pytest.mark.parametrize("begin", [-3.0, -2.1, 0.0, 1e6])
def test_a_start_that_is_an_end_but_for_rounding_is_at_it(begin):
    ends = begin + np.array([0.7, 1.4])
    starts = np.array([begin, np.nextafter(ends[0], -np.inf)])
    log = station().serves("line", "server", [begin, begin], starts, ends, then="done")
    assert log.standing(ends[0]) == {"users": [], "line": [], "server": [1], "done": [0]}


def test_who_comes_as_another_goes_but_for_rounding_starts_when_coming():
    ends = np.array([1.0, 2.0])
    came = np.nextafter(1.0, 2.0)
    log = station().serves("line", "server", [0.0, came], [0.0, came], ends, then="done")
    assert log.standing(came) == {"users": [], "line": [], "server": [1], "done": [0]}


def test_events_may_be_told_in_any_order():
    log = station().moves(2, "b", "line").moves(1, "a", "line").moves(1, "c", "line")
    assert [log.called(token) for token in log.rows.token] == ["a", "c", "b"]
    assert log.rows.time_s.tolist() == [1, 1, 2]


def test_on_the_way_is_nowhere_and_lost_is_gone():
    log = Log("Messages", noun="message").place("a", "store").place("b", "store")
    log.sends(0, 1, "b", 2, start="a").sends(1, 2, "b", 2, start="a", lost="dropped")
    assert log.rows.act.tolist() == [SETS_OUT, SETS_OUT, COMES, ENDS]
    assert log.standing(1.5) == {"a": [], "b": []}
    assert log.standing(9) == {"a": [], "b": [1]}
    assert log.told(3) == "message 2 is lost: dropped"
    assert log.rows.lasts_s[1] > 2, "it does not get there"


def test_what_was_there_before_does_not_happen():
    log = Log("Keys", noun="key").place("a", "store").place("b", "store")
    log.begins(1, "a").begins(2, "a").moves(5, 1, "b").counts("a", "left")
    assert log.opening == 2
    assert (log.begin_s, log.end_s) == (5, 5)
    assert log.standing(4) == {"a": [1, 2], "b": []}
    assert log.standing(5) == {"a": [2], "b": [1]}
    log.moves(9, 2, "b")
    assert log.begin_s == 5
    log.moves(11, 1, "a")
    assert log.begin_s == 0
    assert log.rows.time_s.tolist() == [0, 0, 5, 9, 11]
    assert log.curves[0].times_s.tolist() == [0, 5, 9, 11]
    assert log.curves[0].values.tolist() == [2, 1, 0, 1]


def test_a_token_changes_its_kind_and_keeps_it():
    log = station().kind("stale", "orange").moves(0, 1, "line").moves(1, 1, "server", kind="stale")
    log.moves(2, 1, "done")
    assert [list(log.kinds)[kind] for kind in log.rows.kind] == ["request", "stale", "stale"]


def test_a_place_says_something_of_itself():
    log = station().moves(0, 1, "server").marks(1, "server", "stalled", bad=True)
    log.marks(2, "server", "")
    assert [log.told(1), log.told(2)] == ["server: stalled", "server: as before"]
    assert [ACTS[act] for act in log.rows.act] == ["comes", "warns", "says"]
    assert log.standing(9)["server"] == [1]


def test_counted_curves_say_what_stands_there():
    log = queue(100)
    (waiting, *_) = log.curves
    for time in np.random.default_rng(1).uniform(0, log.rows.time_s[-1], 40):
        at = int(np.searchsorted(waiting.times_s, time, side="right")) - 1
        assert waiting.values[at] == len(log.standing(time)["line"])
    assert (np.diff(waiting.times_s) > 0).all(), "one value an instant"


def test_a_rate_is_that_of_the_window_before():
    log = station()
    for second in range(20):
        log.moves(second, second, "done", start="users")
    (rate,) = log.rates("done", 5.0).curves
    assert rate.unit == "per s"
    assert rate.times_s[0] == 5, "before, there is no whole window to look back on"
    assert rate.values == pytest.approx(1.0)
    log.counts("done", "all")
    assert log.curves[1].values[-1] == 20


def test_numbers_of_numpy_are_tokens_like_any_other():
    log = station().moves(np.float64(0), np.int64(3), "line").moves(1, 3, "server")
    assert log.tokens == [3]


def test_telling_more_makes_the_rows_anew():
    log = station().moves(0, 1, "line").counts("line")
    assert (len(log.rows), log.curves[0].values[-1]) == (1, 1)
    log.moves(1, 2, "line")
    assert (len(log.rows), log.curves[0].values[-1]) == (2, 2)


@pytest.mark.parametrize("name", ALL)
def test_every_log_is_consistent(name):
    log = ALL[name]()
    rows = log.rows
    assert (np.diff(rows.time_s) >= 0).all()
    where: dict[int, int] = {}
    for i in range(len(rows)):
        token = int(rows.token[i])
        if token < 0:
            continue
        assert rows.left[i] == where.pop(token, -1)
        if rows.act[i] == COMES:
            where[token] = int(rows.place[i])
    assert {log.words[0]} == {""}
    assert all(log.told(row) for row in range(len(rows)))


TELLS = {
    "no place": (lambda: Log("x").moves(0, 1, "line"), ValueError, "no place called 'line'.*none"),
    "no such place": (
        lambda: station().moves(0, 1, "lin"),
        ValueError,
        "'users', 'line', 'server'",
    ),
    "two of a name": (lambda: station().place("line", "queue"), ValueError, "two places.*'line'"),
    "no such kind of place": (lambda: Log("x").place("a", "pile"), ValueError, "one of 'source'"),
    "no name": (lambda: Log("x").place("", "queue"), TypeError, "needs a name"),
    "many queues": (lambda: Log("x").place("a", "queue", number=2), ValueError, "no number of"),
    "no servers": (lambda: station(number=0), ValueError, "number must be .* >= 1, got 0"),
    "far away": (lambda: Log("x").place("a", "queue", at=(99, 0)), ValueError, "at must be"),
    "no such token kind": (
        lambda: station().moves(0, 1, "line", kind="x"),
        ValueError,
        "'request'",
    ),
    "no such colour": (lambda: Log("x").kind("a", "pink"), ValueError, "colour must be one of"),
    "no time": (lambda: station().moves(float("nan"), 1, "line"), ValueError, "finite number of s"),
    "no such server": (lambda: station().moves(0, 1, "server", slot=1), ValueError, "below 1"),
    "no reason": (lambda: station().fails(0, 1, ""), ValueError, "needs a reason"),
    "no way": (lambda: station().sends(0, 1, "line", 0.0), ValueError, "takes_s must be .* > 0"),
    "begins twice": (lambda: station().begins(1, "line").begins(1, "line"), ValueError, "already"),
    "begins at the end": (lambda: station().begins(1, "done"), ValueError, "sink"),
    "an end of nobody": (
        lambda: station().fails(3, 1, "late").rows,
        ValueError,
        "at 3 s request 1 ends, and was nowhere before",
    ),
    "an end after the end": (
        lambda: station().moves(0, 1, "done").leaves(1, 1).rows,
        ValueError,
        "request 1 ends, and was nowhere",
    ),
    "nothing": (lambda: station().rows, ValueError, "nothing has happened"),
    "nothing yet": (lambda: station().begins(1, "line").rows, ValueError, "nothing has happened"),
    "a crowd": (
        lambda: station().moves(0, 1, "server").moves(1, 2, "server").rows,
        ValueError,
        "at 1 s request 1, request 2 are served by 'server', which has 1 server$",
    ),
    "two on one server": (
        lambda: station(number=2).moves(0, 1, "server", slot=1).moves(1, 2, "server", slot=1).rows,
        ValueError,
        "request 1, request 2 are served by 'server', which has 2 servers",
    ),
    "served before it came": (
        lambda: station().serves("line", "server", [1], [0], [2]),
        ValueError,
        r"starts_s\[0\] must not be before arrivals_s\[0\]",
    ),
    "no server of theirs": (
        lambda: station(number=2).serves("line", "server", [0, 1], [0, 1], [5, 5], server=[1, 2]),
        ValueError,
        r"server\[1\] must be below 2, the number of servers of 'server', got 2",
    ),
    "half a server": (
        lambda: station(number=2).serves("line", "server", [0], [0], [5], server=[0.5]),
        TypeError,
        r"server\[0\] must be a whole number >= 0, got 0.5",
    ),
    "no service": (
        lambda: station().serves("line", "server", [0, 0], [0, 1], [1, 1]),
        ValueError,
        r"ends_s\[1\] must be later than starts_s\[1\]",
    ),
    "gone before it came": (
        lambda: station().serves("line", "server", [1], [np.nan], [2], gone_s=[0], why="late"),
        ValueError,
        r"gone_s\[0\] must not be before arrivals_s\[0\]",
    ),
    "never served, for no reason": (
        lambda: station().serves("line", "server", [1], [np.nan], [2]),
        ValueError,
        r"starts_s\[0\] is not a number, and why\[0\] gives no reason",
    ),
    "too few ends": (
        lambda: station().serves("line", "server", [1, 2], [1, 2], [3]),
        ValueError,
        r"ends_s must be one for each of 2 arrivals",
    ),
    "too few reasons": (
        lambda: station().serves("line", "server", [1, 2], [1, 2], [3, 4], why=["x"]),
        ValueError,
        "why must be one for each of 2 arrivals, got 1",
    ),
    "a curve that goes back": (
        lambda: station().series("x", [1, 0], [1, 2]),
        ValueError,
        "times_s must not go back",
    ),
    "a curve of two lengths": (
        lambda: station().series("x", [1, 2], [1]),
        ValueError,
        "values must be one for each of 2, got 1",
    ),
    "a stretch before everything": (
        lambda: station().moves(5, 1, "line").between(1, 4),
        ValueError,
        "nothing happens between 1 and 4 s",
    ),
    "a stretch in which one only stands": (
        lambda: station().moves(5, 1, "line").moves(9, 1, "server").between(6, 8),
        ValueError,
        "nothing happens between 6 and 8 s",
    ),
    "no window": (lambda: station().rates("done", 0), ValueError, "window_s must be .* > 0"),
}


@pytest.mark.parametrize(("tell", "error", "words"), TELLS.values(), ids=TELLS)
def test_what_cannot_be_is_refused(tell, error, words):
    with pytest.raises(error, match=words):
        tell()


def test_a_refused_beginning_leaves_no_trace():
    log = station().begins(1, "line")
    with pytest.raises(ValueError, match="already"):
        log.begins(1, "line")
    log.moves(1, 2, "line")
    assert log.opening == 1
    assert len(log.rows) == 2


@pytest.mark.parametrize("name", ALL)
def test_a_stretch_of_a_log_says_the_same_of_its_time(name):
    log = ALL[name]()
    times = np.unique(log.rows.time_s)
    begin, end = times[len(times) // 3], times[-2]
    part = log.between(begin, end)
    sinks = {place.name for place in log.places if place.kind == "sink"}
    between = times[(times >= begin) & (times <= end)]
    for time in (between[1:] + between[:-1]) / 2:
        whole, there = log.standing(time), part.standing(time - begin)
        for place in whole:
            if place not in sinks:
                assert sorted(map(str, there[place])) == sorted(map(str, whole[place]))
            else:
                assert there[place] == whole[place][-len(there[place]) or len(whole[place]) :]
    told = [log.told(i) for i in range(len(log.rows)) if begin < log.rows.time_s[i] <= end]
    assert [part.told(i) for i in range(len(part.rows))][-len(told) :] == told
    assert part.rows.time_s[-1] == pytest.approx(end - begin)
    assert (part.begin_s, part.end_s) == (0, pytest.approx(end - begin))


def test_a_stretch_keeps_servers_kinds_marks_and_curves():
    log = station(number=2).kind("big", "orange").moves(0, 1, "server", slot=1, kind="big")
    log.marks(1, "line", "closed", bad=True).moves(5, 2, "server").moves(8, 1, "done")
    log.series("x", [0, 4, 6], [1, 2, 3]).counts("server")
    part = log.between(4.5, 7)
    assert part.opening == 1
    rows = part.rows
    assert (rows.slot[0], list(part.kinds)[rows.kind[0]]) == (1, "big")
    assert [part.told(i) for i in range(3)] == [
        "request 1 is served by server 2",
        "line: closed",
        "request 2 is served by server 1",
    ]
    given, counted = part.curves
    assert (given.times_s.tolist(), given.values.tolist()) == ([0, 1.5], [2, 3])
    assert (counted.times_s.tolist(), counted.values.tolist()) == ([0, 0.5], [1, 2])


def test_what_is_added_to_a_stretch_is_not_added_to_the_whole():
    log = station().moves(5, 1, "line").moves(9, 1, "server")
    part = log.between(0, 6).place("extra", "store").kind("big", "orange").moves(1, 2, "extra")
    assert (len(log.places), list(log.kinds)) == (4, ["request"])
    assert part.standing(5)["extra"] == [2]
    with pytest.raises(ValueError, match="no place called 'extra'"):
        log.moves(1, 2, "extra")


def test_who_comes_and_starts_or_goes_in_one_instant_is_told():
    log = station().serves("line", "server", [1, 1], [1, np.nan], [2, 0], gone_s=[0, 1], why="full")
    assert log.rows.time_s.tolist() == [1, 1, 1]


def test_who_is_on_the_way_when_a_stretch_begins_goes_on():
    log = Log("x").place("a", "store").place("b", "store").sends(0, 1, "b", 4, start="a")
    part = log.between(1, 9)
    assert part.rows.act.tolist() == [SETS_OUT, COMES]
    assert part.rows.lasts_s[0] == 3
    assert part.rows.time_s.tolist() == [0, 3]
