"""How far a simulated or measured number can be trusted.

Two mistakes make most simulation results worthless, and both look fine on a plot.

*Warm-up.* A queue that starts empty is shorter at first than it will be later, so an average over
the whole run is too small. Discard the beginning; longer the nearer the utilisation is to 1.

*Correlation.* A customer waits about as long as the one before, so ten thousand waits of one run
say no more about the mean than a few dozen independent ones. The usual interval, which divides the
spread of the single waits by the square root of their number, is then several times too narrow.
Average over independent replications (:func:`mean_interval`), or over a few long batches of one
run (:func:`batch_means`).
"""

from helpers.foundations.statistics.estimates import (
    batch_means,
    mean_interval,
    mean_intervals,
    quantile_interval,
    skewed_interval,
    skewed_intervals,
    wilson_interval,
    wilson_intervals,
)
from helpers.foundations.statistics.intervals import Interval, Intervals, agrees, verdict
from helpers.foundations.statistics.order import fewer_than
from helpers.foundations.statistics.rare import ENOUGH, rough, seldom
from helpers.foundations.statistics.students_t import t_quantile

__all__ = [
    "ENOUGH",
    "Interval",
    "Intervals",
    "agrees",
    "batch_means",
    "fewer_than",
    "mean_interval",
    "mean_intervals",
    "quantile_interval",
    "rough",
    "seldom",
    "skewed_interval",
    "skewed_intervals",
    "t_quantile",
    "verdict",
    "wilson_interval",
    "wilson_intervals",
]
