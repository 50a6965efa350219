"""The lab's checks: the solution passes, an untouched lab scores nothing, and every wrong answer
loses the points of its own task and no others, while right answers of another kind keep them.
"""

from __future__ import annotations

import pytest

from helpers import blueprint
from helpers.why import deck
from helpers.why.lab import FlakyServer, LabParameters, lab_parameters
from tests.labs import Lab, mistakes

LAB = Lab("lab01_why_system_design")
answer = LAB.answer
QUICK = set(LAB.points) - {"check_my_shop"}


PASSES = "except ServerError:\n            pass"
COMMIT = 'int(np.searchsorted(arrivals_s, start, side="right"))'

# For each check, answers that must fail it and it alone.
WRONG = {
    "check_counters": {
        "the example": {
            "counters": """
            def counters(*_):
                return {"X": 20, "S": 0.025, "R": 0.07, "U": 0.5, "L": 1.4}
            """
        },
        "S and R swapped": answer(
            "counters",
            '"S": busy_s',
            '"S": response_total_s',
            '"R": response_total_s',
            '"R": busy_s',
        ),
        "milliseconds": answer(
            "counters", "response_total_s / completed", "1e3 * response_total_s / completed"
        ),
        "per cent": answer("counters", "busy_s / window_s", "100 * busy_s / window_s"),
    },
    "check_crowd": {
        "thinks from asking on": answer("crowd", "(free + think, user)", "(time + think, user)"),
        "does not think": answer("crowd", "(free + think, user)", "(free, user)"),
        "everybody served at once": answer("crowd", "max(free, time) + service", "time + service"),
        "a server that never rests": answer("crowd", "max(free, time)", "free"),
        "thinks of the user, not of the request": answer(
            "crowd", "free + think, user", "free + thinks_s[user % len(thinks_s)], user"
        ),
        "one request too few": answer(
            "crowd",
            "np.array(asked), np.array(answered)",
            "np.array(asked[1:]), np.array(answered[1:])",
        ),
        "last come first served": answer(
            "crowd",
            "heapq.heappop(waiting)",
            "waiting.pop(waiting.index(max(waiting)))",
            "heapq.heapify(waiting)",
            "pass",
            "heapq.heappush(waiting, (free + think, user))",
            "waiting.append((free + think, user))",
        ),
    },
    "check_cliff": {
        "the work left out": answer(
            "cliff", "(service_s + think_s) / service_s", "think_s / service_s"
        ),
        "never below zero": answer("cliff", "max(service_s,", "max(0.0,"),
        "adds the pause": answer(
            "cliff", "users * service_s - think_s", "users * service_s + think_s"
        ),
        "milliseconds": answer("cliff", "return max(", "return 1e3 * max("),
        "whole users": answer(
            "cliff",
            "return (service_s + think_s) / service_s",
            "return (service_s + think_s) // service_s",
        ),
    },
    "check_group_commit": {
        "one sync each": answer("group_commit", COMMIT, "first + 1"),
        "who arrives as it starts is late": answer(
            "group_commit",
            COMMIT,
            'max(first + 1, int(np.searchsorted(arrivals_s, start, side="left")))',
        ),
        "joins a sync under way": answer(
            "group_commit", "arrivals_s, start,", "arrivals_s, start + sync_s,"
        ),
        "waits without its sync": answer(
            "group_commit", "= free - arrivals_s[first:last]", "= start - arrivals_s[first:last]"
        ),
        "counts writes": answer("group_commit", "syncs + 1", "syncs + last - first + 1"),
        "milliseconds": answer(
            "group_commit", "return latencies, syncs", "return 1e3 * latencies, syncs"
        ),
    },
    "check_ledger": {
        "no memory": answer("ledger", "if key not in self._seen:", "if True:"),
        "takes the second amount for the first": answer(
            "ledger", "elif self._seen[key] != amount:", "elif False:"
        ),
        "remembers amounts, not keys": answer(
            "ledger", "if key not in self._seen:", "if amount not in self._seen.values():"
        ),
        "books that all ledgers share": {
            "ledger": """
            class Ledger:
                seen = {}

                def charge(self, key, amount):
                    if self.seen.setdefault(key, amount) != amount:
                        raise ValueError

                @property
                def total(self):
                    return sum(self.seen.values())
            """
        },
    },
    "check_pay": {
        "a new key for each try": answer(
            "pay", "server.charge(key, amount)", "server.charge(f'{key} {_}', amount)"
        ),
        "one key for all payments": answer("pay", 'f"payment {pay.payments}"', '"payment"'),
        "the amount is the key": answer("pay", 'f"payment {pay.payments}"', 'f"{amount}"'),
        "gives up at an error": answer(
            "pay", PASSES, 'except ServerError:\n            return "failed"'
        ),
        "gives up at a silence": answer(
            "pay", "            silent = True", '            return "lost"'
        ),
        "silence means failed": answer("pay", '"lost" if silent else "failed"', '"failed"'),
        "error means lost": answer("pay", '"lost" if silent else "failed"', '"lost"'),
        "the last try decides": answer(
            "pay", PASSES, "except ServerError:\n            silent = False"
        ),
        "one try too many": answer("pay", "range(tries)", "range(tries + 1)"),
        "does not stop": answer(
            "pay",
            'return "ok"',
            "answered = True",
            '    return "lost"',
            '    return "ok" if "answered" in locals() else "lost"',
        ),
    },
    "check_predict_wait": {
        "forgets to halve": answer("predict_wait", "* irregular / 2", "* irregular"),
        "without rho": answer("predict_wait", "* rho / (1 - rho)", "/ (1 - rho)"),
        "standard deviations": answer(
            "predict_wait", "gaps.var() / gaps.mean() ** 2", "gaps.std() / gaps.mean()"
        ),
        "only the arrivals": answer("predict_wait", " + services.var() / services.mean() ** 2", ""),
        "rate from the end of the log": answer(
            "predict_wait", "services.mean() / gaps.mean()", "services.sum() / arrivals_s[-1]"
        ),
        "negative when overloaded": answer("predict_wait", "if rho >= 1:", "if False:"),
        "response, not wait": answer(
            "predict_wait", "* irregular / 2", "* irregular / 2 + services.mean()"
        ),
        "milliseconds": answer("predict_wait", "return services", "return 1e3 * services"),
        "somebody else's wait": answer(
            "predict_wait",
            "my_wait = predict_wait(mine.arrivals_s, mine.services_s)",
            "my_wait = 0.01",
        ),
    },
    "check_canary": {
        "more than, not at least": answer("canary", "<= alarm))", "<= alarm)) + 1"),
        "one error too early": answer("canary", "<= alarm))", "<= alarm)) - 1"),
        "power against itself": answer(
            "canary",
            "_reach(requests, bad_error)",
            "_reach(requests, base_error)",
            "while power(",
            "while my_requests < 900 and power(",
        ),
        "the alarm is ignored": answer(
            "canary",
            "threshold(requests, base_error, alarm)])",
            "threshold(requests, base_error)])",
        ),
        "my own number off by one step": answer(
            "canary",
            "my_requests = 100\nwhile power",
            "my_requests = 200\nwhile 0.9 > power",
            "mine.bad_error) < 0.9",
            "mine.bad_error)",
            "    my_requests += 100",
            "    my_requests += 200",
        ),
        "somebody else's number": answer("canary", "my_requests = 100\n", "my_requests = 9_900\n"),
        "normal approximation": {
            "canary": """
            def threshold(n, p, alarm=0.05):
                if (n, p) == (10, 0.5):
                    return 9 if alarm < 0.0547 else 8
                return math.ceil(n * p + 1.645 * math.sqrt(n * p * (1 - p)))


            def power(n, p, q, alarm=0.05):
                return float(_reach(n, q)[threshold(n, p, alarm)])


            def _reach(n, p):
                k = np.arange(1, n + 1)
                steps = np.log((n - k + 1) / k) + math.log(p / (1 - p))
                chance = np.exp(n * math.log1p(-p) + np.concatenate([[0.0], np.cumsum(steps)]))
                return np.append(np.cumsum(chance[::-1])[::-1], 0.0)


            my_requests = 100
            while power(my_requests, mine.base_error, mine.bad_error) < 0.9:
                my_requests += 100
            """
        },
    },
    "check_my_shop": {
        "as it was": {"my_shop": "my_shop = mine.shop"},
        "a balancer alone": answer("my_shop", "count=2, health", "count=1, health"),
        "too few servers": answer("my_shop", "count=4", "count=2"),
        "over budget": answer("my_shop", "count=4", "count=5"),
        "cores out of nowhere": answer("my_shop", "count=4", "count=4, threads=8"),
        "looks all the time": answer("my_shop", "HealthCheck(0.5, 1)", "HealthCheck(0.01, 1)"),
        "slow to notice": answer(
            "my_shop", "HealthCheck(0.5, 1)", "HealthCheck(5.0, 2)", "retries=1", "retries=0"
        ),
        "no failover": answer("my_shop", "failover_s=1.0, ", ""),
        "fewer clients": answer(
            "my_shop", "### END SOLUTION", 'my_shop = my_shop.replace("clients", rate_rps=1.0)'
        ),
        "less work": answer("my_shop", "count=4", "count=4, service_s=0.01"),
        "no database": answer("my_shop", "### END SOLUTION", 'my_shop = my_shop.without("db")'),
        "a database beside the road": answer(
            "my_shop",
            "### END SOLUTION",
            'my_shop = blueprint.Design("shop", my_shop.clients >> my_shop["balancer"] '
            '>> my_shop["app"] >> blueprint.Queue() >> blueprint.Workers() '
            ">> blueprint.Database())",
        ),
        "not a design": {"my_shop": 'my_shop = "a better one"'},
    },
}

