"""Silver of what models tell of machines: each event of an alert, once. What an alert became by them is gold.alerts."""

from dataclasses import replace

from factolake.contracts.bronze import KEY, MESSAGE_KEY
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.table import Column, Table, Type, as_of
from factolake.domain.alert_news import What

SHOWN = (
    "line",
    "kind",
    "severity",
    "onset_ts",
    "raised_ts",
    "first_signal",
    "signals",
    "text_en",
    "text_de",
    "check_text",
    "model_name",
    "model_version",
    "false_a_week",
    "stake_min",
    "alert_json",
)
"""Columns of gold.alerts that an event brings where it was raised or worsened; they are null where it ended."""

ALERT_EVENTS = Table(
    "silver",
    "alert_events",
    "one thing told of one alert of a machine: it was raised, worsened, withdrawn or closed",
    (
        *MESSAGE_KEY,
        Column("alert_id", Type.STRING, "Which alert.", nullable=False),
        Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False),
        Column("what", Type.STRING, "What happened to it.", nullable=False, values=tuple(what.value for what in What)),
        Column("at_ts", Type.TIMESTAMP, "When, in the machine's time (UTC).", nullable=False),
        Column("strength", Type.FLOAT64, "Largest score that lasted so far; null: not told.", low=1),
        *(replace(ALERTS.column(name), nullable=True) for name in SHOWN),
        Column("gateway_ts", Type.TIMESTAMP, "When it was told (UTC).", nullable=False),
        as_of(),
    ),
    key=KEY,
    writer="refine/alert_events",
    freshness_target_s=20,
)
"""Kept for ever, longer than the messages in bronze."""
