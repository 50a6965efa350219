"""Who is beaten by nobody, where of each number less is better."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def undominated(marks: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return which rows no other row beats, ascending.

    One row beats another if it is at most as large in every number and smaller in at least one.

    Parameters
    ----------
    marks : array_like, shape (rows, numbers)

    Notes
    -----
    Kung, Luccio and Preparata, "On Finding the Maxima of a Set of Vectors", JACM 1975: sorted by
    the first number, then the second and so on, a row can only be beaten by one before it, so each
    needs to be held only against those that are still standing.

    Examples
    --------
    >>> undominated([[1, 4], [2, 2], [3, 3], [4, 1]]).tolist()
    [0, 1, 3]
    """
    rows = np.asarray(marks, float)
    standing: list[int] = []
    for i in np.lexsort(rows.T[::-1]):
        over = rows[standing]
        if not ((over <= rows[i]).all(axis=1) & (over < rows[i]).any(axis=1)).any():
            standing.append(int(i))
    return np.sort(np.array(standing, np.int64))
