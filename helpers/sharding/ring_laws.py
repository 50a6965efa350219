"""The exact laws of a random ring: how uneven its arcs are, and how that fades."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_GRID = 8_001


def share_cdf(share: npt.ArrayLike, shards: int, virtual_nodes: int) -> np.ndarray:
    """Probability that one given shard owns at most `share` of the circle.

    Parameters
    ----------
    share : array_like
        Fractions of the circle, 0 to 1.
    shards, virtual_nodes : int
        Number of shards n, >= 2, and points per shard V, >= 1.

    Notes
    -----
    The nV spacings of nV uniform points on a circle are Dirichlet(1, ..., 1), and a shard's share
    is the sum of V of them, so it is Beta(V, (n - 1) V): David and Nagaraja, *Order Statistics*,
    3rd ed. 2003, on uniform spacings. With whole-number parameters the beta distribution function
    is a binomial tail, ``P(Bin(nV - 1, x) >= V)``, summed here.
    """
    x = np.asarray(share, dtype=float)
    trials = shards * virtual_nodes - 1
    k = np.arange(virtual_nodes)
    logs = _log_factorial(trials)
    log_choose = logs[trials] - (logs[k] + logs[trials - k])
    inside = np.clip(x, 1e-300, 1 - 1e-16)[..., None]
    below = np.exp(log_choose + k * np.log(inside) + (trials - k) * np.log1p(-inside)).sum(axis=-1)
    return np.where(x <= 0, 0.0, np.where(x >= 1, 1.0, np.clip(1 - below, 0, 1)))


def variation(shards: int, virtual_nodes: int, keys: int | None = None) -> float:
    """Coefficient of variation of a shard's load on a random ring.

    Parameters
    ----------
    shards, virtual_nodes : int
        Number of shards n, >= 2, and points per shard V, >= 1.
    keys : int, optional
        Number of equally loaded keys K placed on the ring. Without it, the coefficient of
        variation of the share of the circle itself, the limit of many keys.

    Notes
    -----
    Exact: ``CV^2 = (n - 1) / (nV + 1)``, the variance of Beta(V, (n - 1) V). Given its share s, a
    shard holds Bin(K, s) keys, which adds ``(n - 1)/K`` and leaves ``1 - 1/K`` of the first term.
    """
    squared = (shards - 1) / (shards * virtual_nodes + 1)
    if keys is not None:
        squared = squared * (1 - 1 / keys) + (shards - 1) / keys
    return math.sqrt(squared)


@lru_cache(maxsize=256)
def ordered_shares(shards: int, virtual_nodes: int) -> np.ndarray:
    """Mean share of the shard that owns most, of the one that owns second most, and so on.

    Parameters
    ----------
    shards, virtual_nodes : int
        Number of shards n, >= 2, and points per shard V, >= 1.

    Returns
    -------
    numpy.ndarray, shape (shards,)
        Mean fractions of the circle, largest first, summing to 1; read-only.

    Notes
    -----
    Exact up to quadrature. Dirichlet(V, ..., V) is n independent Gamma(V) variables divided by
    their sum, and the sum is independent of the ratios; so the mean of the k-th largest share is
    the mean of the k-th largest Gamma(V) variable divided by nV. That mean is the integral over x
    of the probability that at least k of n exceed x. For V = 1 it is the classical
    ``(1/n) (1/k + ... + 1/n)``, whose largest is ``H_n / n`` (David and Nagaraja, *Order
    Statistics*, 3rd ed. 2003).
    """
    x, dx, below = _gamma_cdf(virtual_nodes, shards)
    counts = np.arange(shards + 1)
    logs = _log_factorial(shards)
    log_choose = logs[shards] - logs[counts] - logs[shards - counts]
    with np.errstate(divide="ignore", invalid="ignore"):
        above_log, below_log = np.log1p(-below)[:, None], np.log(below)[:, None]
        terms = log_choose + _times(counts, above_log) + _times(shards - counts, below_log)
    exactly = np.exp(terms)  # P(exactly j of n exceed x), shape (grid, n + 1)
    at_least = np.cumsum(exactly[:, ::-1], axis=1)[:, ::-1][:, 1:]
    means = (x[0] + _simpson(at_least * dx[:, None])[-1]) / (shards * virtual_nodes)
    means.setflags(write=False)
    return means


def imbalance(shards: int, virtual_nodes: int) -> float:
    """Mean of the largest share divided by the fair share: how far the worst shard sticks out.

    ``n E[max share]``; for V = 1 that is the harmonic number H_n. See :func:`ordered_shares`.
    """
    return float(shards * ordered_shares(shards, virtual_nodes)[0])


def overload(shards: int, factor: float) -> float:
    """Probability that, with one point per shard, some shard owns over `factor` fair shares.

    ``P(max <= x) = sum_j (-1)^j C(n, j) (1 - j x)_+^(n - 1)``: Stevens, "Solution to a geometrical
    problem in probability", *Annals of Eugenics* 9, 1939. Summed in exact rational arithmetic,
    because its terms are huge and cancel.
    """
    from fractions import Fraction

    x = Fraction(factor) / shards
    within = sum(
        (-1) ** j * math.comb(shards, j) * (1 - j * x) ** (shards - 1)
        for j in range(shards + 1)
        if j * x < 1
    )
    return float(1 - within)


def _log_factorial(largest: int) -> np.ndarray:
    """Return ln 0!, ln 1!, ..., ln `largest`!."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, largest + 1)))))


def _gamma_cdf(shape: int, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a grid x(u), its steps dx, and the distribution function of Gamma(`shape`, 1) on it.

    The grid covers all but 1e-12 or so of the largest of `draws` variables. It is quadratic in an
    even u, and so finest at the low end, where the smallest of many spacings live.
    """
    spread = math.sqrt(shape)
    reach = 8 + 2 * math.sqrt(math.log(draws + 1))
    low = max(0.0, shape - reach * spread)
    high = shape + reach * spread + 3 * (math.log(draws + 1) + 8)
    u = np.linspace(0, 1, _GRID)
    x = low + (high - low) * u**2
    dx = 2 * (high - low) * u / (_GRID - 1)
    with np.errstate(divide="ignore"):
        density = np.exp(_times(shape - 1, np.log(x)) - x - math.lgamma(shape))
    below = np.clip(_simpson(density * dx), 0.0, 1.0)
    return x[::2], 2 * dx[::2], below


def _simpson(values: np.ndarray) -> np.ndarray:
    """Return the running integral over unit steps of the first axis, at every other point."""
    pairs = (values[:-2:2] + 4 * values[1:-1:2] + values[2::2]) / 3
    return np.concatenate((np.zeros_like(values[:1]), np.cumsum(pairs, axis=0)))


def _times(factor: npt.ArrayLike, logs: np.ndarray) -> np.ndarray:
    """Return ``factor * logs`` with 0 * -inf = 0: something to the power of nothing is 1."""
    with np.errstate(invalid="ignore"):
        product = np.asarray(factor) * logs
    return np.where(np.broadcast_to(np.asarray(factor) == 0, product.shape), 0.0, product)
