"""One independent random stream for each named source of randomness."""

from __future__ import annotations

import numpy as np

from helpers.foundations import validation


def streams(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """Return one independent random stream for each named source of randomness.

    A stream depends on the seed and its own name alone. A model that gains a source of randomness
    keeps the numbers it drew from the others, and two designs that name a stream alike meet the
    same numbers.

    Parameters
    ----------
    seed : int
        Seed of the experiment; >= 0.
    *names : str
        One name for each source, such as ``"arrivals"``; all different, none empty.

    Returns
    -------
    dict of str to numpy.random.Generator
        The streams, by name, in the order given.

    Raises
    ------
    TypeError
        If `seed` is not an integer or a name is not a string.
    ValueError
        If `seed` is negative, or a name is empty or given twice.

    Examples
    --------
    >>> rng = streams(1, "arrivals", "services")
    >>> bool(rng["services"].random() == streams(1, "services")["services"].random())
    True
    """
    seed = validation.integer("seed", seed, at_least=0)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"names[{position}] must be a string, got {name!r}")
        if not name:
            raise ValueError(f"names[{position}] must be a non-empty string, got ''")
        if name in names[:position]:
            raise ValueError(f"names must all be different, got {name!r} twice")
    # The name itself is the spawn key: unlike a hash of it, no two names can share one.
    return {
        name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))
        for name in names
    }
