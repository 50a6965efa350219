"""Lab 10 gives the points it should: right answers written another way, and wrong ones."""

from __future__ import annotations

import ast
import itertools

import numpy as np
import pytest

from helpers.messaging import load_levelling
from helpers.messaging.lab import lab_parameters
from tests.checks import sampled
from tests.labs import Lab

LAB = Lab("lab10_asynchronous_processing")


def test_no_number_of_a_student_makes_a_question_of_rounding():
    for each in (lab_parameters(f"s{n}") for n in range(400)):
        assert 2 * each.way_ms % (1e3 * each.work_s) > 1e-6
        assert each.fails != 0.1
        jobs, left_s = each.spike_rps * each.spike_s, each.every_s - each.spike_s
        in_time = each.work_s * jobs / (each.longest_wait_s + each.spike_s)
        emptied = each.work_s * (jobs + left_s * each.usual_rps) / each.every_s
        for workers in (in_time, emptied):
            assert abs(workers - round(workers)) > 1e-6


def test_jobs_come_for_as_long_as_the_picture_of_the_pool_lasts():
    source = LAB.source("behind-sliders")
    came = []
    namespace = {"np": np, "starts": lambda arrivals_s, *_: came.append(arrivals_s) or arrivals_s}
    exec(source.partition("explore(\n")[0], namespace)
    for workers, spike_rps in itertools.product((7, 10, 40), (12.0, 30.0, 40.0)):
        at = load_levelling.Setting(workers=workers, spike_rps=spike_rps)
        for run in range(20):
            rng = np.random.default_rng(run)
            namespace["my_pool"](at, lambda _, rng=rng: rng)
            assert came[-1][-1] > at.end_s - 3  # the next is awaited for a sixth of a second


def test_checks_bind_no_name_that_a_student_could_have():
    for name in LAB.points:
        tree = ast.parse(LAB.cells[name].source)
        (function,) = [node for node in tree.body if not isinstance(node, ast.Expr)]
        assert isinstance(function, ast.FunctionDef)
        assert function.name == name


