"""Alerts on burn rates: which windows they look at, and which rate sets them off."""

from __future__ import annotations

from typing import NamedTuple

from helpers.foundations.drawing import style

DAY_MIN = 1_440
#: Minutes of quiet before the incident, and of the time in which false alarms are counted.
QUIET_MIN = 30 * DAY_MIN


class Alert(NamedTuple):
    """Burn rate over a long and a short window, both at least the threshold.

    Attributes
    ----------
    name : str
    long_min, short_min : int
        The windows, minutes.
    threshold : float
        Burn rate; 1 spends the budget of 30 days in 30 days.
    color : str
    """

    name: str
    long_min: int
    short_min: int
    threshold: float
    color: str


#: Beyer et al., *The Site Reliability Workbook*, 2018, chapter 5, table 5-8; and what many begin
#: with: a page when five minutes are worse than the target.
ALERTS = (
    Alert("page: 1 h, 14.4", 60, 5, 14.4, style.VERMILION),
    Alert("page: 6 h, 6", 360, 30, 6.0, style.ORANGE_INK),
    Alert("ticket: 3 days, 1", 3 * DAY_MIN, 360, 1.0, style.BLUE),
)
NAIVE = Alert("5 min over target", 5, 5, 1.0, style.MUTED)
