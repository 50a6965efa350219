"""Lab 06 gives the points it should: right answers written another way, and wrong ones."""

from __future__ import annotations

import textwrap

import pytest

from helpers.failure.lab import back_after_s, lab_parameters
from tests.labs import Lab

LAB = Lab("lab06_designing_for_failure")

#: Dials that need no search, so that most runs of the lab are quick.
QUICK = {
    "my_dials": 'my_dials = {"window": 20, "threshold": 0.5, "open_s": 0.7, "probes": 1}',
}
OTHERS = set(LAB.points) - {"check_my_dials"}


def run(answers, checks=OTHERS, student_id="ada"):
    return LAB.run(QUICK | answers, student_id, checks=checks)


@pytest.mark.parametrize("student", [f"s{n}" for n in range(12)])
def test_every_student_can_solve_it(student):
    mine = lab_parameters(student)
    assert mine.capacity_rps / mine.attempts < mine.load_rps < mine.capacity_rps
    assert (mine.capacity_rps - mine.drain_rps) / mine.load_rps > 1
    best = min(
        max(back_after_s(mine, {"window": 20, "threshold": 0.5, "open_s": s, "probes": 1}, n)
            for n in range(3))
        for s in (0.5, 0.7, 1.0)
    )  # fmt: skip
    assert best <= mine.back_s


# --- right answers, written another way -----------------------------------------------------------

