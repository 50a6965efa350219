"""The lab's checks: the solution passes, an untouched lab scores nothing, and every wrong answer
loses the points of its own task and no others.
"""

from __future__ import annotations

import numpy as np
import pytest

from helpers.scaling import scalability_law
from helpers.scaling.lab import lab_parameters
from tests.labs import Lab, mistakes

LAB = Lab("lab02_thinking_at_scale")
answer = LAB.answer


P99 = "queueing.mmc_response_percentile(rate_rps, service, count, 0.99)"
MY_SERVERS = "servers_needed(mine.rate_rps, mine.service_s, mine.wait_share)"

# For each check, answers that must fail it and it alone.
WRONG = {
    "check_utilisation": {
        "hard-coded": {
            "utilisation": "def utilisation(arrival_rps, service_s, servers=1): return 0.5"
        },
        "forgets the servers": answer("utilisation", " / servers", ""),
        "takes milliseconds": answer("utilisation", "* service_s", "* service_s / 1e3"),
        "cut off at one": answer(
            "utilisation",
            "arrival_rps * service_s / servers",
            "min(1, arrival_rps * service_s / servers)",
        ),
    },
    "check_responses": {
        "waits": answer("responses", "append(done - arrival)", "append(done - arrival - service)"),
        "a server that never rests": answer("responses", "max(arrival, done)", "done"),
        "everybody served at once": answer("responses", "max(arrival, done)", "arrival"),
        "forgets the queue before the last": answer(
            "responses",
            "times.append(done - arrival)",
            "times.append(done - arrival)\n        done = arrival + service",
        ),
        "the example from the check": {
            "responses": """
            def responses(arrivals_s, services_s):
                if len(arrivals_s) == 4:
                    return np.array([2.0, 2.0, 2.0, 1.0])
                return np.array(services_s)
            """
        },
    },
    "check_sweep": {
        "no warm-up": answer("sweep", "times[warmup:]", "times"),
        "warm-up off by one": answer("sweep", "times[warmup:]", "times[warmup + 1 :]"),
        "squeezed, not stretched": answer("sweep", "service_s / rho", "service_s * rho"),
        "gaps not scaled to the service": answer("sweep", "* service_s / rho", "/ rho"),
        "milliseconds": answer("sweep", "np.array(means)", "1e3 * np.array(means)"),
        "median": answer("sweep", "times[warmup:].mean()", "np.median(times[warmup:])"),
        "first request at once": answer(
            "sweep", "responses(arrivals_s,", "responses(arrivals_s - arrivals_s[1],"
        ),
    },
    "check_theory": {
        "the wait": answer("theory", "service_s / (1", "service_s * utilisation / (1"),
        "99 per cent more": answer("theory", "mean * math.log(100)", "mean * 1.99"),
        "common logarithm": answer("theory", "math.log(100)", "math.log10(100)"),
        "negative beyond saturation": answer("theory", "utilisation >= 1", "utilisation == 1"),
        "infinity at saturation": answer(
            "theory", "raise ValueError(", "return math.inf, math.inf  # ("
        ),
    },
    "check_fit_usl": {
        "no coherency": answer("fit_usl", "n * (n - 1)])", "0 * n])"),
        "N squared": answer("fit_usl", "n * (n - 1)])", "n * n])"),
        "swapped": answer("fit_usl", "b / a, c / a", "c / a, b / a"),
        "not divided": answer("fit_usl", "b / a, c / a", "b, c"),
        "time of one for its rate": answer("fit_usl", "return 1 / a", "return a"),
        "the best of those tried": answer("fit_usl", "np.arange(1, 1_001)", "mine.workers"),
        "best number off by one": answer(
            "fit_usl", "best_workers = int(", "best_workers = 1 + int("
        ),
        "hard-coded": {
            "fit_usl": """
            def fit_usl(workers, throughput_rps):
                return 120, 0.04, 0.003

            best_workers = 18
            """
        },
    },
    "check_servers_needed": {
        "the load alone": answer(
            "servers_needed", "queueing.erlang_c(load, servers) > wait_share", "False"
        ),
        "one too many": answer("servers_needed", "return servers", "return servers + 1"),
        "blocking, not waiting": answer("servers_needed", "erlang_c", "erlang_b"),
        "own service in milliseconds": answer(
            "servers_needed", "mine.service_s", "mine.service_ms"
        ),
        "somebody else's number": answer(
            "servers_needed", f"my_servers = {MY_SERVERS}", "my_servers = 3"
        ),
        "in proportion": {
            "servers_needed": f"""
            def servers_needed(rate_rps, service_s, wait_share):
                return math.ceil(3 * rate_rps / 50) if wait_share < 0.5 else 2

            my_servers = {MY_SERVERS}
            """
        },
        "one margin for all": {
            "servers_needed": f"""
            def servers_needed(rate_rps, service_s, wait_share):
                load = rate_rps * service_s
                return math.ceil(load + (1.42 if wait_share < 0.5 else 0.5) * load**0.5)

            my_servers = {MY_SERVERS}
            """
        },
    },
    "check_cheapest_fleet": {
        "just not overloaded": answer("cheapest_fleet", f"{P99} > p99_s", "False"),
        "the mean": answer(
            "cheapest_fleet", P99, "queueing.mmc_response(rate_rps, service, count)"
        ),
        "a queue for each machine": answer(
            "cheapest_fleet",
            P99,
            "queueing.mm1_response_percentile(rate_rps / count, service, 0.99)",
        ),
        "the fewest machines": answer("cheapest_fleet", "count * price", "count"),
        "the lowest price": answer("cheapest_fleet", "count * price", "price"),
        "promise in milliseconds": answer("cheapest_fleet", "mine.p99_ms / 1e3", "mine.p99_ms"),
        "speed that slows down": answer("cheapest_fleet", "service_s / speed", "service_s * speed"),
        "always an answer": answer("cheapest_fleet", "return best", 'return best or ("huge", 1)'),
    },
}


