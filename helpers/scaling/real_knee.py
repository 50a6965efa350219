"""The line of `knee` at real servers on the loopback interface, loaded by Poisson clients.

Where that stops being true: a server works by sleeping, and timers are late, so that its service
times are a little longer and a little more alike than was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from helpers.foundations import queueing
from helpers.foundations.drawing import style
from helpers.foundations.drawing.axes import error_bars, is_blank
from helpers.foundations.experiment import Measured, Parameters, integer, number, seed, takes
from helpers.foundations.prose import duration, percent, significant
from helpers.foundations.servers.lateness import no_verdict
from helpers.foundations.statistics import Intervals, mean_intervals
from helpers.scaling import knee
from helpers.scaling.knee import frame
from helpers.scaling.loopback_queues import run_queues

#: Utilisations that are asked for; what the servers had is measured.
MEASURED_AT = (0.3, 0.5, 0.7, 0.8)


class Trial(Parameters):
    """Servers on the loopback interface that sleep for each request, and their clients."""

    service_ms: float = number(5.0, "Mean service time", unit="ms", at_least=1, at_most=50)
    replications: int = integer(8, "Servers at each load", at_least=2, at_most=16)
    run_s: float = number(1.6, "Time of a run", unit="s", at_least=0.2, at_most=10)
    seed: int = seed()


@takes(Trial)
def measure(at: Trial) -> MeasuredKnee:
    """Load real servers with Poisson clients, at four loads at once, and time the replies.

    Raises
    ------
    TimeoutError
        If the machine is so busy that the run takes far longer than it should.
    """
    loads = [(u * 1e3 / at.service_ms, 1) for u in MEASURED_AT for _ in range(at.replications)]
    runs, late_s = run_queues(loads, 1e-3 * at.service_ms, at.run_s, at.seed)
    shape = (len(MEASURED_AT), at.replications)
    means = np.array([run.responses_s.mean() for run in runs]).reshape(shape)
    return MeasuredKnee(
        at,
        services_s=np.concatenate([run.services_s for run in runs]),
        rates_rps=np.array([run.arrival_rps for run in runs]).reshape(shape).mean(axis=1),
        response=mean_intervals(means.T),
        requests=sum(run.responses_s.size for run in runs),
        late_s=late_s,
    )


class MeasuredKnee(Measured):
    """Mean response times of real servers at four loads, seconds; arrays of shape (4,).

    Attributes
    ----------
    services_s : numpy.ndarray
        Every service time as measured.
    rates_rps : numpy.ndarray
        Arrival rate at each load as measured.
    late_s : float
        How late timers were on average, seconds; see `Lateness`.
    """

    at: Trial
    services_s: np.ndarray
    rates_rps: np.ndarray
    response: Intervals
    requests: int
    late_s: float

    @property
    def service_ms(self) -> float:
        """Mean service time as measured."""
        return 1e3 * float(self.services_s.mean())

    @property
    def service_scv(self) -> float:
        """Squared coefficient of variation of the service times; 1 is exponential."""
        return float(self.services_s.var() / self.services_s.mean() ** 2)

    @property
    def utilisation(self) -> np.ndarray:
        """Arrival rate times mean service time, both as measured."""
        return self.rates_rps * self.service_ms * 1e-3

    def predicted_s(self, scv: float = 1.0) -> np.ndarray:
        """What M/G/1 predicts from the measured rates; infinite where there is no steady state.

        A machine that is too slow can leave a station overloaded.
        """
        service_s, stable = 1e-3 * self.service_ms, self.utilisation < 1
        safe = np.where(stable, self.rates_rps, 0.5 / service_s)
        return np.where(stable, queueing.mg1_wait(safe, service_s, scv) + service_s, np.inf)

    @property
    def agrees(self) -> np.ndarray:
        """Whether M/M/1's prediction lies in each interval."""
        return np.asarray(self.response.contains(self.predicted_s()))

    @property
    def summary(self) -> dict[str, float | int | str]:
        return {
            "requests": self.requests,
            "service_ms": self.service_ms,
            "service_scv": self.service_scv,
            "loads_measured": self.utilisation.size,
            "loads_at_which_theory_is_inside": int(self.agrees.sum()),
        }

    @property
    def reading(self) -> str:
        if busy := no_verdict(self.late_s, 1e-3 * self.service_ms):
            return busy
        inside, loads = int(self.agrees.sum()), self.utilisation.size
        widest = float((self.response.half_width / self.response.estimate).max())
        text = (
            f"Verdict: at {inside} of {loads} loads the response that M/M/1 predicts from the "
            f"measured rates lies in the 95 % interval of what {self.requests:,} real requests "
            f"took (service: {duration(self.service_ms * 1e-3)} on average, squared coefficient "
            f"of variation {self.service_scv:.2f} where exponential is 1); the widest interval is "
            f"± {significant(100 * widest, 2)} %."
        )
        expected = self.predicted_s()
        steady = np.isfinite(expected)
        if not steady.all():
            text += (
                f" At {int((~steady).sum())} loads the machine was too busy to keep up: the queue "
                f"grew without end, and there is nothing to predict."
            )
        if inside == loads or not steady.any():
            return text
        ratio = np.where(steady, self.response.estimate / np.where(steady, expected, 1), 1)
        worst = int(np.argmax(np.abs(np.log(ratio))))
        error = 100 * (ratio[worst] - 1)
        direction = "above" if error > 0 else "below"
        return (
            f"{text} The largest miss, at {percent(self.utilisation[worst], 2)} utilisation, is "
            f"{significant(abs(error), 2)} % {direction} the prediction."
        )

    @property
    def columns(self) -> Mapping[str, Any]:
        return {
            "utilisation": self.utilisation,
            "measured (ms)": 1e3 * self.response.estimate,
            "from": 1e3 * self.response.low,
            "to": 1e3 * self.response.high,
            "M/M/1 (ms)": 1e3 * self.predicted_s(),
            "M/G/1 (ms)": 1e3 * self.predicted_s(self.service_scv),
            "M/M/1 inside": self.agrees,
        }


#: What was simulated is drawn as there, and the measurement on top of it.
plot = knee.plot


def plot_measured(run: MeasuredKnee, ax: Axes) -> None:
    """Draw what real requests took, alone or on top of the simulation."""
    if is_blank(ax):
        frame(ax, run.service_ms)
        ax.set_title("Real servers on the loopback interface, and theory")
    error_bars(ax, run.utilisation, run.response, 1e3, **style.MEASUREMENT)
    x, y = run.utilisation[0], 1e3 * run.response.estimate[0]
    style.label(ax, x, y, "measured", style.VERMILION, ha="left", xytext=(6, -11))
