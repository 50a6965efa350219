"""Jobs that a process accepted before it was killed, and what was left of them.

A queue in memory keeps its promise as long as its process lives. Where that stops being true: the
file survives the process, not the disk.
"""

from __future__ import annotations

from helpers.anatomy.killed_processes import left_after_a_kill
from helpers.foundations.experiment import Measured, Parameters, integer, takes
from helpers.foundations.prose import counted


class Trial(Parameters):
    """A process with a queue of jobs, in memory or in an sqlite file."""

    jobs: int = integer(200, "Jobs", at_least=1, at_most=2_000)


@takes(Trial)
def measure(at: Trial) -> MeasuredJobLoss:
    """Let a process accept jobs into a queue, kill it, start it again, and ask what it has."""
    return MeasuredJobLoss(at, *left_after_a_kill(at.jobs))


class MeasuredJobLoss(Measured):
    """Jobs that the restarted process still had: of a ``queue.Queue``, and of an sqlite file."""

    at: Trial
    left_memory: int
    left_file: int

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "accepted": self.at.jobs,
            "left_of_memory_queue": self.left_memory,
            "left_of_file_queue": self.left_file,
        }

    @property
    def reading(self) -> str:
        were = "was" if self.left_memory == 1 else "were"
        return (
            f"Of {counted(self.at.jobs, 'accepted job')} {self.left_memory} {were} left of the "
            f"queue in memory after its process was killed, and {self.left_file} of the queue in a "
            f"file."
        )
