"""What a run of the register comes to, in numbers and a verdict."""

from __future__ import annotations

import math
from typing import Any

from helpers.consistency.replicas import Replicas
from helpers.foundations.histories import Operation, linearizable, right_until


def tally(history: list[Operation], replicas: Replicas) -> dict[str, Any]:
    """Say of a history what the checker says, and how long its operations took."""
    verdict = linearizable(history)
    return {
        "history": tuple(history),
        "messages": tuple(replicas.messages),
        "linearizable": {True: "yes", False: "no", None: "unknown"}[verdict.holds],
        "right_s": right_until(history),
        "answered": sum(one.end < math.inf for one in history),
    }
