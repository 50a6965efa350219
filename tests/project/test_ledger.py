"""The ledger of numbers finds what could be wrong, and holds it only where it stands."""

from __future__ import annotations

import pytest

from tests.prose import Prose, spelled


def prose(text: str) -> Prose:
    """Return a ledger of one cell of Markdown."""
    made = Prose("00")
    made.texts = {0: text}
    made.numbers = list(made._in(0))
    return made


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It takes 1,046 servers, or 96 % of ten thousand.", ["1,046", "96", "ten thousand"]),
        ("A quarter of 2.5 million is twice that.", ["quarter", "2.5 million", "twice"]),
        ("One request in ten waits; a factor of five.", ["ten", "five"]),
        ("Three changes to try, one at a time.", []),
        ("See [chapter 02](02_scale.ipynb), section 7, of 2007, and `range(2_000)`.", []),
        ("[Contents](00.ipynb) · previous: [01 Why?](01_why.ipynb) · **Lab 02**", []),
        (r"$X \le 1/S$, but $\ln 100 \approx 4.6$, by M/M/1", ["100", "4.6"]),
        ("> **Claim C13.** It is Twenty-one times ninefold.", ["Twenty-one", "ninefold"]),
    ],
)
def test_what_is_a_number(text: str, numbers: list[str]) -> None:
    assert [one.value for one in prose(text).numbers] == numbers


def test_a_number_is_held_where_the_phrase_stands() -> None:
    made = prose("It takes 20 ms, says Little, and 40 ms, says nobody.")
    made.sourced("takes 20 ms", source="Little")
    assert [one.value for one in made.free()] == ["40"]
    with pytest.raises(AssertionError, match="does not stand beside"):
        made.sourced("and 40 ms", source="Kleinrock")
    with pytest.raises(AssertionError, match="do not say '41 ms'"):
        made.computed("41 ms")


def test_the_ledger_says_how() -> None:
    made = prose("It takes 20 ms at any load, and 40 ms.")
    made.computed("takes 20 ms")
    made.universal("at any load", why="nothing waits | here")
    assert (
        "| 20 |  | It takes 20 ms at any load, and 40 ms. | computed in the ledger says how |"
        in (made.ledger())
    )
    assert "| 40 |  | It takes 20 ms at any load, and 40 ms. | not held |" in made.ledger()
    assert "| at any load |  | nothing waits \\| here |" in made.ledger()


def test_spelling() -> None:
    assert [spelled(n) for n in (0, 2, 12, 13, 20)] == [
        "none",
        "two",
        "twelve",
        "thirteen",
        "twenty",
    ]