RIGHT = [
    {
        "drain_time": """
            def drain_time(usual_rps, spike_rps, spike_s, capacity_rps):
                if spike_rps <= capacity_rps:
                    return 0
                if capacity_rps <= usual_rps:
                    return float("inf")
                return (spike_rps - capacity_rps) / (capacity_rps - usual_rps) * spike_s
        """,
        "workers_for": """
            from itertools import count

            def workers_for(usual_rps, spike_rps, spike_s, every_s, work_s, longest_wait_s):
                def fine(n):
                    c = n / work_s
                    if spike_rps <= c:
                        return True
                    left = (spike_rps - c) * spike_s
                    return (
                        left / c <= longest_wait_s
                        and c > usual_rps
                        and left / (c - usual_rps) + spike_s <= every_s
                    )

                return next(n for n in count(1) if fine(n))

            my_workers = np.int64(workers_for(
                usual_rps=mine.usual_rps, spike_rps=mine.spike_rps, spike_s=mine.spike_s,
                every_s=mine.every_s, work_s=mine.work_s, longest_wait_s=mine.longest_wait_s,
            ))
        """,
        "starts": """
            def starts(arrivals_s, works_s, workers):
                free = np.full(workers, -np.inf)
                begins = np.empty(len(arrivals_s))
                for n, came in enumerate(arrivals_s):
                    who = int(free.argmin())
                    begins[n] = max(came, free[who])
                    free[who] = begins[n] + works_s[n]
                return begins
        """,
        "accounts": """
            class Accounts:
                def __init__(self, path):
                    self.db = sqlite3.connect(path, isolation_level=None)
                    self.db.execute(
                        "CREATE TABLE IF NOT EXISTS log (key TEXT PRIMARY KEY, who TEXT, cents INT)"
                    )

                def deposit(self, key, account, cents):
                    if cents <= 0:
                        raise ValueError("too little")
                    try:  # one row is both: the effect is the sum of the rows
                        self.db.execute("INSERT INTO log VALUES (?, ?, ?)", (key, account, cents))
                    except sqlite3.IntegrityError:
                        return False
                    return True

                def balance(self, account):
                    found = self.db.execute("SELECT sum(cents) FROM log WHERE who = ?", [account])
                    return found.fetchone()[0] or 0
        """,
        "hiding_queue": """
            class HidingQueue:
                def __init__(self, visibility_s, most_deliveries):
                    self.v, self.most, self.dead = visibility_s, most_deliveries, []
                    self.rows = {}

                def send(self, body):
                    number = max(self.rows, default=-1) + 1 + getattr(self, "gone", 0)
                    self.gone = getattr(self, "gone", 0) + 1
                    self.rows[number] = {"body": body, "from": float("-inf"), "times": 0}

                def receive(self, now_s):
                    given = None
                    for number, row in sorted(self.rows.items()):
                        if row["from"] > now_s:
                            continue
                        if row["times"] == self.most:
                            self.dead.append(row["body"])
                            del self.rows[number]
                        elif given is None:
                            row["times"] += 1
                            row["from"] = now_s + self.v
                            given = (number, row["times"]), row["body"]
                    return given

                def delete(self, receipt):
                    for number, row in self.rows.items():
                        if row["times"] and receipt == (number, row["times"]):
                            del self.rows[number]
                            return True
                    return False
        """,
        "outbox": """
            def place(database, order):
                try:
                    database.execute("INSERT INTO outbox VALUES (?)", (order,))
                    database.execute("INSERT INTO orders VALUES (?)", (order,))
                except BaseException:
                    database.rollback()
                    raise
                database.commit()

            def relay(database, publish):
                sent = 0
                while True:
                    row = database.execute("SELECT min(id) FROM outbox").fetchone()
                    if row[0] is None:
                        return sent
                    publish(row[0])
                    database.execute("DELETE FROM outbox WHERE id = ?", row)
                    database.commit()
                    sent += 1
        """,
        "my_design": """
            deliveries = 1
            while mine.fails**deliveries > mine.dead_budget:
                deliveries += 1
            my_design = {
                "prefetch": 1 + int(2 * mine.way_ms // (1000 * mine.work_s)) + 1,
                "visibility_s": np.float64(-mine.work_s * np.log(mine.twice_budget) * 1.005),
                "deliveries": np.int32(deliveries),
            }
        """,
    },
    {
        "drain_time": """
            from math import inf

            def drain_time(usual_rps, spike_rps, spike_s, capacity_rps):
                waiting = (spike_rps - capacity_rps) * spike_s
                spare = capacity_rps - usual_rps
                return np.float64(0) if waiting <= 0 else inf if spare <= 0 else waiting / spare
        """,
        "workers_for": """
            def workers_for(usual_rps, spike_rps, spike_s, every_s, work_s, longest_wait_s):
                jobs = spike_rps * spike_s
                in_time = jobs / (longest_wait_s + spike_s)
                emptied = (jobs + (every_s - spike_s) * usual_rps) / every_s
                return max(1, math.ceil(work_s * in_time), math.ceil(work_s * emptied))

            my_workers = workers_for(
                mine.usual_rps, mine.spike_rps, mine.spike_s, mine.every_s, mine.work_s,
                mine.longest_wait_s,
            )
        """,
        "starts": """
            from heapq import heapreplace

            def starts(arrivals_s, works_s, workers):
                free, begins = [-1e18] * workers, []
                for came, work in zip(arrivals_s, works_s):
                    begins.append(max(came, free[0]))
                    heapreplace(free, begins[-1] + work)
                return begins
        """,
        "accounts": """
            class Accounts:
                def __init__(self, path):
                    self.path = path
                    with self.open() as db:
                        db.executescript(
                            "CREATE TABLE IF NOT EXISTS k (key PRIMARY KEY);"
                            "CREATE TABLE IF NOT EXISTS b (who PRIMARY KEY, cents);"
                        )

                def open(self):
                    return sqlite3.connect(self.path)

                def deposit(self, key, account, cents):
                    if not cents >= 1:
                        raise ValueError(cents)
                    db = self.open()
                    try:
                        db.execute("BEGIN IMMEDIATE")
                        if db.execute("SELECT 1 FROM k WHERE key = ?", (key,)).fetchone():
                            return False
                        db.execute(
                            "INSERT INTO b VALUES (?, ?) "
                            "ON CONFLICT (who) DO UPDATE SET cents = cents + excluded.cents",
                            (account, cents),
                        )
                        db.execute("INSERT INTO k VALUES (?)", (key,))
                        db.commit()
                        return True
                    finally:
                        db.close()

                def balance(self, account):
                    db = self.open()
                    row = db.execute("SELECT cents FROM b WHERE who = ?", (account,)).fetchone()
                    db.close()
                    return 0 if row is None else row[0]
        """,
        "outbox": """
            def place(database, order):
                database.execute("BEGIN")
                with database:
                    for table in ("orders", "outbox"):
                        database.execute(f"INSERT INTO {table} (id) VALUES ({int(order)})")

            def relay(database, publish):
                ids = sorted(row[0] for row in database.execute("SELECT id FROM outbox").fetchall())
                for number, order in enumerate(ids, 1):
                    publish(order)
                    database.execute("DELETE FROM outbox WHERE id = ?", (order,)).fetchall()
                    database.commit()
                return len(ids)
        """,
    },
    {
        "drain_time": """
            drain_time = lambda usual_rps, spike_rps, spike_s, capacity_rps: (
                0.0 if capacity_rps >= spike_rps
                else math.inf if capacity_rps <= usual_rps
                else spike_s * (spike_rps - usual_rps) / (capacity_rps - usual_rps) - spike_s
            )
        """,
        "starts": """
            import simpy

            def starts(arrivals_s, works_s, workers):
                if len(arrivals_s) == 0:
                    return []
                world = simpy.Environment(initial_time=min(arrivals_s))
                line, begins = simpy.Resource(world, workers), {}

                def job(n):
                    yield world.timeout(arrivals_s[n] - world.now)
                    with line.request() as turn:
                        yield turn
                        begins[n] = world.now
                        yield world.timeout(works_s[n])

                for n in range(len(arrivals_s)):
                    world.process(job(n))
                world.run()
                return [begins[n] for n in range(len(arrivals_s))]
        """,
        "hiding_queue": """
            import uuid

            class Letter:
                def __init__(self, body):
                    self.body, self.hidden_until, self.receipts = body, None, []

            class HidingQueue:
                def __init__(self, visibility_s, most_deliveries):
                    self.visibility_s = visibility_s
                    self.most_deliveries = most_deliveries
                    self.letters, self.dead = [], []

                def send(self, body):
                    self.letters.append(Letter(body))

                def receive(self, now_s):
                    seen = [
                        one for one in self.letters
                        if one.hidden_until is None or one.hidden_until <= now_s
                    ]
                    worn = [one for one in seen if len(one.receipts) >= self.most_deliveries]
                    self.dead += [one.body for one in worn]
                    self.letters = [one for one in self.letters if one not in worn]
                    for one in seen:
                        if one not in worn:
                            one.hidden_until = now_s + self.visibility_s
                            one.receipts.append(uuid.uuid4())
                            return one.receipts[-1], one.body

                def delete(self, receipt):
                    found = [o for o in self.letters if o.receipts and o.receipts[-1] == receipt]
                    for one in found:
                        self.letters.remove(one)
                    return bool(found)
        """,
    },
]


