"""Lab 9 gives the points it should: right answers written another way, and wrong ones."""

from __future__ import annotations

import pytest

from tests.labs import Lab

LAB = Lab("lab09_caching_strategies")


ANOTHER_WAY = {
    "load_multiplier": """
        def load_multiplier(hit_ratio, servers):
            if hit_ratio < 0 or hit_ratio >= 1:
                raise ValueError
            return 1 + hit_ratio / (1 - hit_ratio) / servers
    """,
    "lru_cache": """
        from collections import OrderedDict

        class LruCache:
            def __init__(self, capacity):
                self.capacity, self.hits, self.misses = capacity, 0, 0
                self.kept = OrderedDict()

            def get(self, key, load):
                try:
                    self.kept.move_to_end(key)
                    self.hits += 1
                except KeyError:
                    self.misses += 1
                    self.kept[key] = load(key)
                    while len(self.kept) > self.capacity:
                        self.kept.popitem(last=False)
                return self.kept[key]
    """,
    "che_approximation": """
        def che(weights, capacity):
            if capacity >= len(weights):
                return 1
            t = capacity
            for _ in range(60):
                left = np.exp(-weights * t)
                t += (capacity - (1 - left).sum()) / (weights * left).sum()
            return 1 - (weights * np.exp(-weights * t)).sum()
    """,
    "smallest_cache": """
        def smallest_cache(weights, target):
            n = 1
            while che(weights, n) < target:
                n += 1
            return n

        my_capacity = np.int64(
            smallest_cache(zipf_weights(mine.keys, mine.exponent), mine.target_hit_ratio)
        )
    """,
    "xfetch": """
        import math

        def should_refresh(now_s, expiry_s, recompute_s, beta, uniform):
            chance = math.exp(min(0, now_s - expiry_s) / (recompute_s * beta))
            return uniform <= chance

        def stampede(rate_rps, recompute_s, beta, rng):
            begin = -recompute_s * beta * (math.log(rate_rps * recompute_s * beta) + 12)
            count = rng.poisson(rate_rps * (5 / rate_rps + recompute_s - begin) * 3)
            times = begin + np.cumsum(rng.exponential(1 / rate_rps, count))
            coins = rng.exponential(1.0, count)
            refreshing = times[times + beta * recompute_s * coins >= 0]
            return int((refreshing < refreshing[0] + recompute_s).sum())
    """,
    "single_flight": """
        from concurrent.futures import Future

        class SingleFlight:
            def __init__(self):
                self.lock, self.calls = threading.RLock(), {}

            def do(self, key, function):
                mine = Future()
                with self.lock:
                    future = self.calls.setdefault(key, mine)
                if future is mine:
                    try:
                        result = function()
                    except Exception as error:
                        with self.lock:
                            del self.calls[key]
                        future.set_exception(error)
                    else:
                        with self.lock:
                            del self.calls[key]
                        future.set_result(result)
                return future.result()
    """,
    "longest_ttl": """
        def longest_ttl(update_rps, budget):
            x = 2 * budget
            for _ in range(2_000):  # Newton
                value = 1 - (1 - math.exp(-x)) / x
                slope = (1 - math.exp(-x) * (1 + x)) / x**2
                x += (budget - value) / slope
            return x / update_rps

        my_ttl_s = longest_ttl(mine.updates_per_hour / 60 / 60, mine.stale_budget)
    """,
    "my_design": """
        work = mine.recompute_s * mine.warm_keys / mine.connections
        my_design = {"flush_s": 2 * mine.loss_budget / mine.write_rps, "jitter_s": work}
    """,
}


def test_right_answers_written_another_way_lose_nothing():
    assert LAB.run(ANOTHER_WAY) == set()


LRU = """
    class LruCache:
        def __init__(self, capacity):
            self.capacity, self.hits, self.misses, self.kept = capacity, 0, 0, {{}}

        def get(self, key, load):
            {found}
                self.hits += 1
                {use}
                return self.kept[key]
            self.misses += 1
            {make_room}
            self.kept[key] = load(key)
            if len(self.kept) > {room}:
                del self.kept[{victim}]
            return self.kept[key]
"""
RIGHT_LRU = {
    "found": "if key in self.kept:",
    "use": "self.kept[key] = self.kept.pop(key)",
    "make_room": "pass",
    "room": "self.capacity",
    "victim": "next(iter(self.kept))",
}


