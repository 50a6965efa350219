"""The tail at scale: what asking many shards at once does to latency, and what a hedge saves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from helpers.foundations import validation

#: Ways of joining two tables that live on shards.
JOINS = ("local only", "broadcast", "repartition", "co-located")


def theory_any_slow(slow_probability: npt.ArrayLike, fan_out: npt.ArrayLike) -> np.ndarray:
    """Probability that at least one of n independent shards answers slowly.

    Parameters
    ----------
    slow_probability : array_like
        Probability p that one shard is slow; 0 to 1.
    fan_out : array_like
        Number of shards asked n; >= 1. The two are broadcast against each other.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``1 - (1 - p)^n``. Dean and Barroso, "The tail at scale", *Communications of the ACM* 56(2),
    2013: with p = 1 % and n = 100, 63 % of requests are slow.
    """
    p = validation.numbers("slow_probability", slow_probability, at_least=0, at_most=1)
    n = validation.numbers("fan_out", fan_out, at_least=1)
    with np.errstate(divide="ignore"):
        return -np.expm1(n * np.log1p(-p))


def leaf_survival(
    time_s: npt.ArrayLike, mean_s: float, slow_probability: float, slow_s: float
) -> np.ndarray:
    """Probability that one shard takes longer than `time_s` to answer.

    Parameters
    ----------
    time_s : array_like
        Times in seconds; negative ones give 1.
    mean_s : float
        Mean of the ordinary, exponential part, seconds; > 0.
    slow_probability : float
        Probability that a hiccup is added; 0 to 1.
    slow_s : float
        Length of the hiccup, seconds; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    mean_s, p, slow_s = _leaf(mean_s, slow_probability, slow_s)
    time = validation.numbers("time_s", time_s, unit="s")
    return _survival(time, mean_s, p, slow_s)


def _survival(time: np.ndarray, mean: float, p: float, hiccup: float) -> np.ndarray:
    return (1 - p) * _exponential(time, mean) + p * _exponential(time - hiccup, mean)


def theory_scatter_gather(
    quantile: float,
    fan_out: npt.ArrayLike,
    mean_s: float,
    slow_probability: float,
    slow_s: float,
) -> np.ndarray:
    """Quantile of the time until the last of n shards has answered, seconds.

    Parameters
    ----------
    quantile : float
        Which one; 0 < quantile < 1.
    fan_out : array_like
        Numbers of shards asked; >= 1.
    mean_s, slow_probability, slow_s
        As for :func:`leaf_survival`.

    Returns
    -------
    numpy.ndarray
        Same shape as `fan_out`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The largest of n independent times is below t with probability ``F(t)^n``, so its q-quantile is
    one shard's quantile at ``q^(1/n)`` (David and Nagaraja, *Order Statistics*, 3rd ed. 2003,
    chapter 2). F is inverted by bisection.
    """
    q = validation.number("quantile", quantile, above=0, below=1)
    n = validation.numbers("fan_out", fan_out, at_least=1)
    mean_s, p, slow_s = _leaf(mean_s, slow_probability, slow_s)
    wanted = -np.expm1(np.log(q) / n)  # one shard's survival at the answer
    return _invert(lambda t: _survival(t, mean_s, p, slow_s), wanted, mean_s, slow_s)


def theory_mean_of_slowest(fan_out: int, mean_s: float) -> float:
    """Mean of the largest of n exponential times, seconds: ``mean H_n``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Rényi, "On the theory of order statistics", *Acta Mathematica Academiae
    Scientiarum Hungaricae* 4, 1953: the gaps
    between consecutive order statistics are independent with means ``mean / (n - k + 1)``.
    """
    fan_out = validation.integer("fan_out", fan_out, at_least=1)
    mean_s = validation.number("mean_s", mean_s, above=0, unit="s")
    return mean_s * float((1 / np.arange(1, fan_out + 1)).sum())


