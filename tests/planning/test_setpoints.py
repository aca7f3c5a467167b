"""Setpoints by the hour: as cheap as trying all rates, inside the limits, and a demand that cannot be met is named with what is missing."""

import random
from itertools import product

import pytest

from models.planning.setpoints import Cost, Curve, Demand, InvalidLine, Line, cost_of, fitted, propose

POWER = Curve(((10, 20.0), (20, 30.0), (40, 80.0)))
SCRAP = Curve(((10, 0.02), (30, 0.02), (40, 0.2)))
WEAR = Curve(((10, 1.0), (40, 6.0)))
LINE = Line(10, 40, POWER, SCRAP, WEAR, standing_kw=5.0, part_cost=2.0, start_cost=3.0)


def test_it_is_as_cheap_as_trying_all_rates() -> None:
    prices, demands = (0.4, 0.1, 0.3), (Demand(2, 25.0), Demand(3, 60.0))
    proposal = propose(LINE, prices, demands, today=(25.0, 25.0, 25.0))
    tried = (0.0, *(10 + step for step in range(31)))
    fine = [
        cost_of(LINE, prices, rates).total
        for rates in product(tried, repeat=3)
        if LINE.good(rates[0]) + LINE.good(rates[1]) >= 25 and sum(map(LINE.good, rates)) >= 60
    ]
    assert proposal.cost is not None and proposal.today is not None
    assert proposal.cost.total <= min(fine) + 0.01
    assert proposal.cost.total < proposal.today.total
    assert sum(proposal.good[:2]) >= 25 - 1e-3 and sum(proposal.good) >= 60 - 1e-3


def test_production_goes_where_energy_is_cheap() -> None:
    proposal = propose(LINE, (0.9, 0.9, 0.05, 0.05), (Demand(4, 50.0),))
    assert proposal.rates[:2] == (0.0, 0.0) and min(proposal.rates[2:]) >= LINE.rate_min


def test_costs_are_added_up_by_cause() -> None:
    assert cost_of(LINE, (0.5, 0.5, 0.5), (0.0, 20.0, 20.0)) == Cost(
        energy=0.5 * (5 + 30 + 30), scrap=pytest.approx(2.0 * 40 * 0.02), wear=pytest.approx(2 * (1 + 5 / 3)), starts=3.0
    )


@pytest.mark.parametrize("limits", [{"scrap_max": 0.1}, {"power_max_kw": 50.0}, {"ramp": 4.0}])
def test_limits_on_scrap_power_and_ramp_are_kept(limits: dict[str, float]) -> None:
    line = Line(10, 40, POWER, SCRAP, WEAR, **limits)
    proposal = propose(line, (0.2, 0.8, 0.1), (Demand(3, 80.0),))
    assert not proposal.conflicts
    assert all(rate == 0 or line.allows(rate) for rate in proposal.rates)
    if line.ramp is not None:
        steps = [abs(after - before) for before, after in zip(proposal.rates, proposal.rates[1:], strict=False) if before and after]
        assert all(step <= line.ramp + 1e-4 for step in steps)


def test_a_demand_that_cannot_be_met_is_named_with_what_is_missing() -> None:
    proposal = propose(LINE, (0.2, 0.2, 0.2), (Demand(1, 50.0), Demand(3, 60.0)), today=(20.0, 20.0, 20.0))
    assert proposal.rates == () and len(proposal.conflicts) == 1
    best = max(LINE.good(10 + step / 100) for step in range(3001))
    assert "by hour 1" in proposal.conflicts[0] and f"{50 - best:.1f} less" in proposal.conflicts[0]
    assert proposal.today is not None


def test_a_line_that_no_rate_suits_says_so() -> None:
    assert "no rate" in propose(Line(10, 40, POWER, SCRAP, WEAR, scrap_max=0.001), (0.2,), (Demand(1, 5.0),)).conflicts[0]
    single = propose(Line(20, 20, POWER, SCRAP, WEAR), (0.2, 0.1), (Demand(2, 15.0),))
    assert single.rates == (0.0, 20.0)


def test_a_curve_is_found_again_from_what_was_measured_of_it() -> None:
    rng = random.Random(1)
    samples = [(x, POWER.at(x) + rng.gauss(0, 0.2)) for x in (rng.uniform(10, 40) for _ in range(400))]
    curve = fitted(samples, 6)
    assert max(abs(curve.at(x) - POWER.at(x)) for x in range(10, 41)) < 2.0


def test_what_cannot_be_is_refused_with_the_value() -> None:
    with pytest.raises(InvalidLine, match="rising"):
        Curve(((1, 1.0), (1, 2.0)))
    with pytest.raises(InvalidLine, match="two rates"):
        fitted([(1.0, 2.0), (1.0, 3.0)])
    with pytest.raises(InvalidLine, match="above 0"):
        Line(0, 10, POWER, SCRAP, WEAR)
    with pytest.raises(InvalidLine, match="2 hours"):
        propose(LINE, (0.1, 0.1), (Demand(3, 1.0),))
