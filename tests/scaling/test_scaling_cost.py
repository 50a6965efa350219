"""Scaling cost: what is bought is enough, is the cheapest, and is what the page shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from helpers.scaling import scalability_law as law
from helpers.scaling import scaling_cost
from helpers.scaling.catalogue import BALANCER_USD_PER_HOUR, CATALOGUE
from tests import drawn
from tests.checks import assert_summary, assert_table, axes_of

AT = [
    scaling_cost.Setting(),
    scaling_cost.Setting(demand_rps=1_000_000.0, fleet_kappa_ppm=200.0, survive_loss=True),
    scaling_cost.Setting(demand_rps=100.0, sigma_percent=0.0, fleet_sigma_percent=5.0),
]


def test_list_prices_are_linear_in_size_within_the_family() -> None:
    family = [machine for machine in CATALOGUE if not machine.illustrative]
    assert len(family) == 9
    assert {round(machine.usd_per_hour / machine.vcpus, 6) for machine in family} == {0.0504}
    sizes = [machine.vcpus for machine in CATALOGUE]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("at", AT)
def test_both_purchases_are_enough_and_none_is_cheaper(at: scaling_cost.Setting) -> None:
    run = scaling_cost.simulate(at)
    alone = {}
    for machine in CATALOGUE:
        speeds = law.speedup(
            np.arange(1, machine.vcpus + 1), at.sigma_percent / 100, at.kappa_ppm / 1e6
        )
        alone[machine] = at.vcpu_rps * speeds.max()
    assert run.up_ceiling_rps == pytest.approx(max(alone.values()))
    enough = [machine.usd_per_hour for machine, can in alone.items() if can >= at.demand_rps]
    spare = at.survive_loss
    if enough:
        extra = BALANCER_USD_PER_HOUR if spare else 0
        assert run.up.usd_per_hour == pytest.approx(min(enough) * (1 + spare) + extra)
        assert run.up.count == 1 + spare
        assert alone[run.up.machine] >= at.demand_rps
    else:
        assert run.up.machine is None
        assert math.isinf(run.up.usd_per_hour)
    prices = [math.inf]
    for machine, one in alone.items():
        counts = np.arange(1, 20_000)
        fleet = one * law.speedup(counts, at.fleet_sigma_percent / 100, at.fleet_kappa_ppm / 1e6)
        able = counts[fleet >= at.demand_rps * (1 - 1e-12)]
        if able.size:
            count = max(able[0] + spare, 2)
            prices.append(count * machine.usd_per_hour + BALANCER_USD_PER_HOUR)
    assert run.out.usd_per_hour == pytest.approx(min(prices))


@pytest.mark.parametrize("at", AT)
def test_numbers_sentence_and_table(at: scaling_cost.Setting) -> None:
    run = scaling_cost.simulate(at)
    demands = scaling_cost.DEMANDS_RPS
    here = [scaling_cost.simulate(at.but(demand_rps=demand)) for demand in demands[::16]]
    for i, one in enumerate(here):
        for curve, bought in ((run.up_usd, one.up), (run.out_usd, one.out)):
            price = bought.usd_per_hour
            assert curve[16 * i] == pytest.approx(
                math.nan if math.isinf(price) else price, nan_ok=True
            )
    up, out = np.nan_to_num(run.up_usd, nan=np.inf), np.nan_to_num(run.out_usd, nan=np.inf)
    leads = [
        demand
        for i, demand in enumerate(demands)
        if np.all((out[i:] < up[i:]) | np.isinf(out[i:]) & np.isinf(up[i:])) and out[i] < up[i]
    ]
    switch = leads[0] if leads else math.inf
    none = lambda value: "none" if math.isinf(value) else value  # noqa: E731
    assert_summary(
        run,
        {
            "demand_rps": at.demand_rps,
            "scale_up": str(run.up),
            "scale_up_usd_per_hour": none(run.up.usd_per_hour),
            "scale_out": str(run.out),
            "scale_out_usd_per_hour": none(run.out.usd_per_hour),
            "one_machine_ceiling_rps": run.up_ceiling_rps,
            "switch_rps": none(switch),
        },
    )
    start, middle = f"For {significant(at.demand_rps)} requests/s scaling up ", " and scaling out "
    offers = []
    for bought in (run.up, run.out):
        if bought.machine is None:
            offers.append("cannot be had at any price")
        else:
            per = significant(1e3 * bought.usd_per_hour / at.demand_rps)
            offers.append(
                f"takes {bought.count} x {bought.machine.name} for "
                f"${significant(bought.usd_per_hour)} an hour (${per} per 1,000 requests/s)"
            )
    assert run.reading.startswith(start + middle.join(offers))
    assert f"; one machine ends at {significant(run.up_ceiling_rps)} requests/s, " in run.reading
    assert (f"from {significant(switch)} requests/s on" in run.reading) == math.isfinite(switch)
    able = demands[~np.isnan(run.out_usd)]
    said = f", up to the {significant(able[-1])} beyond which no fleet is enough."
    assert run.reading.endswith(said) == (len(able) < len(demands))
    assert_table(run, {"requests/s": demands, "up ($/h)": run.up_usd, "out ($/h)": run.out_usd})


def test_the_sentence_notices_what_the_page_asks_for() -> None:
    one_machine_is_best = scaling_cost.simulate(sigma_percent=0.0, fleet_sigma_percent=5.0)
    family = 200 * law.speedup(192, 0.0, 5e-6)
    assert one_machine_is_best.family_ceiling_rps == pytest.approx(family)
    assert family < one_machine_is_best.switch_rps < one_machine_is_best.up_ceiling_rps
    said = f"pays only beyond the largest m7i, from {significant(one_machine_is_best.switch_rps)}"
    assert said in one_machine_is_best.reading
    from_the_start = scaling_cost.simulate(sigma_percent=5.0, survive_loss=True)
    assert "almost from the start, the fleet is cheaper" in from_the_start.reading
    hopeless = scaling_cost.simulate(demand_rps=1e6, fleet_sigma_percent=100.0)
    assert "scaling out cannot be had at any price" in hopeless.reading


@pytest.mark.parametrize("at", AT)
def test_the_picture(at: scaling_cost.Setting) -> None:
    run = scaling_cost.simulate(at)
    (ax,) = axes_of(scaling_cost.plot, run)
    for color, marker, usd, bought in (
        (style.VERMILION, "s", run.up_usd, run.up),
        (style.BLUE, "o", run.out_usd, run.out),
    ):
        curve = drawn.curve(ax, color=color, linewidth=2.2)
        np.testing.assert_allclose(curve, np.column_stack([scaling_cost.DEMANDS_RPS, usd]))
        points = [
            line.get_xydata().tolist() for line in drawn.lines(ax, color=color, marker=marker)
        ]
        here = [] if bought.machine is None else [[[at.demand_rps, bought.usd_per_hour]]]
        assert points == here
    assert drawn.here(ax) == at.demand_rps
    shaded = [band[0] for band in drawn.bands(ax)]
    assert shaded == ([run.up_ceiling_rps] if run.up_ceiling_rps < 1e6 else [])
    stars = [line.get_xydata()[0] for line in drawn.lines(ax, marker="*")]
    if math.isfinite(run.switch_rps):
        where = list(scaling_cost.DEMANDS_RPS).index(run.switch_rps)
        np.testing.assert_allclose(stars, [(run.switch_rps, run.out_usd[where])])
    else:
        assert stars == []