#: Right answers of another kind.
RIGHT = {
    "counters through the laws": {
        "counters": """
        def counters(t, n, b, w):
            x, s, r = n / t, b / n, w / n
            return dict(X=np.float64(x), S=s, R=r, U=x * s, L=x * r)
        """
    },
    "a crowd without a heap, lists returned as arrays of float32": {
        "crowd": """
        def crowd(first_s, thinks_s, services_s):
            nexts = np.array(first_s, dtype=float)
            free, log = 0.0, []
            for k in range(len(services_s)):
                user = int(nexts.argmin())
                asked = nexts[user]
                free = max(free, asked) + services_s[k]
                log.append((asked, free))
                nexts[user] = free + thinks_s[k]
            return np.array(log)[:, 0], np.array(log)[:, 1]
        """
    },
    "a group commit with a plain loop": {
        "group_commit": """
        def group_commit(arrivals_s, sync_s):
            done, syncs, end = [], 0, float("-inf")
            queue = list(arrivals_s)
            i = 0
            while i < len(queue):
                begin = max(end, queue[i])
                end = begin + sync_s
                syncs += 1
                while i < len(queue) and queue[i] <= begin:
                    done.append(end - queue[i])
                    i += 1
            return np.array(done), syncs
        """
    },
    "random keys": answer("pay", 'f"payment {pay.payments}"', "__import__('secrets').token_hex(8)"),
    "sample variances": answer(
        "predict_wait", "gaps.var()", "gaps.var(ddof=1)", "services.var()", "services.var(ddof=1)"
    ),
    "binomial by math.comb": {
        "canary": """
        def _tail(n, p):
            log = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
                   + k * math.log(p) + (n - k) * math.log(1 - p) for k in range(n + 1)]
            return np.cumsum(np.exp(log)[::-1])[::-1]

        def threshold(n, p, alarm=0.05):
            tail = _tail(n, p)
            return next((k for k in range(n + 1) if tail[k] <= alarm), n + 1)

        def power(n, p, q, alarm=0.05):
            k = threshold(n, p, alarm)
            return _tail(n, q)[k] if k <= n else 0.0

        my_requests = next(m for m in range(100, 100_000, 100)
                           if power(m, mine.base_error, mine.bad_error) >= 0.9)
        """
    },
    "a shop with a cache beside the database": answer(
        "my_shop",
        "### END SOLUTION",
        'my_shop = my_shop.replace("app", count=3).wire(my_shop["app"].replace(count=3) >> '
        "blueprint.Cache())",
    ),
}


