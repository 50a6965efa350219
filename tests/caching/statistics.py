"""How the tests of this chapter judge a random number.

Every comparison of a sample mean with a theory uses `assert_mean`: it fails if the two are more
than 4.5 standard errors apart, which a true theory is about 7 times in a million. Seeds are fixed,
so a check that passes once passes always; the rate says how likely the choice of seed was lucky.
"""

from __future__ import annotations

import math

import numpy as np

Z = 4.5


def assert_mean(samples, expected: float, *, allowance: float = 0.0, what: str = "mean") -> None:
    """Fail unless the mean of independent samples is `expected`, give or take an allowance.

    `allowance` is for a known error of the theory, such as a fluid's, and is stated where used.
    """
    samples = np.asarray(samples, dtype=float)
    error = samples.std(ddof=1) / math.sqrt(samples.size)
    distance = abs(float(samples.mean()) - expected)
    assert distance <= Z * error + allowance, (
        f"{what}: {samples.mean():.6g} ± {error:.2g} from {samples.size} samples, "
        f"expected {expected:.6g}"
    )


def assert_share(successes: int, trials: int, expected: float, *, what: str = "share") -> None:
    """Fail unless `successes` of `trials` is what a probability of `expected` gives."""
    error = math.sqrt(max(expected * (1 - expected), 1e-12) * trials)
    assert abs(successes - trials * expected) <= Z * error + 1e-9, (
        f"{what}: {successes} of {trials}, expected {expected:.6g}"
    )
