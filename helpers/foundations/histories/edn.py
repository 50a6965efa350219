"""The part of EDN that logs of operations are written in: a small reader, and a writer.

Maps, vectors, lists, sets, strings, numbers, keywords, ``nil``, ``true`` and ``false``; comments,
commas and tags such as ``#jepsen.history.Op`` are passed over. Keywords become strings with their
colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>[\s,]+|;[^\n]*)|(?P<open>\#?[{\[(])|(?P<close>[}\])])"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*")|(?P<tag>\#[A-Za-z_][\w.\-/]*)|(?P<atom>[^\s,;{}\[\]()"]+)"""
)
_CLOSES = {"{": "}", "#{": "}", "[": "]", "(": ")"}
_WORDS = {"nil": None, "true": True, "false": False}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def forms(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each value that stands in a text, and the line on which it begins.

    Raises
    ------
    ValueError
        If something is no EDN, or not closed; the message names the line.
    """
    tokens = list(_tokens(text))
    at = 0
    while at < len(tokens):
        line = tokens[at].line
        value, at = _form(tokens, at)
        yield line, value


def written(value: Any) -> str:
    """Return a value as EDN: numbers, words, keywords, and vectors and maps of them."""
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        if re.fullmatch(r":[\w.\-/]+", value):
            return value
        return '"' + re.sub(r'(["\\])', r"\\\1", value).replace("\n", "\\n") + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(k)} {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(written, value)) + "]"
    return repr(value)


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"line {line}: cannot read {text[at : at + 20]!r}")
        if match.lastgroup not in ("space", "tag"):
            yield _Token(str(match.lastgroup), match.group(), line)
        line += match.group().count("\n")
        at = match.end()


def _form(tokens: list[_Token], at: int) -> tuple[Any, int]:
    token = tokens[at]
    if token.kind == "atom":
        return _atom(token), at + 1
    if token.kind == "string":
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token.text[1:-1]), at + 1
    if token.kind == "close":
        raise ValueError(f"line {token.line}: {token.text!r} closes nothing")
    inside, at = [], at + 1
    while at < len(tokens) and tokens[at].kind != "close":
        value, at = _form(tokens, at)
        inside.append(value)
    if at == len(tokens):
        raise ValueError(f"line {token.line}: {token.text!r} is never closed")
    if tokens[at].text != _CLOSES[token.text]:
        raise ValueError(f"line {tokens[at].line}: {tokens[at].text!r} closes {token.text!r}")
    if token.text != "{":
        return tuple(inside), at + 1
    if len(inside) % 2:
        raise ValueError(f"line {token.line}: a map needs a value for each key")
    try:
        return dict(zip(inside[::2], inside[1::2], strict=True)), at + 1
    except TypeError:
        raise ValueError(f"line {token.line}: a map's key must be a word or a number") from None


def _atom(token: _Token) -> Any:
    if token.text in _WORDS:
        return _WORDS[token.text]
    if token.text.startswith(":"):
        return token.text
    for kind in (int, float):
        try:
            return kind(token.text.rstrip("NM"))
        except ValueError:
            continue
    return token.text
