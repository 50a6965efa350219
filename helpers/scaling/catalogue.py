"""Machines that can be rented, and what they cost: the one place where prices stand.

The ``m7i`` rows are Amazon EC2's Linux on-demand list prices for us-east-1 as they stood in
January 2025. The ``u7i`` rows have the published numbers of vCPUs and amounts of memory (AWS,
"Amazon EC2 High Memory U7i Instances"), but their prices are *illustrative*: round numbers of the
right order. Prices change and regions differ, so use these for their shape. To plan, replace them.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What the prices are and when they were looked up.
PROVENANCE = "EC2 on demand, Linux, us-east-1, January 2025; high-memory prices illustrative"


@dataclass(frozen=True)
class Machine:
    """One size of machine.

    Attributes
    ----------
    name : str
        The provider's name for it.
    vcpus : int
        Hardware threads.
    memory_gib : int
        Memory, GiB.
    usd_per_hour : float
        Price on demand, US dollars per hour.
    illustrative : bool
        Whether the price is a round number rather than a list price.
    """

    name: str
    vcpus: int
    memory_gib: int
    usd_per_hour: float
    illustrative: bool = False


#: From the smallest to the largest.
CATALOGUE = (
    Machine("m7i.large", 2, 8, 0.1008),
    Machine("m7i.xlarge", 4, 16, 0.2016),
    Machine("m7i.2xlarge", 8, 32, 0.4032),
    Machine("m7i.4xlarge", 16, 64, 0.8064),
    Machine("m7i.8xlarge", 32, 128, 1.6128),
    Machine("m7i.12xlarge", 48, 192, 2.4192),
    Machine("m7i.16xlarge", 64, 256, 3.2256),
    Machine("m7i.24xlarge", 96, 384, 4.8384),
    Machine("m7i.48xlarge", 192, 768, 9.6768),
    Machine("u7i-6tb.112xlarge", 448, 6_144, 75.0, illustrative=True),
    Machine("u7i-12tb.224xlarge", 896, 12_288, 150.0, illustrative=True),
    Machine("u7inh-32tb.480xlarge", 1_920, 32_768, 400.0, illustrative=True),
)

#: A pair of managed load balancers for a fleet: illustrative, of the right order.
BALANCER_USD_PER_HOUR = 0.05
