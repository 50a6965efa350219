"""Words for where an interval rests on too few events to keep what its name says."""

from __future__ import annotations

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
