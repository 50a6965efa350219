"""The envelope: by hand, its ranges by theory, and every unit checked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.estimation import estimate
from helpers.estimation.units import Quantity, UnitError
from helpers.foundations.drawing import style
from helpers.foundations.prose import significant
from tests import drawn
from tests.models import edited

MODEL = "helpers.estimation.estimate:servers_for"


def test_the_envelope_by_hand() -> None:
    result = estimate.simulate(factor=1.0)
    load = 10e6 * 20 / 86_400
    assert result.outputs["mean load"].value == pytest.approx(load)
    assert result.outputs["peak load"].value == pytest.approx(3 * load)
    assert result.outputs["storage"].value == pytest.approx(10e6 * 730 * 1e3 * 3 / 1e12)
    assert result.outputs["peak bandwidth"].value == pytest.approx(3 * load * 20e3 * 8 / 1e9)
    assert result.outputs["servers"].value == math.ceil(3 * load / 500)
    month = 365 / 12 * 86_400
    bill = 14 * 120 + 21_900 * 0.1 + load * month * 20e3 / 1e9 * 0.09
    assert result.outputs["bill"].value == pytest.approx(bill)


@pytest.mark.parametrize("name", ["mean load", "peak load", "storage", "servers"])
def test_the_envelopes_ranges_are_the_theorys(name: str) -> None:
    result = estimate.simulate(factor=3.0)
    low, high = (math.log(end) for end in result.range_90(name))
    reach = math.log(estimate.theory(result.at, name))
    # The 5 % point of 4,000 normal draws is good to 2.1 % of the reach; 4.5 of those.
    assert high == pytest.approx(reach, rel=0.095)
    assert low == pytest.approx(-reach, rel=0.095)


def test_inputs_of_the_wrong_kind_are_refused() -> None:
    inputs = dict(estimate.Setting().inputs)
    inputs["record"] = Quantity(1, "kB/s")
    with pytest.raises(UnitError, match="record"):
        estimate.envelope(inputs)
    del inputs["record"]
    with pytest.raises(ValueError, match="record"):
        estimate.envelope(inputs)


@pytest.mark.parametrize("given", [{}, {"users": 3e8, "peak_factor": 7.5, "record_kb": 40.0}])
def test_the_open_model_is_the_envelope(given) -> None:
    at = estimate.Setting(**given)
    exact = estimate.envelope(at.inputs, whole=False)
    for name, value in estimate.servers_for(at).items():
        assert value == pytest.approx(exact[name].value, rel=1e-12), name


def test_the_edits_that_the_page_proposes() -> None:
    at = estimate.Setting()
    whole = estimate.servers_for(at)
    flat = edited(MODEL, 'at.peak_factor * load.to("requests/s")', 'load.to("requests/s")')(at)
    assert flat["servers"] == pytest.approx(whole["servers"] / at.peak_factor)
    assert flat["peak load"] == pytest.approx(whole["peak load"] / at.peak_factor)
    assert flat["storage"] == whole["storage"]
    with pytest.raises(UnitError, match="servers"):
        edited(MODEL, '"requests/s/server"', '"requests/server"')(at)
    five = edited(MODEL, "(3 * kept)", "(5 * kept)")(at)
    assert five == {**whole, "storage": pytest.approx(whole["storage"] * 5 / 3)}


@pytest.mark.parametrize("given", [{}, {"factor": 1.0}, {"users": 1e9, "factor": 10.0}])
def test_what_the_learner_sees(given) -> None:
    run, ax = estimate.simulate(**given), Figure().subplots()
    estimate.plot(run, ax, estimate.servers_for(run.at))
    names = list(estimate.OUTPUTS)
    low, high = np.transpose([np.quantile(run.relative[name], (0.05, 0.95)) for name in names])
    drawn_spans = drawn.spans(ax, along="x")
    np.testing.assert_allclose(drawn_spans.low, low)
    np.testing.assert_allclose(drawn_spans.high, high)
    values = np.array([run.outputs[name].value for name in names])
    table = run.table()
    assert list(table.index) == names
    np.testing.assert_allclose(table["estimate"], values)
    np.testing.assert_allclose(table["from (5 %)"], low * values)
    np.testing.assert_allclose(table["to (95 %)"], high * values)
    assert list(table["unit"]) == [unit for unit, _ in estimate.OUTPUTS.values()]
    factors = [1.0 if name == "bill" else run.at.factor ** (len(u) ** 0.5)
               for name, (_, u) in estimate.OUTPUTS.items()]  # fmt: skip
    np.testing.assert_allclose(table["theory: x/÷"].drop("bill"), factors[:-1])
    assert math.isnan(table["theory: x/÷"]["bill"])
    texts = drawn.written(ax)
    assert all(str(run.outputs[name]) in texts for name in names)
    mine = drawn.lines(ax, label="your model")
    assert len(mine) == 3
    reading = run.reading
    for name in ("peak load", "storage", "servers", "bill"):
        assert str(run.outputs[name]) in reading
    if run.at.factor > 1:
        at = names.index("servers")
        assert f"from {significant(low[at] * values[at], 2)} to" in reading
        assert f"to {significant(high[at] * values[at], 2)}, a factor" in reading
        assert f"a factor of {significant(run.at.factor**2)} either way" in reading
        assert f"not {significant(run.at.factor**4)}." in reading
    assert style.BLUE