@pytest.mark.parametrize(("check", "name"), mistakes(WRONG))
def test_a_wrong_answer_loses_its_own_points_and_no_others(check: str, name: str) -> None:
    assert LAB.run(WRONG[check][name]) == {check}


RIGHT = {
    "another order": {
        "utilisation": """
        def utilisation(arrival_rps, service_s, servers=1):
            return service_s * (arrival_rps / servers)
        """
    },
    "the shared engine, as a list": {
        "responses": """
        def responses(arrivals_s, services_s):
            arrive, work = np.asarray(arrivals_s, float), np.asarray(services_s, float)
            return list(queueing.fifo_waits(arrive, work, 1) + work)
        """
    },
    "a sweep without `responses`": {
        "sweep": """
        def sweep(utilisations, service_s, gaps, services, warmup):
            work = np.asarray(services) * service_s
            means = []
            for u in utilisations:
                waits = queueing.fifo_waits(np.cumsum(gaps) * (service_s / u), work, 1)
                means.append(float(np.mean((waits + work)[warmup:])))
            return means
        """
    },
    "a sweep that takes the text at its word": {
        "sweep": """
        def sweep(utilisations, service_s, gaps, services, warmup):
            times = (responses(np.cumsum(gaps * service_s / u), services * service_s)
                     for u in utilisations)
            return [np.mean(each[warmup:]) for each in times]
        """
    },
    "a list, and the tail written differently": {
        "theory": """
        def theory(u, s):
            if not u < 1:
                raise ValueError("too busy")
            return [s / (1 - u), -s / (1 - u) * np.log(1 - 0.99)]
        """
    },
    "a polynomial": {
        "fit_usl": """
        def fit_usl(workers, throughput_rps):
            n = np.asarray(workers, float)
            k, s, one = np.polyfit(n - 1, n / np.asarray(throughput_rps), 2)
            return 1 / one, (s - k) / one, k / one

        _, s, k = fit_usl(mine.workers, mine.throughput_rps)
        peak = int(np.sqrt((1 - s) / k))
        best_workers = max(peak, peak + 1, key=lambda n: n / (1 + s * (n - 1) + k * n * (n - 1)))
        """
    },
    "counting down": {
        "servers_needed": """
        def servers_needed(rate_rps, service_s, wait_share):
            load = rate_rps * service_s
            count = int(3 * load) + 10
            while count - 1 > load and queueing.erlang_c(load, count - 1) <= wait_share:
                count -= 1
            return count

        my_servers = servers_needed(mine.rate_rps, mine.service_ms / 1000, mine.wait_share)
        """
    },
    "a list of all fleets": {
        "cheapest_fleet": """
        def cheapest_fleet(rate_rps, service_s, p99_s, machines):
            fleets = []
            for name, (speed, price) in machines.items():
                service = service_s / speed
                for n in range(int(rate_rps * service) + 1, 60):
                    if queueing.mmc_response_percentile(rate_rps, service, n, 0.99) <= p99_s:
                        fleets.append((n * price, name, n))
                        break
            return min(fleets)[1:] if fleets else None

        my_fleet = cheapest_fleet(mine.rate_rps, mine.service_s, mine.p99_ms / 1e3, mine.machines)
        """
    },
}


@pytest.mark.parametrize("right", RIGHT, ids=str)
def test_a_right_answer_written_another_way_passes(right: str) -> None:
    assert LAB.run(RIGHT[right], "bob") == set()


def test_every_student_can_keep_the_promise() -> None:
    for i in range(300):
        mine = lab_parameters(f"student {i}")
        fastest = max(speed for speed, _ in mine.machines.values())
        assert mine.p99_ms > 1.05 * mine.service_ms / fastest * np.log(100)
        fit = scalability_law.fit(mine.workers, mine.throughput_rps)
        best = scalability_law.peak(fit.sigma.estimate, fit.kappa.estimate).best_workers
        assert best not in mine.workers


@pytest.mark.parametrize("wrong", ["", "   ", 42, None])
def test_a_student_id_that_is_none(wrong: object) -> None:
    with pytest.raises((TypeError, ValueError), match="student_id must"):
        lab_parameters(wrong)