@pytest.mark.parametrize(("check", "name"), mistakes(WRONG))
def test_a_wrong_answer_loses_its_own_points_only(check: str, name: str) -> None:
    assert LAB.run(WRONG[check][name], checks=QUICK | {check}) == {check}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_of_another_kind_keeps_its_points(name: str) -> None:
    (task,) = RIGHT[name]
    assert LAB.run(RIGHT[name], checks=QUICK | {f"check_{task}"}) == set()


def test_every_check_has_wrong_answers() -> None:
    assert set(WRONG) == set(LAB.points)


@pytest.mark.parametrize("student_id", [f"student {i}" for i in range(12)])
def test_every_learner_has_a_shop_that_can_be_mended(student_id: str) -> None:
    mine = lab_parameters(student_id)
    assert blueprint.cost(mine.shop).monthly < mine.budget_usd
    assert min(card.share for card in deck.play(mine.shop)) < 0.9
    load = mine.services_s.mean() / mean_gap(mine)
    assert 0.5 < load < 0.8


def mean_gap(mine: LabParameters) -> float:
    times = mine.arrivals_s
    return float((times[-1] - times[0]) / (times.size - 1))


def test_the_model_memo_says_what_health_check_and_retry_are_worth() -> None:
    shop = lab_parameters("your id").shop
    old = shop["balancer"]
    assert isinstance(old, blueprint.LoadBalancer)
    mended = shop.replace("app", count=4).replace("db", failover_s=1.0, connections=16)
    shares = []
    for look in (blueprint.HealthCheck(0.5, 1), old.health_check):
        for retries in (1, 0):
            design = mended.replace("balancer", count=2, health_check=look, retries=retries)
            cards = deck.play(design, seed=1)
            shares += [card.share for card in cards if card.at.surprise == "an app server dies"]
    assert [f"{share:.0%}" for share in shares] == ["100%", "100%", "100%", "93%"]


