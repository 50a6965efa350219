"""What N processors, threads or machines can do together, and why it is less than N times one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.foundations import queueing, validation


def theory_speedup(serial_fraction: float, cores: npt.ArrayLike) -> float | np.ndarray:
    """Largest speed-up of a job of which a fixed share cannot be spread over several cores.

    Parameters
    ----------
    serial_fraction : float
        Share of the work that runs on one core; 0 <= serial_fraction <= 1.
    cores : float or array_like
        Number of cores; >= 1.

    Returns
    -------
    float or numpy.ndarray
        Time on one core over time on `cores` cores.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``1 / (s + (1 - s) / n)``, which tends to ``1 / s``. Amdahl, "Validity of the single processor
    approach to achieving large scale computing capabilities", *AFIPS Spring Joint Computer
    Conference*, 1967.
    """
    serial = validation.number("serial_fraction", serial_fraction, at_least=0, at_most=1)
    count = validation.numbers("cores", cores, at_least=1)
    result = 1 / (serial + (1 - serial) / count)
    return result if result.ndim else float(result)


@dataclass(frozen=True)
class ScalabilityTheory:
    """The peak that the Universal Scalability Law predicts.

    Attributes
    ----------
    peak_workers : float
        Where throughput is largest, as a real number; ``inf`` if it never falls.
    best_workers : float
        The best whole number of workers; ``inf`` if throughput never falls.
    peak_speedup : float
        Throughput there over the throughput of one; ``inf`` if both coefficients are 0.
    """

    peak_workers: float
    best_workers: float
    peak_speedup: float


def usl_speedup(workers: npt.ArrayLike, sigma: float, kappa: float) -> float | np.ndarray:
    """Throughput of N workers over that of one, by the Universal Scalability Law.

    Parameters
    ----------
    workers : float or array_like
        Number of workers N (threads, cores or machines); >= 1.
    sigma : float
        Contention: the share of the work that only one may do at a time; 0 <= sigma <= 1.
    kappa : float
        Coherency: what each worker must exchange with each other one, in units of its work; >= 0.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``N / (1 + sigma (N - 1) + kappa N (N - 1))``; ``kappa = 0`` is Amdahl's law. Gunther,
    *Guerrilla Capacity Planning*, 2007, chapter 4.
    """
    count = validation.numbers("workers", workers, at_least=1)
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0)
    result = count / (1 + sigma * (count - 1) + kappa * count * (count - 1))
    return result if result.ndim else float(result)


def theory_scalability(sigma: float, kappa: float) -> ScalabilityTheory:
    """Where throughput peaks under the Universal Scalability Law, and how high.

    Parameters
    ----------
    sigma, kappa : float
        As for :func:`usl_speedup`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    ``N* = sqrt((1 - sigma) / kappa)``. Gunther 2007, chapter 4. For ``kappa = 0`` the speed-up
    rises for ever towards ``1 / sigma``. When ``N*`` falls below 1, one worker is the best.
    """
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0)
    if kappa == 0:
        return ScalabilityTheory(math.inf, math.inf, 1 / sigma if sigma else math.inf)
    peak = max(1.0, math.sqrt((1 - sigma) / kappa))
    best = max((math.floor(peak), math.ceil(peak)), key=lambda n: usl_speedup(n, sigma, kappa))
    return ScalabilityTheory(peak, float(best), float(usl_speedup(best, sigma, kappa)))


def usl_workers(speedup: float, sigma: float, kappa: float) -> float:
    """Fewest workers that reach a speed-up, as a whole number; ``inf`` if none do.

    Parameters
    ----------
    speedup : float
        Wanted throughput over that of one worker; > 0.
    sigma, kappa : float
        As for :func:`usl_speedup`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    The smaller root of ``kappa C N² - (1 - sigma C + kappa C) N + (1 - sigma) C = 0``, rounded up.
    """
    wanted = validation.number("speedup", speedup, above=0)
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0)
    if wanted <= 1:
        return 1.0
    if wanted > theory_scalability(sigma, kappa).peak_speedup:
        return math.inf
    slope = 1 - sigma * wanted + kappa * wanted
    constant = (1 - sigma) * wanted
    root = math.sqrt(max(slope**2 - 4 * kappa * wanted * constant, 0.0))
    if slope + root <= 0:
        return math.inf  # the ceiling 1 / sigma itself, which no finite number reaches
    # 2c / (b + root) rather than (b - root) / 2a: it stays exact when kappa is 0 or tiny.
    whole = max(1, math.ceil(2 * constant / (slope + root) - 1e-9))
    while usl_speedup(whole, sigma, kappa) < wanted * (1 - 1e-12):
        whole += 1
    return float(whole)


def repairman_speedup(workers: int, sigma: float, kappa: float) -> float:
    """Throughput of N workers over that of one when they reach the lock at random times.

    Each worker computes for a mean ``1 - sigma``, then holds a lock for a mean
    ``sigma + kappa (N - 1)``; both times are exponential.

    Parameters
    ----------
    workers : int
        Number of workers N; >= 1.
    sigma, kappa : float
        As for :func:`usl_speedup`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    A closed network of one station and a delay: the machine repairman, exact by mean value
    analysis. The Universal Scalability Law is the same system with all workers arriving at the
    lock at once: Gunther, "A general theory of computational scalability based on rational
    functions", 2008 (arXiv:0808.1431).
    """
    count = validation.integer("workers", workers, at_least=1)
    sigma = validation.number("sigma", sigma, at_least=0, at_most=1)
    kappa = validation.number("kappa", kappa, at_least=0)
    hold = sigma + kappa * (count - 1)
    if hold == 0:
        return float(count)
    network = queueing.mva([hold], customers=count, think_s=1 - sigma)
    return float(network.throughput_rps[-1])
