"""A design as plain data, and what two designs differ in."""

from __future__ import annotations

import json

import pytest

from helpers.blueprint import AppServers, Cache, Clients, Database, Design, LoadBalancer
from helpers.blueprint.catalogue import anatomy, cache_aside, chain, pair, single
from helpers.blueprint.written import differences, from_data, to_data


@pytest.mark.parametrize("design", [anatomy(), cache_aside(), chain(), pair(), single()], ids=str)
def test_a_design_comes_back_as_it_was(design):
    data = json.loads(json.dumps(to_data(design)))
    assert from_data(data) == design
    assert differences(design, from_data(data)) == []


def test_what_is_no_design_is_refused():
    data = to_data(single())
    with pytest.raises(ValueError, match="no component 'Magic'"):
        from_data({**data, "components": [{"kind": "Magic", "name": "m"}]})
    with pytest.raises(ValueError, match="leads from or to nothing"):
        from_data({**data, "wiring": [["clients", "nobody"]]})
    broken = [{**one, "count": 0} if one["kind"] == "AppServers" else one
              for one in data["components"]]  # fmt: skip
    with pytest.raises(ValueError, match="count must be a whole number >= 1, got 0"):
        from_data({**data, "components": broken})


def test_every_difference_is_named():
    app, db = AppServers(count=2), Database()
    before = Design("a", Clients(rate_rps=10) >> LoadBalancer() >> app >> db)
    after = Design(
        "b",
        Clients(rate_rps=10) >> LoadBalancer(health_check=None) >> app.replace(count=3)
        >> Cache() >> db,
    )  # fmt: skip
    assert [str(each) for each in differences(before, after)] == [
        "balancer: health_check: every 5 s, 2 in a row -> None",
        "app: count: 2 -> 3",
        "cache: - -> cache",
        "app >> cache: - -> wired",
        "cache >> db: - -> wired",
        "app >> db: wired -> -",
    ]
    assert next(str(each) for each in differences(after, before)) == "cache: cache -> -"
