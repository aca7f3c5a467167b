"""What people said of the alerts that models raise; the alerts themselves are in gold.alerts."""

from factolake.contracts.gold_alerts import ALERT_STATES
from factolake.contracts.silver_mes.shape import EQUIPMENT, key, number, of, stamp, text, word
from factolake.contracts.table import Column, Type
from factolake.domain.alert import AlertKind, Severity

MACHINE_ALERTS = of(
    "machine_alert",
    "machine_alerts",
    "alert of gold.alerts with what people said of it",
    (
        key("alert_id", "The alert, as in gold.alerts."),
        EQUIPMENT,
        word("kind", "What the model says of the machine.", *(kind.value for kind in AlertKind)),
        word("severity", "How far from usual, at its gravest.", *(severity.value for severity in Severity)),
        word("state", "Where it stands, as the lake told it.", *ALERT_STATES),
        stamp("onset_ts", "Since when the machine was other than usual", nullable=False),
        stamp("raised_ts", "When the model was sure", nullable=False),
        stamp("ended_ts", "When it was over or taken back; null: it is open"),
        Column("strength", Type.FLOAT64, "Largest score that lasted; 1 is the model's threshold.", nullable=False),
        text("first_signal", "Signal with the largest share."),
        text("signals", "Signals that took part, largest share first."),
        text("text_en", "The alert in words, in English."),
        text("text_de", "The alert in words, in German."),
        text("check_text", "What to look at first."),
        text("evidence", "The whole alert as JSON text."),
        word("verdict", "Whether it was one; null: nobody judged it yet.", "true", "false", nullable=True),
        text("verdict_reason", "Why it was judged so, in words."),
        text("cause", "What it was."),
        text("fix", "What helped."),
        Column("minutes", Type.FLOAT64, "How long the machine stood because of it; null: nobody said.", unit="min", low=0),
        text("judged_by", "Who judged it."),
        stamp("judged_ts", "When it was judged"),
        number("request_id", "Request for maintenance that it led to."),
        number("lake_version", "Version of gold.alerts that it was last taken from."),
    ),
    equipment="equipment_id",
    judged_by="judged_by_id",
)
