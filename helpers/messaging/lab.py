"""Each learner's own numbers for the chapter's lab; the checks of the lab work them out again."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.foundations import students


@dataclass(frozen=True)
class LabParameters:
    """One learner's mail service.

    Attributes
    ----------
    student_id : str
        Whose.
    usual_rps, spike_rps : float
        Mails per second, usually and in a spike.
    spike_s : float
        How long a spike lasts, seconds.
    every_s : float
        How long after the beginning of a spike the next one begins, seconds.
    work_s : float
        Mean work of a mail, seconds.
    longest_wait_s : float
        How long a mail may wait, seconds.
    way_ms : float
        Way from the broker to a consumer, milliseconds.
    twice_budget : float
        Share of the mails that may be worked on twice.
    fails : float
        Share of the deliveries of a good mail that fail.
    dead_budget : float
        Share of the good mails that may end among the dead letters.
    """

    student_id: str
    usual_rps: float
    spike_rps: float
    spike_s: float
    every_s: float
    work_s: float
    longest_wait_s: float
    way_ms: float
    twice_budget: float
    fails: float
    dead_budget: float


def lab_parameters(student_id: str) -> LabParameters:
    """Return the numbers that belong to a student id; see :func:`students.stream`."""
    name, rng = students.stream(student_id, students.hashed("lab10"))
    usual_rps = int(rng.integers(4, 13))
    work_ms, fails = int(rng.integers(20, 151) * 10), int(rng.integers(5, 31))
    way_ms = int(rng.integers(150, 901))
    while 2 * way_ms % work_ms == 0:  # whether rounding makes one more of it is no question
        way_ms += 1
    spike_rps = int(rng.integers(4, 9)) * usual_rps
    spike_s, every_s = int(rng.integers(15, 61)), int(rng.integers(6, 16) * 60)
    longest_wait_s = int(rng.integers(20, 91))
    twice_budget = round(float(rng.uniform(0.001, 0.02)), 4)
    dead_budget = float(rng.choice([1e-3, 1e-4, 1e-5]))
    # No whole number of workers is just enough, for the wait or until the next spike.
    jobs = spike_rps * spike_s
    while work_ms * jobs % (1_000 * (longest_wait_s + spike_s)) == 0:
        longest_wait_s += 1
    while work_ms * (jobs + usual_rps * (every_s - spike_s)) % (1_000 * every_s) == 0:
        every_s += 60
    return LabParameters(
        student_id=name,
        usual_rps=float(usual_rps),
        spike_rps=float(spike_rps),
        spike_s=float(spike_s),
        every_s=float(every_s),
        work_s=work_ms / 1e3,
        longest_wait_s=float(longest_wait_s),
        way_ms=float(way_ms),
        twice_budget=twice_budget,
        fails=(fails if fails != 10 else 11) / 100,
        dead_budget=dead_budget,
    )
