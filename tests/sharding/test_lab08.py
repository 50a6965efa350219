"""The lab's checks: the solution passes, an untouched lab scores nothing, and every wrong answer
loses the points of its own task and no others, while right answers of another kind keep them.
"""

from __future__ import annotations

import pytest

from helpers.sharding.lab import lab_parameters
from tests.labs import Lab, mistakes

LAB = Lab("lab08_partitioning_and_sharding")
answer = LAB.answer


# For each check, answers that must fail it and it alone.
WRONG = {
    "check_range_load": {
        "counts from zero": answer("range_load", "(number - 1) // width", "number // width"),
        "closes the last range": answer(
            "range_load",
            "load[min((number - 1) // width, shards - 1)] += 1",
            "if (number - 1) // width < shards:\n            load[(number - 1) // width] += 1",
        ),
        "one shard too many": answer("range_load", "[0] * shards", "[0] * (shards + 1)"),
        "the example from the check": {
            "range_load":
            "def range_load(ids, shards, width): return [0, 0, 2] if 99 in ids else [3, 2, 1]"
        },
        "hashed": answer("range_load", "min((number - 1) // width, shards - 1)", "number % shards"),
    },
    "check_my_ring": {
        "hash % N": {
            "my_ring": """
            class MyRing:
                def __init__(self, shards, virtual_nodes):
                    self.shards = shards

                def find(self, key):
                    return self.shards[router.hash_text(key) % len(self.shards)]
            """
        },
        "unsorted": answer("my_ring", "self.points = sorted(", "self.points = list("),
        "successor off by one": answer("my_ring", "place % len", "(place + 1) % len"),
        "falls off the end": answer("my_ring", "place % len(self.points)", "place"),
        "does not wrap": answer(
            "my_ring",
            "place % len(self.points)",
            "min(place, len(self.points) - 1)",
            "bisect_left(self.positions, router.hash_text(key))",
            "bisect_left(self.positions, router.hash_text(key) >> 8)",
        ),
        "virtual nodes in one place": answer("my_ring", '{shard}/{number}', "{shard}"),
        "name and number run together": answer("my_ring", '{shard}/{number}', "{shard}{number}"),
        "one point whatever is asked": answer("my_ring", "range(virtual_nodes)", "range(1)"),
        "a hundred whatever is asked": answer("my_ring", "range(virtual_nodes)", "range(100)"),
        "points named by position": answer(
            "my_ring", "(router.hash_text(f\"{shard}/{number}\"), shard)",
            "(router.hash_text(f\"{shards.index(shard)}/{number}\"), shard)",
        ),
        "Python's own hash of the ring's age": answer(
            "my_ring", 'router.hash_text(f"{shard}/{number}")',
            'router.hash_text(f"{id(self)}/{shard}/{number}")',
        ),
    },
    "check_moved_percent": {
        "a fraction": answer("moved_percent", "100 * sum", "sum"),
        "those that stay": answer("moved_percent", "!=", "=="),
        "a count": answer("moved_percent", " / len(keys)", ""),
        "hard-coded": {"moved_percent": "def moved_percent(before, after, keys): return 50.0"},
    },
    "check_predicted_percent": {
        "fractions": answer("predicted_percent", "100 / ", "1 / ", "100 * ", "1 * "),
        "shards after": answer(
            "predicted_percent", "100 / (shards + 1)", "100 / shards",
            "100 * shards / (shards + 1)", "100 * (shards - 1) / shards",
        ),
        "swapped": answer("predicted_percent", 'rule == "ring"', 'rule != "ring"'),
        "the chapter's numbers": {
            "predicted_percent":
            "def predicted_percent(rule, shards): return 20 if rule == 'ring' else 80"
        },
    },
    "check_virtual_nodes_needed": {
        "the next one up": answer(
            "virtual_nodes_needed",
            "            return virtual_nodes\n",
            "            return candidates[min(candidates.index(virtual_nodes) + 1,"
            " len(candidates) - 1)]\n",
        ),
        "forgets the fair share": answer("virtual_nodes_needed", ".max() * shards", ".max()"),
        "the largest": {
            "virtual_nodes_needed": """
            CANDIDATES = (1, 2, 5, 10, 20, 50, 100, 200, 500)

            def virtual_nodes_needed(shards, target, candidates=CANDIDATES):
                return candidates[-1]
            """
        },
        "never gives up": answer(
            "virtual_nodes_needed", "    return None", "    return candidates[-1]"
        ),
    },
    "check_salted_counter": {
        "no salt": answer("salted_counter", "rng.randrange(pieces)", "0"),
        "always the same piece twice": answer(
            "salted_counter", "rng.randrange(pieces)", "rng.randrange(max(pieces // 2, 1))"
        ),
        "reads one piece": answer("salted_counter", "in range(pieces)]", "in range(1)]"),
        "misses the last piece": answer(
            "salted_counter", "in range(pieces)]", "in range(pieces - 1)]"
        ),
        "an extra piece": answer(
            "salted_counter", "rng.randrange(pieces)", "rng.randint(0, pieces)"
        ),
        "keys run into each other": answer(
            "salted_counter", '{key}#{rng', '{key}{rng', '{key}#{number}', '{key}{number}'
        ),
        "writes to every piece": answer(
            "salted_counter",
            "    piece = f\"{key}#{rng.randrange(pieces)}\"\n"
            "    shards[router.hash_text(piece) % len(shards)][piece] += 1",
            "    for number in range(pieces):\n        piece = f\"{key}#{number}\"\n"
            "        shards[router.hash_text(piece) % len(shards)][piece] += 1",
        ),
    },
    "check_gather_quantile": {
        "q to the power of n": answer("gather_quantile", "(1 / fan_out)", "fan_out"),
        "as if it were one": answer("gather_quantile", "quantile ** (1 / fan_out)", "quantile"),
        "the fastest": answer(
            "gather_quantile", "quantile ** (1 / fan_out)", "1 - (1 - quantile) ** (1 / fan_out)"
        ),
        "in milliseconds": answer("gather_quantile", "return float(", "return 1e3 * float("),
        "one shard off": answer("gather_quantile", "1 / fan_out", "1 / (fan_out + 1)"),
    },
    "check_largest_fan_out": {
        "one too many": answer("largest_fan_out", "return shards", "return shards + 1"),
        "one too few": answer("largest_fan_out", "return shards", "return max(shards - 1, 0)"),
        "allowed / p": {
            "largest_fan_out":
            "def largest_fan_out(slow_probability, allowed):"
            " return int(allowed / slow_probability)"
        },
        "less than": answer("largest_fan_out", "<= allowed + 1e-12", "< allowed - 1e-12"),
        "hard-coded": {
            "largest_fan_out":
            "def largest_fan_out(slow_probability, allowed):"
            " return 68 if slow_probability == 0.01 else 0"
        },
    },
    "check_move": {
        "copies without catching up": {
            "move": """
            def move(shop):
                start = 0
                while chunk := shop.read_rows(start, 50):
                    shop.write_new(chunk)
                    start = max(chunk) + 1
                shop.switch()
            """
        },
        "no fence": answer("move", "    shop.raise_fence()\n", ""),
        "no last replay": answer("move", "shop.raise_fence()\n    replay()", "shop.raise_fence()"),
        "closes the shop": answer(
            "move", "    start = 0\n", "    shop.raise_fence()\n    start = 0\n"
        ),
        "forgets to switch": answer("move", "    shop.switch()\n", ""),
        "skips a row after each chunk": answer("move", "max(chunk) + 1", "max(chunk) + 2"),
        "deletions are not replayed": answer(
            "move",
            "shop.write_new(shop.read(set(changed)))",
            "shop.write_new({r: v for r, v in shop.read(set(changed)).items() if v is not None})",
        ),
        "reads the log from one too late": answer(
            "move", "position += len(changed)", "position += len(changed) + 1"
        ),
    },
    "check_cheapest_design": {
        "one shard more": answer("cheapest_design", "return fix, shards", "return fix, shards + 1"),
        "one shard fewer": answer(
            "cheapest_design", "return fix, shards", "return fix, shards - 1"
        ),
        "never mends": answer("cheapest_design", "in hot_key.FIXES", 'in ("none",)'),
        "the mean will do": answer(
            "cheapest_design", "result.request_p99_s", "result.mean_s.mean()"
        ),
        "target in milliseconds": answer("cheapest_design", "<= target_s", "<= target_s / 1e3"),
        "always sixteen": {
            "cheapest_design":
            "def cheapest_design(rate_rps, read_fraction, target_s): return 'cache', 16"
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(("check", "mistake"), mistakes(WRONG))
def test_a_wrong_answer_loses_its_points(check: str, mistake: str) -> None:
    answers = WRONG[check][mistake]
    assert LAB.run(answers, checks={check}) == {check}


@pytest.mark.parametrize("check", WRONG)
def test_all_other_points_are_kept(check: str) -> None:
    first = next(iter(WRONG[check].values()))
    slow = {"check_my_ring", "check_virtual_nodes_needed", "check_cheapest_design"}
    assert LAB.run(first, checks=set(LAB.points) - slow | {check}) == {check}


def test_every_check_meets_at_least_three_wrong_answers() -> None:
    assert set(WRONG) == set(LAB.points)
    assert min(len(mistakes) for mistakes in WRONG.values()) >= 3


# Right answers that look nothing like the solution.
RIGHT = {
    "ranges in numpy": {
        "range_load": """
        def range_load(ids, shards, width):
            place = np.minimum((np.array(list(ids), dtype=int) - 1) // width, shards - 1)
            return np.bincount(place, minlength=shards)
        """
    },
    "a ring that looks backwards, in numpy": {
        "my_ring": """
        class MyRing:
            def __init__(self, shards, virtual_nodes):
                names = [name for name in sorted(shards) for _ in range(virtual_nodes)]
                marks = [f"{i % virtual_nodes} of {name}" for i, name in enumerate(names)]
                points = np.array([router.hash_text(mark) for mark in marks], dtype=np.uint64)
                order = np.argsort(points)
                self.points, self.names = points[order], [names[i] for i in order]

            def find(self, key):
                place = np.searchsorted(self.points, np.uint64(router.hash_text(key)), "right")
                return self.names[place - 1]
        """
    },
    "a ring with pairs for texts": {
        "my_ring": answer("my_ring", 'f"{shard}/{number}"', "repr((number, shard))")["my_ring"]
    },
    "rendezvous on a ring of one's own": {
        "moved_percent": """
        def moved_percent(before, after, keys):
            return float(np.mean([before(k) != after(k) for k in keys]) * 100)
        """
    },
    "by the exact law": {
        "virtual_nodes_needed": """
        CANDIDATES = (1, 2, 5, 10, 20, 50, 100, 200, 500)

        def virtual_nodes_needed(shards, target, candidates=CANDIDATES):
            good = [v for v in candidates if ring_laws.imbalance(shards, v) <= target]
            return min(good) if good else None
        """
    },
    "salted the other way round": {
        "salted_counter": """
        def names(key, pieces):
            return [(number, key) for number in range(pieces)]

        def home(shards, name):
            return shards[router.hash_text(repr(name)) % len(shards)]

        def increment(shards, key, pieces, rng):
            name = rng.choice(names(key, pieces))
            home(shards, name)[name] = home(shards, name)[name] + 1

        def read_count(shards, key, pieces):
            return sum(home(shards, name).get(name, 0) for name in names(key, pieces))
        """
    },
    "a quantile by sorting": {
        "gather_quantile": """
        def gather_quantile(samples, quantile, fan_out):
            ordered = sorted(samples)
            return ordered[min(int(quantile ** (1 / fan_out) * len(ordered)), len(ordered) - 1)]
        """
    },
    "by logarithm": {
        "largest_fan_out": """
        import math

        def largest_fan_out(slow_probability, allowed):
            return math.floor(math.log(1 - allowed) / math.log(1 - slow_probability) + 1e-9)
        """
    },
    "small steps and one round": {
        "move": """
        def move(shop):
            start = position = 0
            while rows := shop.read_rows(start, 10):
                shop.write_new(rows)
                start = 1 + max(rows)
                changed = shop.read_log(position)[:40]
                position += len(changed)
                shop.write_new(shop.read(sorted(set(changed))))
            while len(changed := shop.read_log(position)[:50]) > 15:
                position += len(changed)
                for row in set(changed):
                    pass
                shop.write_new(shop.read(set(changed)))
            shop.raise_fence()
            shop.write_new(shop.read(set(shop.read_log(position))))
            shop.switch()
        """
    },
    "a search by halving would be wrong, so all": {
        "cheapest_design": """
        def cheapest_design(rate_rps, read_fraction, target_s):
            good = [
                (shards, fix)
                for fix in ("cache", "copies", "salt", "own shard", "none")
                for shards in range(2, 17)
                if hot_key.simulate(
                    fix=fix, shards=shards, exponent=1.2, rate_rps=rate_rps,
                    read_fraction=read_fraction, pieces=4,
                ).request_p99_s <= target_s
            ]
            return min(good)[::-1] if good else None
        """
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_of_another_kind_keeps_its_points(name: str) -> None:
    (task,) = RIGHT[name]
    assert LAB.run(RIGHT[name], "bob", checks={f"check_{task}"}) == set()


@pytest.mark.parametrize("student_id", ["", "   ", 7, None])
def test_an_id_that_is_none_is_refused(student_id: object) -> None:
    with pytest.raises((TypeError, ValueError), match="student_id"):
        lab_parameters(student_id)
