"""The storm without processes: one loop over what happens next, on the same draws as the model."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from math import inf

from helpers.failure.remedies import longest_pause

_DRAWN_AT_ONCE = 1024  # one number after the other costs ten times as much


def play(at, draw, tally):
    """Let the spike come and go; `tally` is told of every attempt, every piece of work, every end.

    Three clocks say what happens next: the traffic's, the clients' (who give up, or ask again
    after a pause) and the server's. Giving up comes in the order of asking, so it needs no heap.
    """
    gaps = _one_by_one(draw("arrivals").standard_exponential)
    luck = _one_by_one(draw("jitter").random)
    longest_s = [longest_pause(n, at.base_s, at.cap_s) for n in range(at.attempts)]  # pauses
    works_s, waits_s, end_s, remedy = 1 / at.capacity_rps, at.timeout_s, at.end_s, at.remedy
    newest, deadline = remedy == "newest first", remedy == "deadline"
    budget, breaker = tally.budget, tally.breaker
    asks = breaker if remedy == "circuit breaker" else None
    account = {"retry budget": budget, "retry quota": tally.quota}.get(remedy)  # pays for retries
    line: deque = deque()  # [came, attempt, sent, answered]
    patience: deque = deque()  # the same, in the order of being sent
    pauses: list = []  # [over, number, came, attempt]
    serving, free_at, number = None, inf, 0

    def ask(now, came, attempt):
        nonlocal serving, free_at
        while True:
            if asks and not asks.lets(now):
                tally.ends(came, "refused")
                return
            tally.sends(now, attempt)
            if remedy != "short line" or len(line) < at.room:
                break
            if attempt + 1 == at.attempts:
                tally.ends(came, "shed")
                return
            attempt += 1
        mine = [came, attempt, now, False]
        patience.append(mine)
        if serving is None and not (deadline and now + works_s > now + waits_s):
            serving, free_at = mine, now + works_s
        elif serving is not None:
            line.append(mine)

    def next_in_line(now):
        nonlocal serving, free_at
        serving, free_at = None, inf
        while line:
            one = line.pop() if newest else line.popleft()
            if not (deadline and now + works_s > one[2] + waits_s):
                serving, free_at = one, now + works_s
                return

    arrives = next(gaps) * (1 / at.rate_rps(0.0))
    while True:
        gives_up = patience[0][2] + waits_s if patience else inf
        again = pauses[0][0] if pauses else inf
        now = min(arrives, gives_up, again, free_at)
        if now >= end_s:
            return
        if now == free_at:
            came, attempt, sent_at, _ = serving
            in_time = now <= sent_at + waits_s
            tally.works(now, sent_at)
            if in_time:
                serving[3] = True
                tally.ends(came, "answered")
                tally.quota.hears(attempt)
                if asks:
                    asks.hears(now, sent_at, True)
            next_in_line(now)
        elif now == arrives:
            arrives = inf if now >= at.run_s else now + next(gaps) * (1 / at.rate_rps(now))
            budget.earns()
            ask(now, now, 0)
        elif now == again:
            _, _, came, attempt = heappop(pauses)
            ask(now, came, attempt)
        else:
            came, attempt, sent_at, answered = patience.popleft()
            if answered:
                continue
            if asks:
                asks.hears(now, sent_at, False)
            attempt += 1
            if attempt == at.attempts or (account and not account.pays()):
                tally.ends(came, "timed out")
            elif remedy == "backoff with full jitter":
                number += 1
                pause_s = next(luck) * longest_s[attempt]
                heappush(pauses, (now + pause_s, number, came, attempt))
            else:
                ask(now, came, attempt)


def _one_by_one(drawn):
    """Hand out what a source draws, the same numbers as if each were asked for alone."""
    while True:
        yield from drawn(_DRAWN_AT_ONCE).tolist()
