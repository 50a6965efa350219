"""The interactive layer: explorers, pictures, predictions and quizzes. It knows no chapter."""

from helpers.explore.calibration import calibration
from helpers.explore.controls import choice, slider, spelled, toggle
from helpers.explore.deal import Deal, deal
from helpers.explore.environment import check_environment
from helpers.explore.explorer import Explorer, explore
from helpers.explore.exposing import Exposed, expose
from helpers.explore.learning import learning
from helpers.explore.picture import Picture, picture
from helpers.explore.predictions import forget_predictions, predict, predictions
from helpers.explore.progress import progress
from helpers.explore.quiz import quiz
from helpers.explore.replay import Replay, replay
from helpers.explore.shelf import read_build_break
from helpers.explore.shown import Shown, shown
from helpers.explore.standing import progress_page

__all__ = [
    "Deal",
    "Explorer",
    "Exposed",
    "Picture",
    "Replay",
    "Shown",
    "calibration",
    "check_environment",
    "choice",
    "deal",
    "explore",
    "expose",
    "forget_predictions",
    "learning",
    "picture",
    "predict",
    "predictions",
    "progress",
    "progress_page",
    "quiz",
    "read_build_break",
    "replay",
    "shown",
    "slider",
    "spelled",
    "toggle",
]