def empirical_quantile_of_max(
    samples_s: npt.ArrayLike, quantile: float, fan_out: npt.ArrayLike
) -> np.ndarray:
    """Predict a quantile of the slowest of n shards from measured times of one shard.

    Parameters
    ----------
    samples_s : array_like, shape (m,)
        Times of single answers, seconds; >= 0.
    quantile : float
        Which one; 0 < quantile < 1.
    fan_out : array_like
        Numbers of shards; >= 1.

    Returns
    -------
    numpy.ndarray
        Seconds, same shape as `fan_out`. Beyond ``q^(1/n) > 1 - 1/m`` it is the largest sample
        and means little.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The sample quantile at ``q^(1/n)``; see :func:`theory_scatter_gather`.
    """
    samples = validation.numbers("samples_s", samples_s, at_least=0, ndim=1, unit="s")
    q = validation.number("quantile", quantile, above=0, below=1)
    n = validation.numbers("fan_out", fan_out, at_least=1)
    return np.quantile(samples, q ** (1 / n))


def theory_hedging(
    time_s: npt.ArrayLike,
    hedge_after_s: float,
    fan_out: int,
    mean_s: float,
    slow_probability: float,
    slow_s: float,
    shared_cause: float = 0.0,
) -> np.ndarray:
    """Probability that a hedged scatter-gather is not complete by `time_s`.

    Parameters
    ----------
    time_s : array_like
        Times in seconds; >= 0.
    hedge_after_s : float
        How long to wait for a shard before a second request goes to its replica, seconds; >= 0.
    fan_out : int
        Number of shards asked; >= 1.
    mean_s, slow_probability, slow_s
        As for :func:`leaf_survival`.
    shared_cause : float
        Probability that the replica meets the very hiccup, or lack of one, that the first met; 0
        is independent replicas.

    Returns
    -------
    numpy.ndarray
        Probabilities, same shape as `time_s`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    One shard answers at ``min(T1, d + T2)``, so with independent replicas its survival is
    ``S(t) S(t - d)`` (1 before time 0); of n shards, ``1 - (1 - that)^n``. Hedged requests: Dean
    and Barroso, "The tail at scale", *Communications of the ACM* 56(2), 2013.
    """
    time = validation.numbers("time_s", time_s, at_least=0, unit="s")
    delay = validation.number("hedge_after_s", hedge_after_s, at_least=0, unit="s")
    fan_out = validation.integer("fan_out", fan_out, at_least=1)
    c = validation.number("shared_cause", shared_cause, at_least=0, at_most=1)
    leaf = _leaf(mean_s, slow_probability, slow_s)
    return -np.expm1(fan_out * np.log1p(-np.minimum(_hedged(time, delay, leaf, c), 1 - 1e-16)))


def _hedged(
    time: np.ndarray, delay: npt.ArrayLike, leaf: tuple[float, float, float], shared: float
) -> np.ndarray:
    """Return the survival of one hedged shard."""
    mean, p, hiccup = leaf
    quick = _exponential(time, mean), _exponential(time - delay, mean)
    slow = _exponential(time - hiccup, mean), _exponential(time - delay - hiccup, mean)
    first, second = ((1 - p) * quick[i] + p * slow[i] for i in (0, 1))
    together = (1 - p) * quick[0] * quick[1] + p * slow[0] * slow[1]
    return shared * together + (1 - shared) * first * second


