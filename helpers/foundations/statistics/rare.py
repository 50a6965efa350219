"""Words for where an interval rests on too few events to keep what its name says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: From so many events on, and as many of the others, Wilson's 95 % interval holds the truth in 93
#: to 97 % of all runs, whatever the share. With fewer, one event more or less moves it too far.
ENOUGH = 6


def rough(expected: float, events: str, enough: float = ENOUGH) -> str:
    """Say that an interval is rough where theory expects fewer events than it needs.

    Parameters
    ----------
    expected : float
        How many events theory expects in all that is simulated.
    events : str
        What they are called, such as "bad days".
    enough : float
        How many the interval needs.

    Returns
    -------
    str
        A sentence with a space before it, or nothing where the interval is as good as its name.

    Examples
    --------
    >>> rough(2.5, "bad days")
    ' Fewer than 6 bad days are to be expected, too few for the interval to hold the truth in 95 % \
of all runs.'
    >>> rough(25, "bad days")
    ''
    """
    if expected >= enough:
        return ""
    return (
        f" Fewer than {enough:g} {events} are to be expected, too few for the interval to hold the "
        "truth in 95 % of all runs."
    )


def seldom(runs: npt.ArrayLike, clause: str) -> str:
    """Say that an interval is rough where two or more of the runs behind it saw none of its events.

    What comes in clusters, such as refusals while all servers are busy, can be counted often and
    still have happened a few times only. With a dozen clusters in eight runs Student's interval
    holds the truth in 93 % of all cases, and two of the runs are without any; with fewer it holds
    it less often, and more runs are without.

    Parameters
    ----------
    runs : array_like, shape (R,)
        How often it happened in each run, or to which share.
    clause : str
        What is to be said of a run without any, such as "nobody gave up".

    Returns
    -------
    str
        A sentence with a space before it, or nothing where the interval is as good as its name.

    Examples
    --------
    >>> seldom([0, 0, 0.1, 0.2], "nobody gave up")
    ' In 2 of the 4 runs nobody gave up: there are too few exceptions for the interval to hold the \
truth in 95 % of all cases.'
    >>> seldom([0, 0.3, 0.1, 0.2], "nobody gave up")
    ''
    """
    counts = np.asarray(runs)
    none = int((counts == 0).sum())
    if none < 2:
        return ""
    where = f"all {none}" if none == counts.size else f"{none} of the {counts.size}"
    return (
        f" In {where} runs {clause}: there are too few exceptions for the interval to hold the "
        "truth in 95 % of all cases."
    )
