"""The lab's checks: the solution passes, an untouched lab scores nothing, and every wrong answer
loses the points of its own task and no others.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.labs import Lab, mistakes

LAB = Lab("lab04_the_anatomy_of_a_system")
answer = LAB.answer


@pytest.fixture(autouse=True)
def quick_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in memory where the system has such: a queue syncs its file for every job."""
    if Path("/dev/shm").is_dir():
        monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")


#: Right answers written another way.
RIGHT = {
    "the higher index on a tie": answer(
        "pick_two",
        "one if open_requests[one] <= open_requests[other] else other",
        "other if open_requests[one] >= open_requests[other] else one",
    ),
    "two draws": {
        "pick_two": """
        def pick_two(open_requests, rng):
            n = len(open_requests)
            one = rng.randrange(n)
            other = (one + 1 + rng.randrange(n - 1)) % n if n > 1 else one
            return min(one, other, key=lambda i: open_requests[i])
        """
    },
    "free times and a heap": {
        "balance": """
        import heapq

        def balance(pick, arrivals_s, services_s, servers, rng):
            free, counts, leaving, found = [0.0] * servers, [0] * servers, [], []
            for now, service in zip(arrivals_s, services_s):
                while leaving and leaving[0][0] <= now:
                    counts[heapq.heappop(leaving)[1]] -= 1
                at = pick(list(counts), rng)
                free[at] = max(free[at], now) + service
                counts[at] += 1
                heapq.heappush(leaving, (free[at], at))
                found.append(free[at] - now)
            return np.array(found)
        """
    },
    "a bisection": {
        "smallest_cache": """
        def smallest_cache(keys, exponent, reads_rps, database_rps, target=0.7):
            def enough(size):
                hit = lru(keys=keys, exponent=exponent, size=[size])[0]
                return (1 - hit) * reads_rps <= target * database_rps
            low, high = 0, keys
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if enough(middle) else (middle, high)
            return high
        """
    },
    "commits by hand": answer(
        "file_queue",
        'self.file.execute("INSERT INTO jobs (job) VALUES (?)", (job,))',
        'self.file.execute("INSERT INTO jobs (job) VALUES (?)", (job,)); self.file.commit()',
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_written_another_way_pass(name: str) -> None:
    assert LAB.run(RIGHT[name], "bob") == set()


# For each check, answers that must fail it and it alone.
WRONG = {
    "check_first_byte_s": {
        "one round trip": answer("first_byte_s", "3 * edge_km", "edge_km"),
        "milliseconds": answer("first_byte_s", "return 3", "return 1e3 * 3"),
        "hits pay": answer("first_byte_s", "(1 - hit_ratio)", "hit_ratio"),
        "three long ones": answer(
            "first_byte_s", "distance_km * round_trip", "3 * distance_km * round_trip"
        ),
        "one way": answer("first_byte_s", "round_trip = 1e-5", "round_trip = 5e-6"),
    },
    "check_pick_two": {
        "with replacement": answer(
            "pick_two",
            "rng.sample(range(len(open_requests)), 2)",
            "rng.choices(range(len(open_requests)), k=2)",
        ),
        "the busier": answer("pick_two", "<=", ">="),
        "one look": answer("pick_two", "return one if", "return one if True or"),
        "all looks": {
            "pick_two": """
            def pick_two(open_requests, rng):
                return open_requests.index(min(open_requests))
            """
        },
        "neighbours only": {
            "pick_two": """
            def pick_two(open_requests, rng):
                one = rng.randrange(len(open_requests))
                other = (one + 1) % len(open_requests)
                return one if open_requests[one] <= open_requests[other] else other
            """
        },
        "never one server": answer("pick_two", "return 0", "return 1"),
    },
    "check_balance": {
        "waits, not responses": answer(
            "balance", "append(done - now)", "append(done - now - service)"
        ),
        "everybody at once": answer("balance", "max([now, *leaving[at]])", "now"),
        "leaves a moment late": answer("balance", "if end > now", "if end >= now"),
        "counts are not shown": answer(
            "balance", "[len(ends) for ends in leaving]", "[0] * servers"
        ),
        "one queue for all": answer(
            "balance", "leaving[at].append(done)", "leaving[0].append(done)"
        ),
        "nobody leaves": answer("balance", "if end > now", "if True"),
    },
    "check_supermarket": {
        "exponents off by one": answer("supermarket", "power *= choices", "power += choices"),
        "not divided": answer("supermarket", "/ (choices - 1))", ")"),
        "forgets the first": answer("supermarket", "total, power = 0.0", "total, power = -1.0"),
        "only two choices": answer(
            "supermarket",
            "def supermarket(load, choices=2):",
            "def supermarket(load, choices=2):\n    choices = min(choices, 2)",
        ),
        "hard-coded": {
            "supermarket": """
            def supermarket(load, choices=2):
                return {1: 10, 2: 2.614}[choices]
            """
        },
    },
    "check_burst": {
        "whole intervals": answer("burst", "(threshold - 0.5)", "threshold"),
        "all requests": answer("burst", "rate_rps / servers *", "rate_rps *"),
        "survivors' share": answer("burst", "rate_rps / servers *", "rate_rps / (servers - 1) *"),
        "full load survives": answer("burst", "rate_rps < (", "rate_rps <= ("),
        "nobody died": answer("burst", "(servers - 1) * server_rps", "servers * server_rps"),
        "milliseconds": answer("burst", "return error_budget", "return 1e3 * error_budget"),
    },
    "check_file_queue": {
        "memory": {
            "file_queue": """
            class FileQueue:
                def __init__(self, path):
                    self.jobs, self.n = [], 0
                def put(self, job):
                    self.jobs.append((self.n, job)); self.n += 1
                def get(self):
                    return self.jobs.pop(0) if self.jobs else None
                def done(self, number):
                    pass
            """
        },
        "forgets what was taken": answer(
            "file_queue", 'self.file.execute("UPDATE jobs SET taken = 0")', "pass"
        ),
        "taken is done": answer(
            "file_queue",
            "return row[0] if row else None",
            "return (self.done(row[0][0]), row[0])[1] if row else None",
        ),
        "last in, first out": answer(
            "file_queue", "ORDER BY number LIMIT 1", "ORDER BY number DESC LIMIT 1"
        ),
        "the same job twice": answer("file_queue", "SET taken = 1 WHERE", "SET taken = 0 WHERE"),
        "done by name": answer(
            "file_queue", "DELETE FROM jobs WHERE number = ?", "DELETE FROM jobs WHERE job = ?"
        ),
        "never commits": answer("file_queue", "isolation_level=None", "timeout=0.2"),
    },
    "check_smallest_cache": {
        "one too many": answer("smallest_cache", "return int(", "return 1 + int("),
        "one too few": answer("smallest_cache", "return int(", "return -1 + int("),
        "ignores the target": answer(
            "smallest_cache", "target * database_rps", "0.7 * database_rps"
        ),
        "all of the database": answer("smallest_cache", "target * database_rps", "database_rps"),
        "hits, not misses": answer("smallest_cache", "(1 - lru", "(0 + lru"),
    },
    "check_my_design": {
        "as it was": {"my_design": "my_design = usual_design(rate_rps=mine.front_rps)"},
        "no standby": answer("my_design", "standby=True", "standby=False"),
        "the cache in the path": answer("my_design", "WIRINGS[1]", "WIRINGS[0]"),
        "workers without a way": answer("my_design", "workers_write=True", "workers_write=False"),
        "one server too many": answer(
            "my_design",
            'mended.replace("app", count=count)',
            'mended.replace("app", count=count + 1)',
        ),
        "one too few": answer(
            "my_design",
            'mended.replace("app", count=count)',
            'mended.replace("app", count=count - 1)',
        ),
        "more workers": answer(
            "my_design",
            'mended.replace("app", count=count)',
            'mended.replace("app", count=count).replace("workers", count=4)',
        ),
        "one replica more": answer(
            "my_design",
            'mended.replace("app", count=count)',
            'mended.replace("app", count=count).replace("db", replicas=2)',
        ),
        "less traffic": answer(
            "my_design", "rate_rps=mine.front_rps, wiring", "rate_rps=mine.front_rps / 2, wiring"
        ),
        "faster servers": answer(
            "my_design",
            'workers_write=True\n).replace("app", service_s=mine.app_service_s)',
            'workers_write=True\n).replace("app", service_s=0.01)',
        ),
    },
}


@pytest.mark.parametrize(("check", "mistake"), mistakes(WRONG))
def test_a_wrong_answer_loses_its_own_points_only(check: str, mistake: str) -> None:
    assert LAB.run(WRONG[check][mistake]) == {check}


def test_every_check_has_wrong_answers() -> None:
    assert set(WRONG) == set(LAB.points)
