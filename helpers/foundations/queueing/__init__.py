"""The one FIFO engine of the course, and the closed forms it is checked against."""

from helpers.foundations.queueing.closed_network import (
    BottleneckBounds,
    ClosedNetwork,
    bottleneck_bounds,
    mva,
)
from helpers.foundations.queueing.engine import fifo_waits, queue_length_at
from helpers.foundations.queueing.many_servers import (
    allen_cunneen_wait,
    erlang_b,
    erlang_c,
    halfin_whitt_wait_probability,
    mmc_response,
    mmc_response_percentile,
    mmc_wait,
    mmc_wait_percentile,
    servers_for_wait_probability,
    square_root_staffing,
)
from helpers.foundations.queueing.one_server import (
    FiniteQueue,
    bursty_wait,
    kingman_bound,
    kingman_wait,
    mg1_response,
    mg1_wait,
    mm1_response,
    mm1_response_percentile,
    mm1_wait,
    mm1k,
)

__all__ = [
    "BottleneckBounds",
    "ClosedNetwork",
    "FiniteQueue",
    "allen_cunneen_wait",
    "bottleneck_bounds",
    "bursty_wait",
    "erlang_b",
    "erlang_c",
    "fifo_waits",
    "halfin_whitt_wait_probability",
    "kingman_bound",
    "kingman_wait",
    "mg1_response",
    "mg1_wait",
    "mm1_response",
    "mm1_response_percentile",
    "mm1_wait",
    "mm1k",
    "mmc_response",
    "mmc_response_percentile",
    "mmc_wait",
    "mmc_wait_percentile",
    "mva",
    "queue_length_at",
    "servers_for_wait_probability",
    "square_root_staffing",
]
