"""What is counted while a storm lasts: how requests end, and what the server spends its time on."""

from __future__ import annotations

import numpy as np

from helpers.failure.remedies import Breaker, Budget, Quota

#: How a request can end: well, and for which reasons not.
REASONS = ("answered", "timed out", "refused", "shed")


class Tally:
    """Keeps what happened, and counts it by the second up to the end of what is watched."""

    def __init__(self, at):
        self.at = at
        self.came = {reason: [] for reason in REASONS}  # when requests came that ended so
        self.sent = []  # when each attempt was sent, and the how manieth it was, from 0
        self.done = []  # when the server was done with one, and when that had been sent
        self.budget = Budget(at.budget)
        self.quota = Quota(at.tokens, at.retry_tokens)
        self.breaker = Breaker(at.breaker_calls, at.breaker_share, at.open_s, at.probes)

    def sends(self, now, attempt):
        """An attempt reaches the server."""
        self.sent.append((now, attempt))

    def works(self, now, sent_at):
        """The server is done with an attempt."""
        self.done.append((now, sent_at))

    def ends(self, came, reason):
        """A request that came at `came` has ended."""
        self.came[reason].append(came)

    def per_second(self, times):
        """Count times in each second that is watched."""
        edges = np.arange(int(self.at.run_s) + 1)
        return np.histogram(times, edges)[0].astype(float)

    def finished(self, late):
        """Return when the server was done with what somebody, or nobody, still waited for."""
        waits_s = self.at.timeout_s
        return [now for now, sent_at in self.done if (now > sent_at + waits_s) == late]

    def numbers(self):
        """Return what the page draws of a learner's model."""
        ends = {reason: self.per_second(times) for reason, times in self.came.items()}
        attempts = [now for now, _ in self.sent]
        return {
            "answered_rps": ends["answered"],
            "attempts_rps": self.per_second(attempts),
            "answered_at_end": answered(ends, slice(-10, None)),
        }


def answered(ends, when):
    """Return the share of the requests of some seconds that were answered; 1 if there were none."""
    all_of_them = sum(times[when].sum() for times in ends.values())
    return float(ends["answered"][when].sum() / all_of_them) if all_of_them else 1.0
