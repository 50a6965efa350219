"""Who is whose neighbour: the shapes in which nodes pass messages on.

They are those of Maelstrom (Kyle Kingsbury), a workbench that runs a learner's own nodes over a
simulated network, node 0 first.

>>> neighbours("line", 4)
((1,), (0, 2), (1, 3), (2,))
>>> edges(neighbours("grid", 25)), edges(neighbours("tree of 4", 25))
(40, 24)
"""

from __future__ import annotations

import math

import numpy as np

LINE, GRID, TREE_2, TREE_4, TOTAL = "line", "grid", "tree of 2", "tree of 4", "everybody"
SHAPES = (LINE, GRID, TREE_2, TREE_4, TOTAL)

Neighbours = tuple[tuple[int, ...], ...]


def neighbours(shape: str, nodes: int) -> Neighbours:
    """Return each node's neighbours, in ascending order.

    Parameters
    ----------
    shape : str
        One of :data:`SHAPES`. A grid is as wide as the square root of `nodes`, rounded up, and
        filled row by row; in a tree of 4 each node has at most 4 children.
    nodes : int
        >= 1.
    """
    near: list[set[int]] = [set() for _ in range(nodes)]
    for one, other in _pairs(shape, nodes):
        near[one].add(other)
        near[other].add(one)
    return tuple(tuple(sorted(each)) for each in near)


def edges(near: Neighbours) -> int:
    """Return how many pairs of neighbours there are."""
    return sum(map(len, near)) // 2


def hops(near: Neighbours) -> np.ndarray:
    """Return how many messages in a row it takes from each node to each other, shape (n, n)."""
    n = len(near)
    distance = np.full((n, n), n)
    for start in range(n):
        distance[start, start] = 0
        ahead = [start]
        for node in ahead:  # grows while it is walked along: breadth first
            for other in near[node]:
                if distance[start, other] == n and other != start:
                    distance[start, other] = distance[start, node] + 1
                    ahead.append(other)
    return distance


def _pairs(shape: str, nodes: int) -> list[tuple[int, int]]:
    each = range(nodes)
    if shape == LINE:
        return [(i, i + 1) for i in each[:-1]]
    if shape == GRID:
        wide = math.ceil(math.sqrt(nodes))
        right = [(i, i + 1) for i in each[:-1] if (i + 1) % wide]
        return right + [(i, i + wide) for i in range(nodes - wide)]
    if shape in (TREE_2, TREE_4):
        children = 2 if shape == TREE_2 else 4
        return [((i - 1) // children, i) for i in each[1:]]
    return [(i, j) for i in each for j in range(i)]
