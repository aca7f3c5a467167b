"""The control charts of an inspection plan, from its checks: which chart fits, where it signals, what the process is capable of."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from statistics import fmean, stdev
from typing import Any

from factolake.mes.core.record import plain
from factolake.mes.quality.models import CharacteristicKind, Inspection, InspectionPlan, Measurement
from factolake.mes.quality.spc import NELSON, WESTERN_ELECTRIC, Chart, RuleSet, Spread, capability, i_mr, p_chart, signals, xbar_r, xbar_s
from factolake.mes.quality.spc.constants import NotChartable

MAX_RANGE_CHART = 9
"""Beyond nine values a range says too little of them: standard deviations are charted instead."""


class Rules(StrEnum):
    """Which run rules are looked for."""

    NELSON = "nelson"
    WESTERN_ELECTRIC = "western_electric"


RULE_SETS: dict[Rules, RuleSet] = {Rules.NELSON: NELSON, Rules.WESTERN_ELECTRIC: WESTERN_ELECTRIC}


def plan_charts(plan: InspectionPlan, rules: Rules, limit: int) -> dict[str, Any]:
    """The charts of the newest `limit` checks by the plan, oldest first.

    `note` says why something is missing; a process out of control has no capability.
    """
    checks = list(plan.inspections.order_by("-at_ts", "-pk")[:limit])[::-1]
    answer: dict[str, Any] = {"plan_id": plan.pk, "characteristic": plan.characteristic, "unit": plan.unit, "charts": [], "capability": None}
    answer["checks"] = [{"inspection_id": check.pk, "at_ts": plain(check.at_ts), "result": check.result} for check in checks]
    try:
        groups = _groups(plan, checks)
        charts = _charts(plan, checks, groups)
        answer["charts"] = [_drawn(chart, rules) for chart in charts]
        answer["capability"] = asdict(_capability(plan, groups, charts, rules)) if groups else None
        answer["note"] = "" if groups else "an attribute has no capability"
    except NotChartable as why:
        answer["note"] = str(why)
    return answer


def _groups(plan: InspectionPlan, checks: Sequence[Inspection]) -> list[list[float]]:
    """The measured values of each check, as many as the plan's sample: a subgroup has one size. Empty for an attribute."""
    if plan.kind == CharacteristicKind.ATTRIBUTE.value:
        return []
    values: dict[int, list[float]] = {check.pk: [] for check in checks}
    measured = Measurement.objects.filter(inspection__in=list(values), number__lte=plan.sample_size).order_by("inspection_id", "number")
    for inspection_id, value in measured.values_list("inspection_id", "value"):
        values[inspection_id].append(float(value))
    return list(values.values())


def _charts(plan: InspectionPlan, checks: Sequence[Inspection], groups: Sequence[Sequence[float]]) -> tuple[Chart, ...]:
    if plan.kind == CharacteristicKind.ATTRIBUTE.value:
        return (p_chart([check.nonconforming for check in checks], [check.sample_size for check in checks]),)
    if plan.sample_size == 1:
        return i_mr([group[0] for group in groups])
    return xbar_r(groups) if plan.sample_size <= MAX_RANGE_CHART else xbar_s(groups)


def _drawn(chart: Chart, rules: Rules) -> dict[str, Any]:
    found = [
        {"rule": int(signal.rule), "name": signal.rule.name.lower(), "indices": list(signal.indices)} for signal in signals(chart, RULE_SETS[rules])
    ]
    lines = {"centre": chart.centre, "lower": list(chart.lower), "upper": list(chart.upper)}
    return {"kind": chart.kind.value, "points": list(chart.points), **lines, "sigma": chart.sigma, "signals": found}


def _capability(plan: InspectionPlan, groups: Sequence[Sequence[float]], charts: Sequence[Chart], rules: Rules) -> Any:
    if any(signals(chart, RULE_SETS[rules]) for chart in charts):
        raise NotChartable("the process is out of control, so its capability means nothing; find out why first")
    values = [value for group in groups for value in group]
    spread = Spread(len(values), fmean(values), charts[0].sigma or 0.0, stdev(values))
    lower, upper, nominal = (None if limit is None else float(limit) for limit in (plan.lower, plan.upper, plan.nominal))
    return capability(spread, lower, upper, nominal)
