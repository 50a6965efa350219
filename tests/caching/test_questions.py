"""The answers are those of the models."""

from __future__ import annotations

import pytest

from helpers.caching import expiry, questions


def test_at_the_breaking_rate_a_herd_fills_a_lifetime():
    rate = questions.PREDICTIONS["break"].answer()
    at = expiry.Setting(rate_rps=rate, recompute_s=2.0, connections=20)
    assert expiry.theory(at).queries["none"] * 2.0 / 20 == pytest.approx(60)
