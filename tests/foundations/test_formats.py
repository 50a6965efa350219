"""Histories as text: what is written is read again, and what is wrong is named by its line."""

from __future__ import annotations

import math
import random

import pytest

from helpers.foundations.histories import (
    Operation,
    from_edn,
    from_json,
    linearizable,
    to_edn,
    to_json,
)
from tests.foundations.every_history import some_history

JEPSEN = """
; a register, and a nemesis that is passed over
#jepsen.history.Op{:index 0, :type :invoke, :process 0, :f :write, :value 3, :time 1000000000}
{:type :invoke, :process 1, :f :read, :value nil, :time 1500000000}
{:type :info, :process :nemesis, :f :start, :value [:isolated {"n1" #{"n2" "n3"}}]}
{:type :ok, :process 0, :f :write, :value 3, :time 2000000000}
{:type :ok, :process 1, :f :read, :value nil, :time 2500000000}
{:type :invoke, :process 2, :f :write, :value 4, :time 3000000000}
{:type :info, :process 2, :f :write, :value 4, :time 9000000000, :error [:timeout "it's late"]}
{:type :invoke, :process 3, :f :write, :value 5, :time 4000000000}
{:type :fail, :process 3, :f :write, :value 5, :time 5000000000}
{:type :invoke, :process 1, :f :read, :value [7 nil], :time 6000000000}
{:type :ok, :process 1, :f :read, :value [7 1], :time 7000000000}
{:type :invoke, :process 4, :f :read, :value nil, :time 8000000000}
"""


def test_a_log_of_jepsen():
    assert from_edn(JEPSEN) == [
        Operation("0", "write", 3, 1.0, 2.0),
        Operation("1", "read", None, 1.5, 2.5),
        Operation("2", "write", 4, 3.0, math.inf),
        Operation("1", "read", 1, 6.0, 7.0, "7"),
        Operation("4", "read", None, 8.0, math.inf),
    ]
    vector = "[{:type :invoke :process 0 :f :read :time 0} {:type :ok :process 0 :time 5 :value 1}]"
    assert from_edn(vector) == [Operation("0", "read", 1, 0.0, 5e-9)]
    assert from_edn("") == from_json("\n\n") == []


def test_what_is_written_is_read_again():
    rng = random.Random(4)
    for _ in range(200):
        history = sorted(some_history(rng, 12), key=lambda one: (one.start, one.end))
        assert from_json(to_json(history)) == history
        again = from_edn(to_edn(history))
        assert len(again) == len(history)
        for one, other in zip(history, again, strict=True):
            assert (one.kind, one.key, one.start) == (
                other.kind, other.key, pytest.approx(other.start, abs=1e-8))  # fmt: skip
            assert one.value == other.value or (one.kind, one.end) == ("read", math.inf)
            assert math.isinf(one.end) == math.isinf(other.end)
        assert linearizable(history).holds == linearizable(again).holds


def test_versions_and_words_survive():
    history = [Operation('a "b"', "write", 'say "1"\\', 0.0, 1.0, "k", (3.0, 1.0))]
    assert from_json(to_json(history)) == history
    assert from_json('{"client": 1, "kind": "read", "start": 2, "version": 7}') == [
        Operation("1", "read", None, 2.0, math.inf, "x", (7.0,))
    ]
    assert from_edn(to_edn(history))[0].value == 'say "1"\\'


GOOD = '{"client": "a", "kind": "read", "start": 0}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 2: no JSON"),
        ("[1]", "line 2: an operation must be an object"),
        ('{"kind": "read", "start": 0}', "line 2: client is missing"),
        ('{"client": "a", "start": 0}', "line 2: kind is missing"),
        ('{"client": "a", "kind": "read"}', "line 2: start is missing"),
        ('{"client": "a", "kind": "cas", "start": 0}', "line 2: kind must be 'read' or 'write'"),
        ('{"client": "a", "kind": "read", "start": "0"}', "line 2: start must be a finite number"),
        ('{"client": "a", "kind": "read", "start": 2, "end": 1}', "line 2: end must not be before"),
        ('{"client": "a", "kind": "read", "start": 0, "value": [1]}', "line 2: value must be"),
        ('{"client": "a", "kind": "read", "start": 0, "stop": 1}', "line 2: stop is none of"),
        ('{"client": "a", "kind": "read", "start": 0, "version": "v"}', "line 2: version must be"),
    ],
)
def test_a_wrong_line_is_named(text, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        from_json(GOOD + text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{:type :invoke", "line 2: '{' is never closed"),
        ("}", "line 2: '}' closes nothing"),
        ("{:a ]", "line 2: ']' closes '{'"),
        ("{:a}", "line 2: a map needs a value for each key"),
        ("{{:a 1} 2}", "line 2: a map's key must be"),
        ('"open', "line 2: cannot read"),
        ("5", "line 2: an event must be a map"),
        ("{:type :invoke}", "line 2: process must be a number"),
        ("{:type :begin, :process 1}", "line 2: type must be :invoke"),
        ("{:type :ok, :process 1}", "line 2: process 1 has begun nothing"),
        ("{:type :invoke, :process 0}", "line 2: process 0 has not ended its last one"),
        ("{:type :ok, :process 0, :time 1, :value #{1 2 3}}", "line 2: value must be one value"),
        ("{:type :ok, :process 0, :value 1}", "line 2: time must be a finite number"),
        ("{:type :ok, :process 0, :time 0, :value 1}", "line 2: time must not be before that of"),
        ("{:type :ok, :process 0, :time 9, :value true}", "line 2: value must be a number"),
    ],
)
def test_a_wrong_event_is_named(text, said):
    with pytest.raises(ValueError, match="^" + said.replace("{", r"\{").replace("[", r"\[")):
        from_edn("{:type :invoke, :process 0, :f :read, :time 1}\n" + text)


def test_other_operations_are_named():
    with pytest.raises(ValueError, match=r"^line 1: f must be :read or :write, got :cas"):
        from_edn("{:type :invoke, :process 0, :f :cas, :value [1 2], :time 1}")
