"""A student id has one stream, whoever asks and whenever."""

from __future__ import annotations

import re

import pytest

from helpers.foundations import students

HASHED = students.hashed("lab01")


@pytest.mark.parametrize("wrong", [7, None, b"ada", ["ada"]])
def test_an_id_that_is_not_text_is_shown(wrong: object) -> None:
    message = f"student_id must be text in quotation marks, got {wrong!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        students.stream(wrong, HASHED)


@pytest.mark.parametrize("wrong", ["", "  ", "\n\t"])
def test_an_empty_id_is_shown(wrong: str) -> None:
    message = f"student_id must not be empty, got {wrong!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        students.stream(wrong, HASHED)


@pytest.mark.parametrize("spelling", ["ada", "Ada", " ADA ", "ada\n"])
def test_spellings_of_an_id_are_one_student(spelling: str) -> None:
    name, rng = students.stream(spelling, HASHED)
    assert name == "ada"
    assert rng.random() == students.stream("ada", HASHED)[1].random()


# Marks hang on these numbers: a student's parameters may never change.
@pytest.mark.parametrize(
    ("entropy", "name", "drawn"),
    [
        (HASHED, "ada", [933, 812, 188]),
        (HASHED, "Émile Zola", [68, 312, 804]),
        (students.hashed("lab02"), "ada", [384, 337, 836]),
        (lambda name: [4, *name.encode()], "ada", [373, 307, 723]),
    ],
)
def test_a_stream_is_the_same_for_ever(entropy, name: str, drawn: list[int]) -> None:
    rng = students.stream(name, entropy)[1]
    assert rng.integers(1_000, size=3).tolist() == drawn


def test_students_and_labs_have_streams_of_their_own() -> None:
    names = [f"student {number}" for number in range(50)]
    labs = [students.hashed(lab) for lab in ("lab01", "lab02")]
    drawn = {students.stream(name, lab)[1].random() for name in names for lab in labs}
    assert len(drawn) == len(names) * len(labs)