def test_the_model_memo_turns_the_canary_s_requests_into_minutes() -> None:
    memo = LAB.source("cell-048")
    assert "without both the death of a server falls to 93 %" in memo
    assert "the 700 requests of Task 7" in memo
    canary = {"canary": LAB.cells["canary"].source + "\nmy_requests = 700"}
    assert LAB.run(canary, "your id", checks={"check_canary"}) == set()
    rate_rps = lab_parameters("your id").shop.clients.rate_rps
    assert 105 < 700 / (rate_rps / 10) < 110, "a little under two minutes"


def test_an_id_must_be_text() -> None:
    with pytest.raises(TypeError, match="student_id must be text"):
        lab_parameters(7)
    with pytest.raises(ValueError, match="student_id must not be empty"):
        lab_parameters("  ")
    assert lab_parameters(" ADA ").service_s == lab_parameters("ada").service_s


def test_the_flaky_server_refuses_unknown_fates_and_too_many_calls() -> None:
    with pytest.raises(ValueError, match="fates must be one of"):
        FlakyServer(print, ["perhaps"])
    server = FlakyServer(lambda *_: None, ["ok"])
    assert server.charge("a", 1) == "done"
    with pytest.raises(RuntimeError, match="more often than allowed"):
        server.charge("a", 1)