RIGHT = {
    "state_of": (
        """
        def state_of(load_rps, capacity_rps, attempts):
            if attempts <= 0:
                raise ValueError("attempts")
            if not load_rps < capacity_rps:
                return "overloaded"
            if load_rps > capacity_rps / attempts:
                return "vulnerable"
            return "safe"
        """,
        """
        def state_of(load_rps, capacity_rps, attempts):
            assert True
            if attempts < 1:
                raise ValueError
            words = {0: "safe", 1: "vulnerable"}
            over = load_rps >= capacity_rps
            return "overloaded" if over else words[int(load_rps * attempts > capacity_rps)]
        """,
        """
        from fractions import Fraction

        def state_of(load_rps, capacity_rps, attempts):
            if int(attempts) < 1:
                raise ValueError(attempts)
            share = Fraction(load_rps) / Fraction(capacity_rps)
            return ("overloaded" if share >= 1 else
                    "vulnerable" if share * attempts > 1 else "safe")
        """,
    ),
    "calls_at_bottom": (
        """
        def calls_at_bottom(attempts, failing):
            if not attempts:
                return 1
            *upper, last = attempts
            mean = sum(failing**n for n in range(last))
            return mean * calls_at_bottom(upper, failing**last)
        """,
        """
        def calls_at_bottom(attempts, failing):  # as one layer with all of their attempts
            a = math.prod(attempts)
            return a if failing == 1 else (1 - failing**a) / (1 - failing)
        """,
        """
        def calls_at_bottom(attempts, failing):
            q, total = float(failing), np.float64(1)
            for a in attempts[::-1]:
                total *= a if q == 1 else (1 - q**a) / (1 - q)
                q **= a
            return total
        """,
        """
        import functools

        def calls_at_bottom(attempts, failing):
            def step(state, a):
                calls, q = state
                return calls * np.sum(np.power(q, np.arange(a))), q**a
            return functools.reduce(step, list(attempts)[::-1], (1.0, float(failing)))[0]
        """,
    ),
    "pause_s": (
        """
        def pause_s(attempt, base_s, cap_s, uniform):
            return uniform * min(cap_s, base_s * 2.0 ** min(attempt - 1, 500))
        """,
        """
        def pause_s(attempt, base_s, cap_s, uniform):
            if attempt - 1 > math.log2(cap_s / base_s):
                return uniform * cap_s
            return uniform * min(base_s * 2 ** (attempt - 1), cap_s)
        """,
        """
        def pause_s(attempt, base_s, cap_s, uniform):
            try:
                longest = base_s * float(2 ** (attempt - 1))
            except OverflowError:
                longest = math.inf
            return np.float64(uniform) * min(longest, cap_s)
        """,
    ),
    "retry_budget": (
        """
        class RetryBudget:
            def __init__(self, share, most):
                self.share = round(1e9 * share)
                self.most = round(1e9 * most)
                self.left = self.most

            def request(self):
                self.left = min(self.left + self.share, self.most)

            def retry(self):
                if self.left >= 10**9:
                    self.left -= 10**9
                    return True
                return False
        """,
        """
        from fractions import Fraction

        class RetryBudget:
            def __init__(self, share, most):
                self.share, self.most = (Fraction(str(x)) for x in (share, most))
                self.account = self.most

            def request(self):
                self.account += self.share
                if self.account > self.most:
                    self.account = self.most

            def retry(self):
                there = self.account >= 1
                self.account -= there
                return there
        """,
        """
        class RetryBudget:
            def __init__(self, share, most):
                self._s, self._m, self._a = share, most, most

            def request(self):
                self._a = min(self._m, round(self._a + self._s, 9))

            def retry(self):
                ok = np.bool_(self._a + 1e-7 >= 1)
                if ok:
                    self._a -= 1
                return ok
        """,
    ),
    "breaker": (
        """
        from collections import deque

        class Breaker:
            def __init__(self, window, threshold, open_s, probes):
                self.last = deque(maxlen=window)
                self.threshold, self.open_s, self.probes = threshold, open_s, probes
                self.state, self.opened, self.tried, self.good = "closed", None, 0, 0

            def allow(self, now):
                if self.state == "open":
                    if now - self.opened < self.open_s:
                        return False
                    self.state, self.tried, self.good = "half-open", 0, 0
                if self.state == "half-open":
                    self.tried += 1
                    return self.tried <= self.probes
                return True

            def record(self, now, ok):
                if self.state == "half-open":
                    self.good += 1
                    if not ok:
                        self.state, self.opened = "open", now
                    elif self.good >= self.probes:
                        self.state = "closed"
                        self.last.clear()
                elif self.state == "closed":
                    self.last.append(0 if ok else 1)
                    full = len(self.last) == self.last.maxlen
                    if full and sum(self.last) / len(self.last) >= self.threshold:
                        self.state, self.opened = "open", now
        """,
        """
        class Breaker:
            def __init__(self, window, threshold, open_s, probes):
                self.__dict__.update(locals())
                self.state, self.until, self.log = "closed", -1.0, []

            def allow(self, now):
                if self.state == "open" and not now < self.until:
                    self.state, self.log, self.left = "half-open", [], self.probes
                if self.state == "half-open":
                    self.left -= 1
                    return self.left >= 0
                return self.state == "closed"

            def record(self, now, ok):
                if self.state != "open":
                    self.log.append(ok)
                if self.state == "closed":
                    tail = self.log[-self.window:]
                    bad = sum(not one for one in tail)
                    if len(tail) >= self.window and bad >= self.threshold * len(tail):
                        self.trip(now)
                elif self.state == "half-open":
                    if not all(self.log):
                        self.trip(now)
                    elif len(self.log) >= self.probes:
                        self.state, self.log = "closed", []

            def trip(self, now):
                self.state, self.until, self.log = "open", now + self.open_s, []
        """,
        """
        class Closed:
            name = "closed"

            def __init__(self, b):
                self.b, self.r = b, []

            def allow(self, now):
                return True

            def record(self, now, ok):
                self.r = (self.r + [int(ok)])[-self.b.n:]
                if len(self.r) == self.b.n and self.r.count(0) / self.b.n >= self.b.t:
                    self.b.s = Open(self.b, now)

        class Open:
            name = "open"

            def __init__(self, b, now):
                self.b, self.since = b, now

            def allow(self, now):
                if now < self.since + self.b.o:
                    return False
                self.b.s = Half(self.b)
                return self.b.s.allow(now)

            def record(self, now, ok):
                pass

        class Half:
            name = "half-open"

            def __init__(self, b):
                self.b, self.out, self.good = b, 0, 0

            def allow(self, now):
                self.out += 1
                return self.out <= self.b.p

            def record(self, now, ok):
                self.good += 1
                if not ok:
                    self.b.s = Open(self.b, now)
                elif self.good == self.b.p:
                    self.b.s = Closed(self.b)

        class Breaker:
            def __init__(self, window, threshold, open_s, probes):
                self.n, self.t, self.o, self.p = window, threshold, open_s, probes
                self.s = Closed(self)

            state = property(lambda self: self.s.name)

            def allow(self, now):
                return self.s.allow(now)

            def record(self, now, ok):
                self.s.record(now, ok)
        """,
    ),
    "largest_budget": (
        """
        def largest_budget(load_rps, capacity_rps, drain_rps):
            left = capacity_rps - drain_rps - load_rps
            return left / load_rps if left > 0 else 0

        my_budget = largest_budget(
            load_rps=mine.load_rps, capacity_rps=mine.capacity_rps, drain_rps=mine.drain_rps
        )
        """,
        """
        def largest_budget(load_rps, capacity_rps, drain_rps):
            return np.maximum((capacity_rps - drain_rps - load_rps) / load_rps, 0.0)

        my_budget = np.float64(largest_budget(mine.load_rps, mine.capacity_rps, mine.drain_rps))
        """,
        """
        def largest_budget(load_rps, capacity_rps, drain_rps):
            low, high = 0.0, 1e3
            if capacity_rps - load_rps < drain_rps:
                return 0
            for _ in range(200):
                b = (low + high) / 2
                if capacity_rps - (1 + b) * load_rps >= drain_rps:
                    low = b
                else:
                    high = b
            return low

        my_budget = largest_budget(mine.load_rps, mine.capacity_rps, mine.drain_rps)
        """,
    ),
    "answered": (
        """
        def answered(arrivals_s, service_s, patience_s):
            done, out = -math.inf, []
            for i in range(len(arrivals_s)):
                end = max(done, arrivals_s[i]) + service_s
                if end - arrivals_s[i] <= patience_s + 1e-10:
                    out.append(i)
                    done = end
            return np.array(out, dtype=int)
        """,
        """
        from collections import deque

        def answered(arrivals_s, service_s, patience_s):
            line, clock, out = deque(enumerate(arrivals_s)), 0.0, []
            while line:
                i, came = line.popleft()
                clock = max(clock, came)
                if clock + service_s > came + patience_s + 1e-9:
                    continue
                clock += service_s
                out.append(i)
            return tuple(out)
        """,
        """
        def answered(arrivals_s, service_s, patience_s):
            busy = 0.0
            last, out = None, []
            for i, t in enumerate(arrivals_s):
                busy = max(0.0, busy - (0 if last is None else t - last))
                last = t
                if busy + service_s <= patience_s * (1 + 1e-12):
                    busy += service_s
                    out += [i]
            return out
        """,
    ),
    "my_design": (
        """
        def blocked(load, c):
            terms = [load**j / math.factorial(j) for j in range(c + 1)]
            return terms[-1] / sum(terms)

        c = 1
        while blocked(mine.login_rps * mine.login_s, c) > mine.refused:
            c += 1
        n = mine.needed + 1
        enough = lambda m: sum(math.comb(m, j) * mine.up**j * (1 - mine.up)**(m - j)
                               for j in range(mine.needed, m + 1))
        while 1 - enough(n - 1) > mine.too_few:
            n += 1
        my_design = {"servers": n, "login_threads": c}
        """,
        """
        def block(a, c):
            return 1.0 if c == 0 else a * block(a, c - 1) / (c + a * block(a, c - 1))

        from functools import lru_cache
        block = lru_cache(None)(block)
        a = mine.login_rps * mine.login_s
        threads = next(c for c in range(1, 200) if block(a, c) <= mine.refused)
        down = 1 - mine.up
        def short(n):
            return sum(math.comb(n, d) * down**d * mine.up**(n - d)
                       for d in range(n - mine.needed + 1, n + 1))
        servers = 1 + next(n for n in range(mine.needed, 99) if short(n) <= mine.too_few)
        my_design = dict(login_threads=np.int64(threads), servers=np.int64(servers))
        """,
        """
        a, inverse, c = mine.login_rps * mine.login_s, 1.0, 0
        while 1 / inverse > mine.refused:
            c += 1
            inverse = 1 + c / a * inverse
        law = np.array([1.0])
        n = 0
        while law[: mine.needed].sum() > mine.too_few:
            law = np.convolve(law, [1 - mine.up, mine.up])
            n += 1
        my_design = {"login_threads": float(c), "servers": n + 1}
        """,
    ),
}


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name, each in RIGHT.items() for n in range(len(each))]
)
def test_right_answers_written_another_way_lose_nothing(name, number):
    assert run({name: textwrap.dedent(RIGHT[name][number])}) == set()