def lru(**changed: str) -> str:
    return LRU.format(**{**RIGHT_LRU, **changed})


SINGLE = """
    class SingleFlight:
        def __init__(self):
            self.lock, self.flights = threading.Lock(), {{}}

        def do(self, key, function):
            key = {key}
            with self.lock:
                flight = self.flights.get(key)
                pilot = flight is None
                if pilot:
                    flight = self.flights[key] = {{"landed": threading.Event()}}
                {locked}
            if pilot:
                try:
                    flight["result"] = function()
                except Exception as error:
                    {fail}
                {forget}
                flight["landed"].set()
            flight["landed"].wait(5)
            if "error" in flight:
                raise flight["error"]
            return flight{get}
"""
RIGHT_SINGLE = {
    "key": "key",
    "locked": "pass",
    "fail": 'flight["error"] = error',
    "forget": "del self.flights[key]",
    "get": '["result"]',
}


def single(**changed: str) -> str:
    return SINGLE.format(**{**RIGHT_SINGLE, **changed})


NO_FLIGHT = """
    class SingleFlight:
        def do(self, key, function):
            return function()
"""
CHECK_THEN_ACT = """
    class SingleFlight:  # looks before it locks
        def __init__(self):
            self.lock, self.flights = threading.Lock(), {}

        def do(self, key, function):
            if key in self.flights:
                flight = self.flights[key]
                flight["landed"].wait(5)
                if "error" in flight:
                    raise flight["error"]
                return flight["result"]
            time.sleep(0.001)
            with self.lock:
                flight = self.flights[key] = {"landed": threading.Event()}
            try:
                flight["result"] = function()
                return flight["result"]
            except Exception as error:
                flight["error"] = error
                raise
            finally:
                self.flights.pop(key, None)
                flight["landed"].set()
"""
GLOBAL_LOCK = """
    class SingleFlight:  # one at a time, whatever the key
        def __init__(self):
            self.lock, self.inner = threading.RLock(), {}

        def do(self, key, function):
            began = time.monotonic()
            with self.lock:
                if key in self.inner and self.inner[key][0] > began:
                    outcome = self.inner[key][1]
                else:
                    try:
                        outcome = ("result", function())
                    except Exception as error:
                        outcome = ("error", error)
                    self.inner[key] = (time.monotonic(), outcome)
            if outcome[0] == "error":
                raise outcome[1]
            return outcome[1]
"""

MULTIPLIER = {
    "one server only": "def load_multiplier(h, servers):\n    return 1 / (1 - h)",
    "no error": "def load_multiplier(h, servers):\n    return 1 + h / (1 - h) / servers",
    "visible cases only": "def load_multiplier(h, servers):\n    return 10 if servers == 1 else 2",
    "in per cent": """
        def load_multiplier(h, servers):
            if not 0 <= h < 1:
                raise ValueError
            return 100 + 100 * h / (1 - h) / servers
    """,
}
CHE = """
    def che(weights, capacity):
        if capacity >= len(weights):
            return 1.0
        low, high = 0.0, 1e7
        for _ in range({steps}):
            middle = (low + high) / 2
            if np.sum(1 - np.exp(-weights * middle)) < {room}:
                low = middle
            else:
                high = middle
        return {result}
"""
RIGHT_CHE = {
    "steps": "200",
    "room": "capacity",
    "result": "float(np.sum(weights * (1 - np.exp(-weights * high))))",
}


def che(**changed: str) -> str:
    return CHE.format(**{**RIGHT_CHE, **changed})


XFETCH = """
    import math

    def should_refresh(now_s, expiry_s, recompute_s, beta, uniform):
        return {coin}

    def stampede(rate_rps, recompute_s, beta, rng):
        now = -recompute_s * beta * (math.log(rate_rps * recompute_s * beta) + 12)
        queries, back = {start}, math.inf
        while now < back:
            if now - recompute_s * beta * math.log(1 - rng.random()) >= 0:
                queries += 1
                back = {back}
            now += {gap}
        return queries
"""
RIGHT_XFETCH = {
    "coin": "now_s - recompute_s * beta * math.log(uniform) >= expiry_s",
    "start": "0",
    "back": "min(back, now + recompute_s)",
    "gap": "rng.exponential(1 / rate_rps)",
}


