"""What Bailis et al. published of three replicas, beside what the simulation says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.foundations.prose import significant
from helpers.tradeoffs import quorum

#: Bailis et al. 2012, table 4: 99.9th percentile of reads and writes, and from when on 99.9 % of
#: the reads are fresh, ms; three replicas.
PUBLISHED = {
    "LNKD-SSD": {(1, 1): (0.66, 0.66, 1.85), (1, 2): (0.66, 1.63, 1.79), (2, 1): (1.63, 0.65, 0.0),
                 (2, 2): (1.62, 1.64, 0.0), (3, 1): (4.14, 0.65, 0.0), (1, 3): (0.65, 4.09, 0.0)},
    "LNKD-DISK": {(1, 1): (0.66, 10.99, 45.5), (1, 2): (0.65, 20.97, 43.3),
                  (2, 1): (1.63, 10.9, 13.6), (2, 2): (1.64, 20.96, 0.0),
                  (3, 1): (4.12, 10.89, 0.0), (1, 3): (0.65, 112.65, 0.0)},
    "YMMR": {(1, 1): (5.58, 10.83, 1_364.0), (1, 2): (5.61, 427.12, 1_352.0),
             (2, 1): (32.6, 10.73, 202.0), (2, 2): (33.18, 428.11, 0.0),
             (3, 1): (219.27, 10.79, 0.0), (1, 3): (5.63, 1_870.86, 0.0)},
    "WAN": {(1, 1): (3.4, 55.12, 113.0), (1, 2): (3.4, 167.64, 0.0), (2, 1): (151.3, 56.36, 30.2),
            (2, 2): (151.31, 167.72, 0.0), (3, 1): (153.86, 55.19, 0.0),
            (1, 3): (3.44, 241.55, 0.0)},
}  # fmt: skip


def beside_the_paper(fit: str) -> Mapping[str, Any]:
    """Return the columns of one fit's part of the paper's table, each beside the simulation's."""
    rows = PUBLISHED[fit]
    runs = [quorum.simulate(fit=fit, read_quorum=r, write_quorum=w) for r, w in rows]
    ours = [(run.read_ms.estimate, run.write_ms.estimate, run.visible_ms) for run in runs]
    columns: dict[str, Any] = {"R, W": [f"{r},\N{NO-BREAK SPACE}{w}" for r, w in rows]}
    for place, name in enumerate(("read p99.9", "write p99.9", "visible after")):
        columns[f"{name} (ms)"] = [significant(one[place]) for one in ours]
        columns[f"{name}, paper"] = [f"{row[place]:,.6g}" for row in rows.values()]
    return columns
