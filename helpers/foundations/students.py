"""Everyone's own numbers in a lab: the random stream that belongs to a student id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np


def stream(
    student_id: str, entropy: Callable[[str], int | Sequence[int]]
) -> tuple[str, np.random.Generator]:
    """Return a student's name and random stream; the same id always has the same ones.

    Parameters
    ----------
    student_id : str
        Any text but the empty one; spaces around it and upper case make no difference.
    entropy : callable
        Makes from the name, stripped and in lower case, what seeds the stream: an integer or
        several. :func:`hashed` makes one for each lab.

    Returns
    -------
    str
        The name.
    numpy.random.Generator
        The stream.

    Raises
    ------
    TypeError
        If `student_id` is not text.
    ValueError
        If it is empty.

    Examples
    --------
    >>> name, rng = stream(" Ada ", hashed("lab01"))
    >>> name, int(rng.integers(1_000))
    ('ada', 933)
    """
    if not isinstance(student_id, str):
        raise TypeError(f"student_id must be text in quotation marks, got {student_id!r}")
    name = student_id.strip().lower()
    if not name:
        raise ValueError(f"student_id must not be empty, got {student_id!r}")
    return name, np.random.default_rng(np.random.SeedSequence(entropy(name)))


def hashed(lab: str) -> Callable[[str], int]:
    """Return the entropy of a lab, so that a student meets other luck in each.

    Parameters
    ----------
    lab : str
        The lab's short name, such as ``"lab01"``.

    Returns
    -------
    callable
        Hashes a name with SHA-256, the same in every process and on every platform.
    """

    def entropy(name: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{lab}:{name}".encode()).digest(), "big")

    return entropy