@pytest.mark.parametrize(
    "dials",
    [
        'dict(window=20, threshold=0.5, open_s=0.7, probes=1)',
        '{"window": 10, "threshold": 0.8, "open_s": 0.5, "probes": 2}',
        '{"window": np.int64(30), "threshold": np.float64(0.5), "open_s": 1, "probes": 1.0}',
    ],
)  # fmt: skip
def test_other_dials_that_bring_it_back(dials):
    assert run({"my_dials": f"my_dials = {dials}"}, {"check_my_dials"}) == set()


# --- wrong answers --------------------------------------------------------------------------------

STATE, CALLS, PAUSE = "check_state_of", "check_calls_at_bottom", "check_pause_s"
BUDGET, LARGEST, ANSWERED = "check_retry_budget", "check_largest_budget", "check_answered"
BULKHEAD, SERVERS = "check_bulkhead", "check_servers"
OPENS, PROBES, FORGETS = "check_breaker_opens", "check_breaker_probes", "check_breaker_forgets"

#: Answers made by changing the solution: its cell, old and new, and the checks that must fail.
WRONG = [
    # Task 1
    ("state_of", "load_rps >= capacity_rps", "load_rps > capacity_rps", {STATE}),
    (
        "state_of",
        "attempts * load_rps > capacity_rps",
        "attempts * load_rps >= capacity_rps",
        {STATE},
    ),
    ("state_of", "attempts * load_rps", "load_rps", {STATE}),
    ("state_of", "attempts * load_rps", "(attempts + 1) * load_rps", {STATE}),
    ("state_of", "attempts * load_rps", "2 * load_rps", {STATE}),
    ("state_of", "attempts < 1", "attempts < 0", {STATE}),
    ("state_of", "raise ValueError(", "raise TypeError(", {STATE}),
    ("state_of", '"vulnerable" if', '"Vulnerable" if', {STATE}),
    ("state_of", "attempts * load_rps > capacity_rps", "load_rps > 0.6 * capacity_rps", {STATE}),
    # Task 2
    ("calls_at_bottom", "reversed(list(attempts))", "attempts[:1] * len(attempts)", {CALLS}),
    ("calls_at_bottom", "        q = q**a\n", "", {CALLS}),
    ("calls_at_bottom", "range(a)", "range(a + 1)", {CALLS}),
    ("calls_at_bottom", "q**n for n", "q for n", {CALLS}),
    ("calls_at_bottom", "calls *=", "calls +=", {CALLS}),
    ("calls_at_bottom", "calls, q = 1.0, failing", "calls, q = 1.0, 1 - failing", {CALLS}),
    ("calls_at_bottom", "q = q**a", "q = q * a", {CALLS}),
    ("calls_at_bottom", "return calls", "return round(calls)", {CALLS}),
    ("calls_at_bottom", "return calls", "return calls if len(attempts) else 0", {CALLS}),
    ("calls_at_bottom", "return calls", "return float(np.prod(attempts)) ** failing", {CALLS}),
    # Task 3, the pause
    ("pause_s", "range(attempt - 1)", "range(attempt)", {PAUSE}),
    ("pause_s", "longest *= 2", "longest += base_s", {PAUSE}),
    ("pause_s", "longest *= 2", "longest *= 3", {PAUSE}),
    ("pause_s", "min(longest, cap_s)", "longest", {PAUSE}),
    ("pause_s", "uniform * min", "min", {PAUSE}),
    ("pause_s", "uniform * min(longest, cap_s)", "min(uniform * longest, cap_s)", {PAUSE}),
    ("pause_s", "return uniform *", "return (0.5 + uniform / 2) *", {PAUSE}),
    (
        "pause_s",
        "        if longest >= cap_s:\n            break\n        longest *= 2\n",
        "        pass\n    longest = base_s * 2.0 ** (attempt - 1)\n",
        {PAUSE},
    ),
    ("pause_s", "return uniform", "return np.random.random()", {PAUSE}),
    # Task 3, the budget
    ("retry_budget", "self.left < 1 - 1e-9", "self.left < 1", {BUDGET}),
    ("retry_budget", "self.left < 1 - 1e-9", "self.left <= 0", {BUDGET}),
    ("retry_budget", "min(self.left + self.share, self.most)", "self.left + self.share", {BUDGET}),
    ("retry_budget", "share, most, most", "share, most, 0", {BUDGET}),
    ("retry_budget", "        self.left -= 1\n", "", {BUDGET}),
    ("retry_budget", "self.left -= 1", "self.left -= self.share", {BUDGET}),
    (
        "retry_budget",
        "            return False\n",
        "            self.left = 0\n            return False\n",
        {BUDGET},
    ),
    ("retry_budget", "self.left + self.share", "self.left + 0.1", {BUDGET}),
    ("retry_budget", "return True", "return None", {BUDGET}),
    (
        "retry_budget",
        "def request(self):\n        self.left = min(self.left + self.share, self.most)",
        "def request(self):\n        self.left = min(self.left + self.share, self.most)\n"
        "        return self.left",
        {BUDGET},
    ),
    # Task 4: opens
    (
        "breaker",
        "failures >= self.threshold",
        "failures > self.threshold",
        {OPENS, PROBES, FORGETS},
    ),
    ("breaker", "len(self.results) == self.window and ", "", {OPENS, FORGETS}),
    ("breaker", "self.results = self.results[-self.window :]\n", "pass\n", {OPENS}),
    ("breaker", "self.results.count(False)", "self.results.count(True)", {OPENS, PROBES, FORGETS}),
    ("breaker", "failures >= self.threshold * self.window", "failures == self.window", {OPENS}),
    # Task 4: probes
    (
        "breaker",
        "now >= self.since + self.open_s",
        "now > self.since + self.open_s",
        {PROBES, FORGETS},
    ),
    ("breaker", "now >= self.since + self.open_s", "now >= self.open_s", {PROBES, FORGETS}),
    ("breaker", "self.allowed == self.probes", "self.allowed == 1", {PROBES}),
    ("breaker", "self.allowed == self.probes", "False", {PROBES}),
    ("breaker", "        self.allowed += 1\n", "", {PROBES}),
    ("breaker", "elif len(self.results) == self.probes", "elif self.results", {PROBES}),
    (
        "breaker",
        'if not ok:\n                self._turn("open", now)',
        "if not ok:\n                pass",
        {PROBES},
    ),
    ("breaker", 'self._turn("half-open", now)', 'self._turn("closed", now)', {PROBES, FORGETS}),
    # Task 4: forgets
    ("breaker", '        if self.state == "open":\n            return\n', "", {FORGETS}),
    (
        "breaker",
        "self.results, self.allowed = [], 0",
        'self.results, self.allowed = [] if state != "closed" else [False] * 2, 0',
        {OPENS, FORGETS},
    ),
    # Task 5
    (
        "largest_budget",
        "max(0.0, (capacity_rps - drain_rps) / load_rps - 1)",
        "(capacity_rps - drain_rps) / load_rps - 1",
        {LARGEST},
    ),
    (
        "largest_budget",
        "(capacity_rps - drain_rps) / load_rps - 1",
        "capacity_rps / load_rps - 1",
        {LARGEST},
    ),
    ("largest_budget", "load_rps - 1)", "load_rps)", {LARGEST}),
    ("largest_budget", "(capacity_rps - drain_rps)", "(capacity_rps + drain_rps)", {LARGEST}),
    (
        "largest_budget",
        "(capacity_rps - drain_rps) / load_rps - 1",
        "(capacity_rps - drain_rps - load_rps) / capacity_rps",
        {LARGEST},
    ),
    ("largest_budget", "max(0.0, (", "min(1.0, max(0.0, (", {LARGEST}),
    ("largest_budget", "mine.drain_rps)", "0)", {LARGEST}),
    (
        "largest_budget",
        "my_budget = largest_budget(",
        "my_budget = 0.5 * largest_budget(",
        {LARGEST},
    ),
    (
        "largest_budget",
        "my_budget = largest_budget(",
        "my_budget = 100 * largest_budget(",
        {LARGEST},
    ),
    # Task 6
    ("answered", "max(free, arrival)", "free", {ANSWERED}),
    (
        "answered",
        "begins + service_s <= arrival + patience_s + 1e-9",
        "begins <= arrival + patience_s",
        {ANSWERED},
    ),
    ("answered", "patience_s + 1e-9", "patience_s - 1e-9", {ANSWERED}),
    (
        "answered",
        "if begins + service_s <= arrival + patience_s + 1e-9:\n"
        "            free = begins + service_s\n",
        "free = begins + service_s\n        if free <= arrival + patience_s + 1e-9:\n",
        {ANSWERED},
    ),
    ("answered", "done.append(position)", "done.append(arrival)", {ANSWERED}),
    ("answered", "enumerate(arrivals_s)", "enumerate(arrivals_s, 1)", {ANSWERED}),
    ("answered", "return done", "return done[::-1]", {ANSWERED}),
    ("answered", "return done", "return len(done)", {ANSWERED}),
    (
        "answered",
        "begins + service_s <= arrival + patience_s + 1e-9",
        "begins + service_s <= 2.5",
        {ANSWERED},
    ),
    # Task 7
    ("my_design", "blocked > mine.refused", "blocked > 2 * mine.refused", {BULKHEAD}),
    ("my_design", '"login_threads": threads', '"login_threads": threads + 1', {BULKHEAD}),
    ("my_design", '"login_threads": threads', '"login_threads": threads - 1', {BULKHEAD}),
    ("my_design", '"login_threads": threads', '"login_threads": math.ceil(load)', {BULKHEAD}),
    ("my_design", '"login_threads": threads', '"login_threads": 10_000', {BULKHEAD}),
    ("my_design", '"servers": others + 1', '"servers": others', {SERVERS}),
    ("my_design", '"servers": others + 1', '"servers": others + 2', {SERVERS}),
    ("my_design", "range(mine.needed)", "range(mine.needed + 1)", {SERVERS}),
    ("my_design", '"servers": others + 1', '"servers": mine.needed + 1', {SERVERS}),
    (
        "my_design",
        "too_few(others) > mine.too_few",
        "1 - mine.up**others > mine.too_few and others < 40",
        {SERVERS},
    ),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_answers_lose_exactly_their_points(number):
    name, old, new, lost = WRONG[number]
    answers = LAB.answer(name, old, new)
    if new.startswith("min(1.0, max("):
        answers = LAB.answer(name, old, new, "load_rps - 1)", "load_rps - 1))")
    assert run(answers) == lost


@pytest.mark.parametrize(
    "dials",
    [
        '{"window": 20, "threshold": 0.5, "open_s": 60.0, "probes": 10}',
        '{"window": 10_000, "threshold": 0.5, "open_s": 1.0, "probes": 1}',
        '{"window": 20, "threshold": 0.5, "open_s": 15.0, "probes": 1}',
        '{"window": 20, "threshold": 0.5, "open_s": 0.7, "probes": 5_000}',
        '{"window": 9, "threshold": 0.5, "open_s": 0.7, "probes": 1}',
        '{"window": 20, "threshold": 0.5, "open_s": 0.4, "probes": 1}',
        '{"window": 20, "threshold": 0.5, "open_s": 0.7}',
        '{"window": 20, "threshold": 0.5, "open_s": None, "probes": 1}',
        '{"window": 20, "threshold": 0.0, "open_s": 0.7, "probes": 1}',
        '{"window": 20, "threshold": 0.5, "open_s": 0.7, "probes": 0}',
    ],
)
def test_dials_that_do_not_bring_it_back_in_time(dials):
    assert run({"my_dials": f"my_dials = {dials}"}, {"check_my_dials"}) == {"check_my_dials"}


def test_a_mistake_in_one_task_costs_no_other():
    broken = dict.fromkeys(("breaker", "retry_budget", "state_of"), "raise NotImplementedError")
    lost = {STATE, OPENS, PROBES, FORGETS, "check_retry_budget"}
    assert run(broken) == lost
