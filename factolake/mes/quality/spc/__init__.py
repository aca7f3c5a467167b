"""Statistical process control: control charts, run rules, capability. Pure numbers in, values out; no database, no clock."""

from factolake.mes.quality.spc.capability import Capability, Spread, capability
from factolake.mes.quality.spc.charts import Chart, ChartKind, Known, c_chart, i_mr, np_chart, p_chart, u_chart, xbar_r, xbar_s
from factolake.mes.quality.spc.rules import NELSON, WESTERN_ELECTRIC, Rule, RuleSet, Signal, signals

__all__ = [
    "NELSON",
    "WESTERN_ELECTRIC",
    "Capability",
    "Chart",
    "ChartKind",
    "Known",
    "Rule",
    "RuleSet",
    "Signal",
    "Spread",
    "c_chart",
    "capability",
    "i_mr",
    "np_chart",
    "p_chart",
    "signals",
    "u_chart",
    "xbar_r",
    "xbar_s",
]