def xfetch(**changed: str) -> str:
    return XFETCH.format(**{**RIGHT_XFETCH, **changed})


TTL = """
    def longest_ttl(update_rps, budget):
        low, high = 1e-9, 1e3
        for _ in range(200):
            middle = (low + high) / 2
            if 1 + math.expm1(-middle) / middle <= budget:
                low = middle
            else:
                high = middle
        return {result}

    my_ttl_s = longest_ttl({mine}, mine.stale_budget)
"""
RIGHT_TTL = {"result": "low / update_rps", "mine": "mine.updates_per_hour / 3_600"}


def ttl(**changed: str) -> str:
    return TTL.format(**{**RIGHT_TTL, **changed})


SMALLEST = """
    def smallest_cache(weights, target):
        n = 1
        while che(weights, n) {still} target:
            n += 1
        return n {off}

    my_capacity = {mine}
"""
MY_CAPACITY = "smallest_cache(zipf_weights(mine.keys, mine.exponent), mine.target_hit_ratio)"
DESIGN = """
    work = mine.warm_keys * mine.recompute_s / mine.connections
    unit = mine.loss_budget / mine.write_rps
    my_design = {{"jitter_s": {jitter} * work, "flush_s": {flush} * unit}}
"""
ONE_QUERY, KEYS, FAILURES = (
    "single_flight_one_query",
    "single_flight_keys_are_independent",
    "single_flight_failures_are_shared",
)

