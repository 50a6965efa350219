"""The page's question, kept apart so that the notebook does not give away its answer."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.foundations.questions import Prediction, Quiz
from helpers.foundations.queueing import mm1_response

CHAPTER = "00"

PREDICTIONS: Mapping[str, Prediction] = {
    "first": Prediction(
        question="The server is busy 90 % of the time. How long does an average request take?",
        answer=lambda: 1e3 * float(mm1_response(arrival_rps=45.0, service_s=0.020)),
        unit="ms",
        why="The work is still 20 ms; the other 180 ms are spent in line.",
        axis="y",
    ),
}

QUIZZES: Mapping[str, Quiz] = {}