@pytest.mark.parametrize("answers", RIGHT)
def test_right_answers_written_another_way_lose_nothing(answers):
    assert LAB.run(answers) == set()
    assert LAB.run(answers, "u1234567") == set()


DRAIN, POOL, STARTS = "drain_time", "workers_for", "starts"
ACCOUNTS, QUEUE, OUTBOX, DESIGN = "accounts", "hiding_queue", "outbox", "my_design"
ONCE, SURVIVE = "check_accounts_once", "check_accounts_survive"
HIDES, BURIES = "check_queue_hides", "check_queue_buries"

HEAP = "    import heapq\n"
POSITIVE = """        if cents < 1:
            raise ValueError(f"a deposit is at least 1 cent, got {cents}")
"""
KNOWN = "                return False\n"
FIRST_ROW = """    with database:
        database.execute("INSERT INTO orders VALUES (?)", (order,))
"""
SEND = "        publish(order)\n"
DELETE = """        with database:
            database.execute("DELETE FROM outbox WHERE id = ?", (order,))
"""

#: The cell, what is changed in the solution, and the checks that must fail.
WRONG = [
    # 1: drain time
    (DRAIN, ["return backlog / spare_rps if spare_rps > 0 else math.inf",
             "return backlog / spare_rps"], {"check_drain_time"}),
    (DRAIN, ["spare_rps > 0", "spare_rps >= 0"], {"check_drain_time"}),
    (DRAIN, ["return backlog / spare_rps if", "return spike_s + backlog / spare_rps if"],
     {"check_drain_time"}),
    (DRAIN, ["capacity_rps - usual_rps", "capacity_rps"],
     {"check_drain_time"}),
    (DRAIN, ["math.inf", "0.0"], {"check_drain_time"}),
    (DRAIN, ["math.inf", "None"], {"check_drain_time"}),
    (DRAIN, ["max(0.0, spike_rps - capacity_rps)", "(spike_rps - capacity_rps)",
             "backlog == 0", "False"], {"check_drain_time"}),
    (DRAIN, ["* spike_s", "* 20"], {"check_drain_time"}),
    (DRAIN, ["max(0.0, spike_rps - capacity_rps)", "spike_rps"],
     {"check_drain_time"}),
    # 2: the pool
    (POOL, ["<= longest_wait_s", "< longest_wait_s"], {"check_workers_for"}),
    (POOL, ["if in_time and empty", "if in_time"], {"check_workers_for"}),
    (POOL, ["if in_time and empty", "if empty"], {"check_workers_for"}),
    (POOL, ["if in_time and empty", "if in_time or empty"], {"check_workers_for"}),
    (POOL, ["every_s - spike_s", "every_s"], {"check_workers_for"}),
    (POOL, ["            return workers\n", "            return workers + 1\n"],
     {"check_workers_for"}),
    (POOL, ["            return workers\n", "            return workers + 0.5\n"],
     {"check_workers_for"}),
    (POOL, ["workers / work_s", "workers * work_s"], {"check_workers_for"}),
    (POOL, ["backlog / capacity_rps <=", "backlog * work_s <="], {"check_workers_for"}),
    (POOL, ["mine.longest_wait_s\n", "mine.spike_s\n"], {"check_workers_for"}),
    (POOL, ["workers = 1\n", "workers = 2\n"], {"check_workers_for"}),
    # 3: workers in turn
    (STARTS, ["return np.array(begins)", "return np.array(begins) - np.array(arrivals_s)"],
     {"check_starts"}),
    (STARTS, ["return np.array(begins)", "return np.array(begins) + np.array(works_s)"],
     {"check_starts"}),
    (STARTS, ["[-math.inf] * workers", "[0.0] * workers"], {"check_starts"}),
    (STARTS, ["[-math.inf] * workers", "[-math.inf]"], {"check_starts"}),
    (STARTS, ["max(came, heapq.heappop(free))", "came + 0 * heapq.heappop(free + [0.0])"],
     {"check_starts"}),
    (STARTS, ["begin + takes_s)", "came + takes_s)"], {"check_starts"}),
    (STARTS, ["heapq.heappop(free)", "free.pop()", "heapq.heappush(free, begin + takes_s)",
              "free.append(begin + takes_s)"], {"check_starts"}),
    (STARTS, ["heapq.heappop(free)", "free.pop(0)", "heapq.heappush(free, begin + takes_s)",
              "free.append(begin + takes_s)"], {"check_starts"}),
    (STARTS, ["return np.array(begins)", "return sorted(begins, reverse=True)"], {"check_starts"}),
    (STARTS, [HEAP, HEAP + "\n    arrivals_s.sort()\n    works_s.sort()\n"],
     {"check_starts"}),
    # 4: the accounts
    (ACCOUNTS, ["sqlite3.connect(path)", 'sqlite3.connect(":memory:")'], {ONCE, SURVIVE}),
    (ACCOUNTS, ["with self._file:  # one", "if True:  # one"], {ONCE, SURVIVE}),
    (ACCOUNTS, ["                return False\n", "                pass\n"], {ONCE, SURVIVE}),
    (ACCOUNTS, ["return True", "return None"], {ONCE}),
    (ACCOUNTS, ["raise ValueError", "return ValueError"], {ONCE}),
    (ACCOUNTS, ["cents < 1", "cents < 0"], {ONCE}),
    (ACCOUNTS, ["return row[0] if row else 0", "return row and row[0]"], {ONCE}),
    (ACCOUNTS, ["(key,)).rowcount", '(key + account,)).rowcount'], {ONCE}),
    (ACCOUNTS, ["SET cents = cents + ?", "SET cents = ?"], {ONCE, SURVIVE}),
    (ACCOUNTS, ["                return False\n",
                "                return False\n            self._file.commit()\n"], {SURVIVE}),
    (ACCOUNTS, [POSITIVE, "", KNOWN, KNOWN + "            self._file.commit()\n" + POSITIVE.replace(
        "        ", "            ")], {ONCE, SURVIVE}),
    (ACCOUNTS, ["CREATE TABLE IF NOT EXISTS keys", "CREATE TEMP TABLE keys"], {ONCE, SURVIVE}),
    # 5: the queue
    (QUEUE, ["each[1] <= now_s", "each[1] < now_s"], {HIDES, BURIES}),
    (QUEUE, ["message = seen[0]", "message = seen[-1]"], {HIDES}),
    (QUEUE, ["now_s + self.visibility_s", "now_s"], {HIDES, BURIES}),
    (QUEUE, ["if message[3] == receipt", "if message[3] is not None"], {HIDES, BURIES}),
    (QUEUE, ["                return True\n", "                return None\n"], {HIDES, BURIES}),
    (QUEUE, ["self._receipts += 1", "self._receipts = id(message)"], {HIDES}),
    (QUEUE, ["each[2] >= self.most_deliveries", "each[2] > self.most_deliveries"], {BURIES}),
    (QUEUE, ["self.dead.append(worn[0])", "pass"], {BURIES}),
    (QUEUE, ["            self._messages = [each for each in self._messages if each is not worn]\n",
             ""], {BURIES}),
    (QUEUE, ["self.dead.append(worn[0])", "self.dead.insert(0, worn[0])"], {BURIES}),
    (QUEUE, ["self.dead.append(worn[0])", "self.dead.append(worn)"], {BURIES}),
    (QUEUE, ["return self._receipts, message[0]", "return message[0], self._receipts"],
     {HIDES, BURIES}),
    (QUEUE, ["if each is not message]\n                return True",
             "if each[0] != message[0]]\n                return True"], {HIDES}),
    # 6: the outbox
    (OUTBOX, [FIRST_ROW, FIRST_ROW + "    with database:\n"], {"check_place"}),
    (OUTBOX, ['        database.execute("INSERT INTO outbox VALUES (?)", (order,))\n', ""],
     {"check_place"}),
    (OUTBOX, [FIRST_ROW, FIRST_ROW.replace("with database", "if True")], {"check_place"}),
    (OUTBOX, ["INSERT INTO orders", "INSERT OR IGNORE INTO orders"], {"check_place"}),
    (OUTBOX, ["INSERT INTO outbox", "INSERT OR REPLACE INTO outbox"], {"check_place"}),
    (OUTBOX, ["ORDER BY id", "ORDER BY id DESC"], {"check_relay"}),
    (OUTBOX, [SEND + DELETE, DELETE + SEND], {"check_relay"}),
    (OUTBOX, [DELETE, DELETE.replace("with database", "if True")], {"check_relay"}),
    (OUTBOX, ["        publish(order)\n",
              "        try:\n            publish(order)\n        except Exception:\n"
              "            continue\n"], {"check_relay"}),
    (OUTBOX, ["return len(waiting)", "return None"], {"check_relay"}),
    (OUTBOX, ["DELETE FROM outbox WHERE id = ?\", (order,)", "DELETE FROM outbox\""],
     {"check_relay"}),
    (OUTBOX, ["        publish(order)\n", "        publish((order,))\n"], {"check_relay"}),
    # 7: the dials
    *((DESIGN, change, {"check_design"}) for change in (
        ["2 * mine.way_ms", "mine.way_ms"],
        ["math.ceil((mine.work_s", "math.floor((mine.work_s"],
        ["mine.way_ms / 1e3", "mine.way_ms"],
        ["1.001 * mine.work_s", "0.99 * mine.work_s"],
        ["1.001 * mine.work_s", "1.02 * mine.work_s"],
        ["math.log(1 / mine.twice_budget)", "(1 / mine.twice_budget)"],
        ["math.log(1 / mine.twice_budget)", "math.log10(1 / mine.twice_budget)"],
        ["math.ceil(math.log(mine.dead", "math.floor(math.log(mine.dead"],
        ["math.ceil(math.log(mine.dead_budget) / math.log(mine.fails))",
         "1 + math.ceil(math.log(mine.dead_budget) / math.log(mine.fails))"],
        ["math.log(mine.fails))", "math.log(mine.twice_budget))"],
        ["math.ceil(math.log(mine.dead_budget) / math.log(mine.fails))", "3.5"],
    )),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "changes", "failing"), sampled(WRONG, 8))
def test_wrong_answers_lose_what_they_should(cell, changes, failing):
    student = "u42" if cell == "my_design" else "ada"
    assert LAB.run(LAB.answer(cell, *changes), student) == failing


def test_there_are_eight_wrong_answers_for_each_task():
    for name in (DRAIN, POOL, STARTS, ACCOUNTS, QUEUE, OUTBOX, DESIGN):
        assert sum(cell == name for cell, *_ in WRONG) >= 8


def test_a_neighbour_s_numbers_do_not_pass():
    taken = "my_workers = None\nmine = lab_parameters('somebody else')\n"
    source = LAB.cells[POOL].source.replace("my_workers = None\n", taken)
    assert LAB.run({POOL: source}, "u7") >= {"check_workers_for"}