#: Wrong answers: the cell, what is in it, and the test cells that must fail.
WRONG = {
    **{
        f"multiplier, {name}": ("load_multiplier", source, {"restart_multiplies_the_load"})
        for name, source in MULTIPLIER.items()
    },
    "evicts the most recent": (
        "lru_cache",
        lru(victim="list(self.kept)[-2] if len(self.kept) > 1 else key"),
        {"lru_hits_and_evicts"},
    ),
    "FIFO": ("lru_cache", lru(use="pass"), {"lru_hits_and_evicts"}),
    "one entry too many": ("lru_cache", lru(room="self.capacity + 1"), {"lru_hits_and_evicts"}),
    "None is a miss": (
        "lru_cache",
        lru(found="if self.kept.get(key) is not None:"),
        {"lru_keeps_any_value"},
    ),
    "nothing false is kept": (
        "lru_cache",
        lru(found="if self.kept.get(key):"),
        {"lru_hits_and_evicts", "lru_keeps_any_value"},
    ),
    "makes room before it loads": (
        "lru_cache",
        lru(make_room="len(self.kept) == self.capacity and self.kept.pop(next(iter(self.kept)))"),
        {"lru_keeps_any_value"},
    ),
    "the miss ratio": (
        "che_approximation",
        che(result="float(np.sum(weights * np.exp(-weights * high)))"),
        {"che_predicts_the_hit_ratio", "smallest_cache_reaches_the_target"},
    ),
    "capacity off by one": (
        "che_approximation",
        che(room="capacity - 1"),
        {"che_predicts_the_hit_ratio", "smallest_cache_reaches_the_target"},
    ),
    "three digits": (
        "che_approximation",
        che(steps="14"),
        {"che_predicts_the_hit_ratio", "smallest_cache_reaches_the_target"},
    ),
    "the share that fits": (
        "che_approximation",
        "def che(weights, capacity):\n    return min(1.0, capacity / len(weights))",
        {"che_predicts_the_hit_ratio", "smallest_cache_reaches_the_target"},
    ),
    "one item too many": (
        "smallest_cache",
        SMALLEST.format(still="<", off="+ 1", mine=MY_CAPACITY),
        {"smallest_cache_reaches_the_target"},
    ),
    "the largest that does not reach it": (
        "smallest_cache",
        SMALLEST.format(still="<", off="- 1", mine=MY_CAPACITY),
        {"smallest_cache_reaches_the_target"},
    ),
    "somebody else's capacity": (
        "smallest_cache",
        SMALLEST.format(still="<", off="", mine="321"),
        {"smallest_cache_reaches_the_target"},
    ),
    "sign of the logarithm": (
        "xfetch",
        xfetch(coin="now_s + recompute_s * beta * math.log(uniform) >= expiry_s"),
        {"xfetch_coin"},
    ),
    "logarithm to base 10": (
        "xfetch",
        xfetch(coin="now_s - recompute_s * beta * math.log10(uniform) >= expiry_s"),
        {"xfetch_coin"},
    ),
    "without beta": (
        "xfetch",
        xfetch(coin="now_s - recompute_s * math.log(uniform) >= expiry_s"),
        {"xfetch_coin"},
    ),
    "first query not counted": ("xfetch", xfetch(start="-1"), {"xfetch_stampede"}),
    "half the recompute time": (
        "xfetch",
        xfetch(back="min(back, now + recompute_s / 2)"),
        {"xfetch_stampede"},
    ),
    "e, from the book": (
        "xfetch",
        xfetch() + "\n    def stampede(rate_rps, recompute_s, beta, rng):\n        return math.e\n",
        {"xfetch_stampede"},
    ),
    "no single-flight at all": ("single_flight", NO_FLIGHT, {ONE_QUERY, FAILURES}),
    "looks before it locks": ("single_flight", CHECK_THEN_ACT, {ONE_QUERY, FAILURES}),
    "one lock for all keys": ("single_flight", GLOBAL_LOCK, {KEYS}),
    "one flight for all keys": ("single_flight", single(key="0"), {KEYS}),
    "never forgets": ("single_flight", single(forget="pass"), {ONE_QUERY, FAILURES}),
    "swallows the exception": (
        "single_flight",
        single(fail='flight["result"] = None'),
        {FAILURES},
    ),
    "the exception sticks": (
        "single_flight",
        single(
            fail='flight["error"] = error; flight["landed"].set(); raise',
        ),
        {FAILURES},
    ),
    "error told by its type": (
        "single_flight",
        single(fail='flight["result"] = error', get='["result"]').replace(
            'return flight["result"]',
            'if isinstance(flight["result"], Exception):\n'
            '                raise flight["result"]\n'
            '            return flight["result"]',
        ),
        {FAILURES},
    ),
    "rule of thumb": (
        "longest_ttl",
        ttl(result="2 * budget / update_rps"),
        {"longest_ttl_keeps_the_budget"},
    ),
    "in hours": (
        "longest_ttl",
        ttl(mine="mine.updates_per_hour"),
        {"longest_ttl_keeps_the_budget"},
    ),
    "in milliseconds": (
        "longest_ttl",
        ttl(result="1e3 * low / update_rps"),
        {"longest_ttl_keeps_the_budget"},
    ),
    "no jitter, no flush": (
        "my_design",
        DESIGN.format(jitter=0.0, flush=0.01),
        {"design_survives_the_deploy", "design_loses_little"},
    ),
    "too little jitter": (
        "my_design",
        DESIGN.format(jitter=0.5, flush=1.5),
        {"design_survives_the_deploy"},
    ),
    "too much jitter, flushed too rarely": (
        "my_design",
        DESIGN.format(jitter=1.2, flush=2.2),
        {"design_survives_the_deploy", "design_loses_little"},
    ),
    "forgot the factor of two": (
        "my_design",
        DESIGN.format(jitter=0.9, flush=0.9),
        {"design_loses_little"},
    ),
}


def rounds() -> list[list[str]]:
    """Deal the wrong answers so that no two of one submission concern the same tests."""
    hands: list[list[str]] = []
    for name, (cell, _, failing) in WRONG.items():
        for hand in hands:
            if all(WRONG[other][0] != cell and not WRONG[other][2] & failing for other in hand):
                hand.append(name)
                break
        else:
            hands.append([name])
    return hands


@pytest.mark.parametrize("hand", rounds(), ids=" + ".join)
def test_a_wrong_answer_loses_exactly_its_points(hand):
    expected = {name for each in hand for name in WRONG[each][2]}
    assert LAB.run({WRONG[each][0]: WRONG[each][1] for each in hand}) == expected


def test_the_templates_of_wrong_answers_are_right_when_nothing_is_changed():
    right = {
        "lru_cache": lru(),
        "che_approximation": che(),
        "xfetch": xfetch(),
        "single_flight": single(),
        "longest_ttl": ttl(),
        "smallest_cache": SMALLEST.format(still="<", off="", mine=MY_CAPACITY),
        "my_design": DESIGN.format(jitter=0.9, flush=1.5),
    }
    assert LAB.run(right) == set()
