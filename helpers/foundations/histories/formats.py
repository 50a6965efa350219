"""Histories as text: JSON lines, one operation each, and the log that Jepsen's tests write."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from helpers.foundations.histories import edn
from helpers.foundations.histories.operations import READ, WRITE, Operation, check

_FIELDS = ("client", "kind", "value", "start", "end", "key", "version")
_NEEDED = ("client", "kind", "start")


def from_json(text: str) -> list[Operation]:
    """Read a history, one JSON object a line; empty lines are passed over.

    A line has ``client``, ``kind`` ("read" or "write"), ``value``, ``start`` and ``end`` in
    seconds, and may have ``key`` and ``version``. An operation without an answer has no ``end``, or
    null. A value is a number, a string or null.

    Raises
    ------
    ValueError
        If something is missing, unknown or of the wrong kind; the message names line and field.
    """
    history = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                fields = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number}: no JSON: {error.msg}") from None
            history.append(_operation(number, fields))
    return history


def to_json(history: Sequence[Operation]) -> str:
    """Write a history as JSON lines, which `from_json` reads."""
    check(history)
    lines = []
    for one in history:
        fields = one._asdict() | {"end": None if one.end == math.inf else one.end}
        if one.version is None:
            del fields["version"]
        lines.append(json.dumps(fields))
    return "".join(line + "\n" for line in lines)


def from_edn(text: str) -> list[Operation]:
    """Read a history from a Jepsen log: maps that invoke an operation, and say how it ended.

    ``{:type :invoke, :f :write, :value 1, :process 0, :time 5}`` begins an operation of process 0;
    the next map of the process ends it: with ``:ok`` it happened, with ``:fail`` it did not, with
    ``:info`` nobody knows. Times are nanoseconds. Registers have a ``:key``, or stand before the
    value as in ``:value [3 1]``. What is not a read or a write of a client, such as a nemesis at
    work, is passed over if its process is a keyword.

    Raises
    ------
    ValueError
        If something is missing, unknown or of the wrong kind; the message names line and field.
    """
    history: list[Operation] = []
    begun: dict[int, tuple[int, dict[str, Any]]] = {}
    for line, form in edn.forms(text):
        events = form if isinstance(form, tuple) else (form,)  # some logs are one vector
        for event in events:
            if not isinstance(event, dict):
                raise ValueError(f"line {line}: an event must be a map, got {edn.written(event)}")
            fields = {str(name).removeprefix(":"): value for name, value in event.items()}
            process = fields.get("process")
            if isinstance(process, str):
                continue
            if not isinstance(process, int) or isinstance(process, bool):
                raise ValueError(f"line {line}: process must be a number, got {process!r}")
            kind = fields.get("type")
            if kind == ":invoke":
                if process in begun:
                    raise ValueError(f"line {line}: process {process} has not ended its last one")
                begun[process] = (line, fields)
            elif kind in (":ok", ":fail", ":info"):
                if process not in begun:
                    raise ValueError(f"line {line}: process {process} has begun nothing")
                began, first = begun.pop(process)
                if kind != ":fail":
                    history.append(_jepsen(began, first, line, fields))
            else:
                known = ":invoke, :ok, :fail or :info"
                raise ValueError(f"line {line}: type must be {known}, got {edn.written(kind)}")
    history += [_jepsen(line, fields, line, {"type": ":info"}) for line, fields in begun.values()]
    return sorted(history, key=lambda one: (one.start, one.end))


def to_edn(history: Sequence[Operation]) -> str:
    """Write a history as a Jepsen log, which `from_edn` reads; clients become processes by number.

    A client that goes on after an operation without an answer gets a new number, as Jepsen does.
    """
    check(history)
    events: list[tuple[float, int, dict[str, Any]]] = []
    processes: dict[tuple[str, int], int] = {}
    lost: dict[str, int] = {}
    for one in sorted(history, key=lambda one: (one.start, one.end)):
        who = (one.client, lost.get(one.client, 0))
        process = processes.setdefault(who, len(processes))
        base = {":process": process, ":f": f":{one.kind}", ":key": one.key}
        asked = one.value if one.kind == WRITE else None
        begin = {":type": ":invoke", **base, ":value": asked, ":time": round(1e9 * one.start)}
        events.append((one.start, 1, begin))
        if one.end == math.inf:
            lost[one.client] = lost.get(one.client, 0) + 1
            continue
        end = {":type": ":ok", **base, ":value": one.value, ":time": round(1e9 * one.end)}
        events.append((one.end, 0 if one.end > one.start else 2, end))
    events.sort(key=lambda event: event[:2])
    return "".join(edn.written(event) + "\n" for _, _, event in events)


def _operation(line: int, fields: Any) -> Operation:
    if not isinstance(fields, dict):
        raise ValueError(f"line {line}: an operation must be an object, got {fields!r}")
    for name in _NEEDED:
        if name not in fields:
            raise ValueError(f"line {line}: {name} is missing")
    for name in fields:
        if name not in _FIELDS:
            raise ValueError(f"line {line}: {name} is none of {', '.join(_FIELDS)}")
    kind = fields["kind"]
    if kind not in (READ, WRITE):
        raise ValueError(f"line {line}: kind must be 'read' or 'write', got {kind!r}")
    start = _seconds(line, "start", fields["start"])
    end = math.inf if fields.get("end") is None else _seconds(line, "end", fields["end"])
    if end < start:
        raise ValueError(f"line {line}: end must not be before start, got {end} and {start}")
    value = _value(line, "value", fields.get("value"))
    version = fields.get("version")
    if version is not None:
        many = isinstance(version, list)
        version = tuple(
            _seconds(line, "version", part) for part in (version if many else [version])
        )
    key = str(fields.get("key", "x"))
    return Operation(str(fields["client"]), kind, value, start, end, key, version)


def _jepsen(began: int, first: Mapping[str, Any], ended: int, last: Mapping[str, Any]) -> Operation:
    kind = str(first.get("f")).removeprefix(":")
    if kind not in (READ, WRITE):
        raise ValueError(f"line {began}: f must be :read or :write, got {first.get('f')}")
    happened = last["type"] == ":ok"
    value = last.get("value") if kind == READ and happened else first.get("value")
    line, key = (ended if kind == READ else began), first.get("key", ":x")
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(f"line {line}: value must be one value, or a key and one")
        key, value = value
    start = 1e-9 * _seconds(began, "time", first.get("time"))
    end = 1e-9 * _seconds(ended, "time", last.get("time")) if happened else math.inf
    if end < start:
        raise ValueError(f"line {ended}: time must not be before that of line {began}")
    name = str(key).removeprefix(":")
    return Operation(str(first["process"]), kind, _value(line, "value", value), start, end, name)


def _seconds(line: int, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"line {line}: {name} must be a finite number, got {value!r}")
    return float(value)


def _value(line: int, name: str, value: Any) -> Hashable:
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        raise ValueError(f"line {line}: {name} must be a number, a string or null, got {value!r}")
    return value
