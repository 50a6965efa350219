"""What a client can do about a server that does not answer: pause, count its retries, stop asking.

Plain objects that are told the time, so that simulations, real clients and a learner's own models
can use the same ones.
"""

from __future__ import annotations

from collections import deque


class Budget:
    """Retries are paid from an account into which every request pays a share of one.

    Parameters
    ----------
    share : float
        What a request pays in: 0.1 lets retries be a tenth of the requests in the long run.
    most : float
        What the account holds at most, and at first: retries in a burst.
    """

    def __init__(self, share, most=10.0):
        self.share, self.most, self.left = share, most, most

    def earns(self):
        """Pay in for a request."""
        self.left = min(self.left + self.share, self.most)

    def pays(self):
        """Take out one retry; return whether there was one."""
        if self.left < 1 - 1e-9:  # ten times 0.1 is a little less than 1
            return False
        self.left -= 1
        return True


class Quota:
    """Retries are paid in tokens, which only answers put back: an empty bucket stays empty.

    The retry quota of Amazon's SDKs in their standard mode: 500 tokens for each client; an answer
    to a first attempt puts back one, an answer to a retry what that retry has cost. After a
    time-out a retry costs 14 (by their older rules 10). *AWS SDKs and Tools Reference Guide*,
    "Retry behavior".

    Parameters
    ----------
    tokens : int
        What the bucket holds at most, and at first.
    costs : int
        Tokens that a retry takes out.
    """

    def __init__(self, tokens=500, costs=14):
        self.tokens, self.costs, self.left = tokens, costs, tokens

    def pays(self):
        """Take out what a retry costs; return whether there was enough."""
        if self.left < self.costs:
            return False
        self.left -= self.costs
        return True

    def hears(self, attempt):
        """Put tokens back for an answer to an attempt; the first is number 0."""
        self.left = min(self.left + (self.costs if attempt else 1), self.tokens)


class Breaker:
    """A circuit breaker: closed it counts failures, open it refuses, half-open it tries a few."""

    def __init__(self, calls=20, share=0.5, open_s=5.0, probes=1):
        self.calls, self.share, self.open_s, self.probes = calls, share, open_s, probes
        self.states = [(0.0, "closed")]  # since when it has been in which state
        self.heard, self.sent = deque(maxlen=calls), 0

    def lets(self, now):
        """Return whether a call may be sent now."""
        since, state = self.states[-1]
        if state == "open" and now >= since + self.open_s:
            state = self.turns(now, "half-open")
        self.sent += 1
        return state == "closed" or (state == "half-open" and self.sent <= self.probes)

    def hears(self, now, sent_at, well):
        """Take note of how a call ended that was sent at `sent_at`."""
        since, state = self.states[-1]
        if state == "open" or sent_at < since:
            return  # old news
        self.heard.append(well)
        wanted = self.calls if state == "closed" else self.probes
        if len(self.heard) < wanted:
            return
        if self.heard.count(False) >= self.share * wanted:
            self.turns(now, "open")
        elif state == "half-open":
            self.turns(now, "closed")

    def turns(self, now, state):
        """Change the state."""
        self.states.append((now, state))
        self.heard = deque(maxlen=self.calls if state == "closed" else self.probes)
        self.sent = 0
        return state


def longest_pause(attempt, base_s, cap_s):
    """Return the pause before a retry, or the most that it can be: base x 2^(attempt - 1), capped.

    The first retry is attempt 1.
    """
    return min(cap_s, base_s * 2 ** (attempt - 1))


def full_jitter(attempt, base_s, cap_s, draw):
    """Return how long to pause before a retry: anything up to base x 2^(attempt - 1), capped.

    Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return draw.uniform(0, longest_pause(attempt, base_s, cap_s))
