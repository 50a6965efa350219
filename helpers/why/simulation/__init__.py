"""Parameters in, results out; pure functions."""

from helpers.why.simulation.books import BooksResult, simulate_books
from helpers.why.simulation.choices import ChoicesResult, build, simulate_choices
from helpers.why.simulation.concurrency import ConcurrencyResult, simulate_concurrency
from helpers.why.simulation.deploys import (
    DEPLOY_S,
    CanaryResult,
    RollingResult,
    simulate_canary,
    simulate_rolling,
)
from helpers.why.simulation.durability import (
    POLICIES,
    DurabilityResult,
    DurabilityRow,
    simulate_durability,
)
from helpers.why.simulation.judgement import (
    STATED,
    CalibrationResult,
    ScoreResult,
    score_predictions,
    simulate_calibration,
)
from helpers.why.simulation.loss import LOST_S, LossResult, simulate_loss
from helpers.why.simulation.surprises import (
    BEGIN_S,
    DECK,
    END_S,
    SURVIVED,
    UNTIL_S,
    DeckResult,
    SurpriseResult,
    play_deck,
    simulate_surprise,
)
from helpers.why.simulation.traffic import (
    TRAFFIC,
    UTILISATIONS,
    WORK,
    TrafficResult,
    simulate_traffic,
)
from helpers.why.simulation.users import USERS, UsersResult, simulate_users

__all__ = [
    "BEGIN_S",
    "DECK",
    "DEPLOY_S",
    "END_S",
    "LOST_S",
    "POLICIES",
    "STATED",
    "SURVIVED",
    "TRAFFIC",
    "UNTIL_S",
    "USERS",
    "UTILISATIONS",
    "WORK",
    "BooksResult",
    "CalibrationResult",
    "CanaryResult",
    "ChoicesResult",
    "ConcurrencyResult",
    "DeckResult",
    "DurabilityResult",
    "DurabilityRow",
    "LossResult",
    "RollingResult",
    "ScoreResult",
    "SurpriseResult",
    "TrafficResult",
    "UsersResult",
    "build",
    "play_deck",
    "score_predictions",
    "simulate_books",
    "simulate_calibration",
    "simulate_canary",
    "simulate_choices",
    "simulate_concurrency",
    "simulate_durability",
    "simulate_loss",
    "simulate_rolling",
    "simulate_surprise",
    "simulate_traffic",
    "simulate_users",
]
