"""Gold of what models say of machines: the alerts, and how good they were. The KPIs of production are in `gold`."""

from factolake.contracts.table import Column, Table, Type, as_of
from factolake.domain.alert import AlertKind, Severity

ALERT_STATES = ("open", "closed", "withdrawn")
"""open: the machine is still unusual; closed: it is usual again; withdrawn: taken back, a stronger one took its place."""

_MACHINE = Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False)
_LINE = Column("line", Type.STRING, "Production line of the machine.", nullable=False)


def _alerts(name: str, doc: str) -> Column:
    return Column(name, Type.INT64, doc, unit="alerts", nullable=False, low=0)


ALERTS = Table(
    "gold",
    "alerts",
    "one alert that a model raised: one episode in which one machine was other than usual",
    (
        Column("alert_id", Type.STRING, "The same for the same model, machine and onset.", nullable=False),
        _MACHINE,
        _LINE,
        Column("kind", Type.STRING, "What the model says of the machine.", nullable=False, values=tuple(kind.value for kind in AlertKind)),
        Column("severity", Type.STRING, "How far from usual, at its gravest.", nullable=False, values=tuple(severity.value for severity in Severity)),
        Column("state", Type.STRING, "Where it stands.", nullable=False, values=ALERT_STATES),
        Column("onset_ts", Type.TIMESTAMP, "Since when the machine was other than usual (UTC).", nullable=False),
        Column("raised_ts", Type.TIMESTAMP, "When the model was sure, in the machine's time (UTC).", nullable=False),
        Column("ended_ts", Type.TIMESTAMP, "When it was over or taken back, whichever came first (UTC); null: it is open."),
        Column("strength", Type.FLOAT64, "Largest score that lasted; 1 is the model's threshold.", nullable=False, low=1),
        Column("first_signal", Type.STRING, "Signal with the largest share; null: no share is known."),
        Column("signals", Type.STRING, "Signals that took part, largest share first, with blanks between.", nullable=False),
        Column("text_en", Type.STRING, "The alert in words, in English.", nullable=False),
        Column("text_de", Type.STRING, "The alert in words, in German.", nullable=False),
        Column("check_text", Type.STRING, "What to look at first; null: nothing is known."),
        Column("model_name", Type.STRING, "Which model spoke.", nullable=False),
        Column("model_version", Type.STRING, "Which version of it.", nullable=False),
        Column("false_a_week", Type.FLOAT64, "At most so many alerts as strong are expected in a healthy machine's week; null: not known.", low=0),
        Column("stake_min", Type.FLOAT64, "Median of what past stops of the likely cause took; null: not known.", unit="min", low=0),
        Column("alert_json", Type.STRING, "The whole alert as JSON text: contributions, similar events and so on.", nullable=False),
        as_of(),
    ),
    key=("alert_id",),
    writer="refine/alerts",
    slice_by=("alert_id",),
    freshness_target_s=20,
    bi_visible=True,
)

ALERT_QUALITY = Table(
    "gold",
    "alert_quality",
    "one machine in one production week in which an alert of it was raised",
    (
        _LINE,
        _MACHINE,
        Column("production_week", Type.DATE, "Monday of the week, by production days.", nullable=False),
        _alerts("alerts", "Alerts raised in the week."),
        _alerts("judged", "Those that people judged."),
        _alerts("true_alerts", "Those judged to be right."),
        _alerts("false_alerts", "Those judged to be false alarms."),
        Column("precision", Type.FLOAT64, "true_alerts / judged; null: none was judged.", low=0, high=1),
        Column("warned_stops", Type.INT64, "Unplanned stops that an alert of the week came before.", unit="stops", nullable=False, low=0),
        Column("lead_min", Type.FLOAT64, "Median time from the first such alert to the stop; null: no stop was warned of.", unit="min", low=0),
        Column(
            "minutes_saved",
            Type.FLOAT64,
            "Sum of stake_min of alerts judged to be right after which no unplanned stop came; null: none with a stake.",
            unit="min",
            low=0,
        ),
        _alerts("budget", "Alerts that a machine may raise in a week."),
        _alerts("budget_used", "Alerts of the week that were not withdrawn."),
        as_of(),
    ),
    key=("machine", "production_week"),
    writer="refine/alert_quality",
    slice_by=("machine", "production_week"),
    freshness_target_s=60,
    bi_visible=True,
)
