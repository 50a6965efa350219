"""The envelope: from users to requests, bytes, servers and money, every unit checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

from helpers.estimation.units import Quantity
from helpers.foundations import validation

#: What the envelope starts from, and the unit of each.
INPUTS = {
    "users": "users",
    "actions": "requests/user/day",
    "peak": "",
    "writes": "records/request",
    "record": "bytes/record",
    "retention": "days",
    "copies": "",
    "response": "bytes/request",
    "capacity": "requests/s/server",
    "server_price": "USD/server/month",
    "storage_price": "USD/GB/month",
    "traffic_price": "USD/GB",
}

#: What it arrives at, the unit it is shown in, and the uncertain inputs each is a product of.
OUTPUTS = {
    "mean load": ("requests/s", ("users", "actions")),
    "peak load": ("requests/s", ("users", "actions", "peak")),
    "storage": ("TB", ("users", "actions", "writes", "record")),
    "peak bandwidth": ("Gbit/s", ("users", "actions", "peak", "response")),
    "servers": ("servers", ("users", "actions", "peak", "capacity")),
    "bill": ("USD/month", ()),
}

#: Inputs that nobody knows exactly; the others are decisions or price lists.
UNCERTAIN = ("users", "actions", "peak", "writes", "record", "response", "capacity")

_Z90 = NormalDist().inv_cdf(0.95)


def theory_estimate(inputs: Mapping[str, Quantity], *, whole: bool = True) -> dict[str, Quantity]:
    """Return the envelope's results.

    Parameters
    ----------
    inputs : mapping of str to Quantity
        One for each name in :data:`INPUTS`, in any unit of the right kind; values may be arrays.
    whole : bool
        Round servers up to whole ones.

    Returns
    -------
    dict of str to Quantity
        One for each name in :data:`OUTPUTS`.

    Raises
    ------
    UnitError
        If an input is of the wrong kind; the message names both units.
    ValueError
        If an input is missing.
    """
    if missing := [name for name in INPUTS if name not in inputs]:
        raise ValueError(f"inputs must hold all of {', '.join(INPUTS)}; missing {missing}")
    given = {name: inputs[name].to(unit) for name, unit in INPUTS.items()}
    mean = given["users"] * given["actions"]
    peak = mean * given["peak"]
    stored = mean * given["writes"] * given["record"] * given["retention"] * given["copies"]
    servers = peak / given["capacity"]
    if whole:
        servers = servers.to("servers").ceil()
    traffic = mean * given["response"]
    bill = (
        (servers * given["server_price"]).to("USD/month")
        + stored * given["storage_price"]
        + traffic * given["traffic_price"]
    )
    found = (mean, peak, stored, peak * given["response"], servers, bill)
    return {
        name: value.to(unit)
        for (name, (unit, _)), value in zip(OUTPUTS.items(), found, strict=True)
    }


def error_factor(factors: int, factor: float) -> float:
    """Return how far off a product is if each of its factors may be off by a factor.

    If each of k factors lies within x/÷ f with a given confidence, independently, their product
    lies within x/÷ ``f ** sqrt(k)`` with the same confidence.

    Parameters
    ----------
    factors : int
        Uncertain factors k; >= 0.
    factor : float
        What each may be off by, f; >= 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Logarithms add, and so do their variances. Exact if the factors are lognormal, nearly so for
    many others by the central limit theorem. Limpert, Stahel and Abbt, "Log-normal Distributions
    across the Sciences", *BioScience* 51, 2001.

    Examples
    --------
    >>> error_factor(4, 2.0)
    4.0
    """
    k = validation.integer("factors", factors, at_least=0)
    return validation.number("factor", factor, at_least=1) ** math.sqrt(k)


def log_sigma(factor: float) -> float:
    """Return the sigma of a lognormal that lies within x/÷ `factor` in 90 % of the cases."""
    return math.log(validation.number("factor", factor, at_least=1)) / _Z90