def theory_hedging_quantile(
    quantile: float,
    hedge_after_s: npt.ArrayLike,
    fan_out: int,
    mean_s: float,
    slow_probability: float,
    slow_s: float,
    shared_cause: float = 0.0,
) -> np.ndarray:
    """Quantile of a hedged scatter-gather, seconds; other parameters as :func:`theory_hedging`.

    Parameters
    ----------
    quantile : float
        Which one; 0 < quantile < 1.
    hedge_after_s : array_like
        Delays in seconds; >= 0.

    Returns
    -------
    numpy.ndarray
        Same shape as `hedge_after_s`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    q = validation.number("quantile", quantile, above=0, below=1)
    delays = validation.numbers("hedge_after_s", hedge_after_s, at_least=0, unit="s")
    fan_out = validation.integer("fan_out", fan_out, at_least=1)
    c = validation.number("shared_cause", shared_cause, at_least=0, at_most=1)
    leaf = _leaf(mean_s, slow_probability, slow_s)
    wanted = np.full(delays.shape, -np.expm1(np.log(q) / fan_out))  # one shard's survival
    return _invert(lambda t: _hedged(t, delays, leaf, c), wanted, leaf[0], leaf[2])


def theory_hedge_load(
    hedge_after_s: npt.ArrayLike, mean_s: float, slow_probability: float, slow_s: float
) -> np.ndarray:
    """Extra requests that hedging sends, as a fraction of the ordinary ones: ``P(T > delay)``.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.
    """
    delays = validation.numbers("hedge_after_s", hedge_after_s, at_least=0, unit="s")
    return leaf_survival(delays, mean_s, slow_probability, slow_s)


def theory_join(
    strategy: str, shards: npt.ArrayLike, orders: int, users: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that cross the network in a join of orders with users, and matches it finds.

    Parameters
    ----------
    strategy : {"local only", "broadcast", "repartition", "co-located"}
        ``"local only"`` joins on every shard what happens to lie there; ``"broadcast"`` sends all
        users everywhere; ``"repartition"`` sends every order to its user's shard;
        ``"co-located"`` stores orders by user in the first place.
    shards : array_like
        Numbers of shards n; >= 1.
    orders, users : int
        Rows of the two tables; >= 1. Users are sharded by user, orders by order number, except
        when co-located; every order has one user.

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
        Mean number of rows sent and mean fraction of matches found, same shape as `shards`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    An order and its user, hashed independently, share a shard with probability ``1/n``. Hence the
    local join finds 1/n of the matches, and repartitioning moves ``orders (1 - 1/n)``. Broadcasting
    moves ``users (n - 1)``, so it is cheaper while ``n < orders / users``. Joins by repartitioning:
    DeWitt and Gray, "Parallel database systems", *Communications of the ACM* 35(6), 1992.
    """
    validation.one_of("strategy", strategy, JOINS)
    n = validation.numbers("shards", shards, at_least=1)
    orders = validation.integer("orders", orders, at_least=1)
    users = validation.integer("users", users, at_least=1)
    sent = {
        "local only": np.zeros_like(n),
        "broadcast": users * (n - 1),
        "repartition": orders * (1 - 1 / n),
        "co-located": np.zeros_like(n),
    }[strategy]
    return sent, 1 / n if strategy == "local only" else np.ones_like(n)


def _leaf(mean_s: float, slow_probability: float, slow_s: float) -> tuple[float, float, float]:
    return (
        validation.number("mean_s", mean_s, above=0, unit="s"),
        validation.number("slow_probability", slow_probability, at_least=0, at_most=1),
        validation.number("slow_s", slow_s, at_least=0, unit="s"),
    )


def _exponential(time: np.ndarray, mean: float) -> np.ndarray:
    return np.exp(-np.maximum(time, 0.0) / mean)


def _invert(
    survival: Callable[[np.ndarray], np.ndarray], wanted: np.ndarray, mean_s: float, slow_s: float
) -> np.ndarray:
    """Return the times at which a decreasing survival function has the wanted values."""
    low = np.zeros_like(wanted)
    # Beyond the hiccup everything decays at least like one exponential of up to 2^64 draws.
    high = np.full_like(wanted, slow_s + mean_s * (50 + np.log(1 / wanted.min())))
    for _ in range(60):
        middle = (low + high) / 2
        late = survival(middle) > wanted
        low, high = np.where(late, middle, low), np.where(late, high, middle)
    return (low + high) / 2
