"""What the first signals of a machine's alert did before, in and after it: means of some minutes, from the lake, for the page of the alert.

Only what pages show is brought: silver.features_window is far too large for the MES database. One alert is read at a time and written whole, once
a minute while it goes on; a repeat changes nothing. A table that cannot be read keeps nothing else.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from factolake.contracts.formats.sql import literal
from factolake.contracts.silver_features import FEATURES_WINDOW
from factolake.errors import TableDamaged
from factolake.lake.tables import Handle, Lake
from factolake.mes.sync.schema import METADATA, TABLES, UtcStamp
from factolake.mes.sync.store import Transaction
from factolake.mes.sync.targets import Row

SIGNALS = 3
"""So many of an alert's signals are brought, largest share first."""
EVERY = timedelta(minutes=1)
BEFORE, AFTER, LONGEST = timedelta(hours=3), timedelta(hours=1), timedelta(hours=24)
"""From so long before the onset to so long after the end; of one that goes on, at most so long after it was raised."""
KEPT = timedelta(days=30)
"""Older alerts are not read any more where they have no trend; one that has keeps it."""
READ_MAX = 10
POINTS_MAX = 400
_WIDTHS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
_COLUMNS = ("signal", "window_ts", "n", "mean", "low", "high")
_log = structlog.get_logger(__name__)

TREND = sa.Table(
    "lake_alert_trend",
    METADATA,
    sa.Column("alert_id", sa.Text(), primary_key=True, comment="Alert of lake_alert."),
    sa.Column("signal", sa.Text(), primary_key=True, comment="One of its first signals."),
    sa.Column("window_ts", UtcStamp(), primary_key=True, comment="Start of the stretch (UTC); how long it is follows from how long the alert took."),
    sa.Column("mean", sa.Double(), nullable=False, comment="Mean of the values, in the signal's unit."),
    sa.Column("low", sa.Double(), nullable=False, comment="Lowest value."),
    sa.Column("high", sa.Double(), nullable=False, comment="Highest value."),
    comment="What the first signals of an alert did, from silver.features_window.",
)
ALERTS = TABLES["lake_alert"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The stretch of a machine's signals that belongs to an alert, in steps of `width`."""

    alert_id: str
    machine: str
    signals: tuple[str, ...]
    from_ts: datetime
    to_ts: datetime
    width: timedelta


def wanted(row: Row) -> Wanted:
    """What belongs to the alert of a row of `lake_alert`."""
    onset, raised, ended = (_time(row[name]) for name in ("onset_ts", "raised_ts", "ended_ts"))
    assert onset is not None
    assert raised is not None
    begin = onset - max(BEFORE, (raised - onset) / 2)
    last = raised + LONGEST
    width = next((each for each in _WIDTHS if (last + AFTER - begin) / each <= POINTS_MAX), _WIDTHS[-1])
    names = tuple(dict.fromkeys(str(row["signals"]).split()))[:SIGNALS]
    return Wanted(str(row["alert_id"]), str(row["machine"]), names, begin, min(ended or last, last) + AFTER, width)


def stretches(minutes: Iterable[Row], asked: Wanted) -> Iterator[Row]:
    """The minutes as stretches of the asked width: the mean of all values, the lowest, the highest."""
    found: dict[tuple[str, int], list[Row]] = defaultdict(list)
    width_s = int(asked.width.total_seconds())
    for minute in minutes:
        at = _time(minute["window_ts"])
        assert at is not None
        found[str(minute["signal"]), int(at.timestamp()) // width_s].append(minute)
    for (signal, number), rows in sorted(found.items()):
        count = sum(_number(row["n"]) for row in rows)
        values: Row = {
            "mean": sum(_number(row["mean"]) * _number(row["n"]) for row in rows) / count,
            "low": min(_number(row["low"]) for row in rows),
            "high": max(_number(row["high"]) for row in rows),
        }
        yield {"alert_id": asked.alert_id, "signal": signal, "window_ts": datetime.fromtimestamp(number * width_s, UTC), **values}


class Trends:
    """Keeps `lake_alert_trend` of one MES database."""

    def __init__(self, lake: Lake, engine: sa.Engine) -> None:
        self._lake, self._engine = lake, engine
        self._looked_ts: datetime | None = None
        self._tried: set[str] = set()

    def step(self, now: datetime) -> int:
        """Bring what is new, once a minute; returns the rows written. Raises SourceUnavailable when the database does not answer."""
        if self._looked_ts is not None and timedelta(0) <= now - self._looked_ts < EVERY:
            return 0
        self._looked_ts = now
        if not self._lake.exists(FEATURES_WINDOW):
            return 0
        due = self._due(now)
        if not due:
            return 0
        try:
            handle = self._lake.open(FEATURES_WINDOW)
            return sum(self._bring(handle, each) for each in due)
        except TableDamaged as error:
            _log.warning("trends of alerts wait", cause=str(error))
            return 0

    def _due(self, now: datetime) -> list[Wanted]:
        """Those that go on, and those that lack their end and were not read by this process: at most ten, the newest first."""
        held = sa.select(TREND.c.alert_id, sa.func.max(TREND.c.window_ts).label("latest")).group_by(TREND.c.alert_id).subquery()
        asked = sa.select(ALERTS, held.c.latest).outerjoin(held, held.c.alert_id == ALERTS.c.alert_id)
        asked = asked.where(ALERTS.c.raised_ts > now - KEPT).order_by(ALERTS.c.raised_ts.desc())
        with Transaction(self._engine) as connection:
            connection.execute(sa.delete(TREND).where(TREND.c.alert_id.not_in(sa.select(ALERTS.c.alert_id))))
            rows = [(wanted(dict(row)), row["latest"]) for row in connection.execute(asked).mappings()]
        going_on = [each for each, _ in rows if now <= each.to_ts + AFTER]
        short = [
            each
            for each, latest in rows
            if now > each.to_ts + AFTER and each.alert_id not in self._tried and (latest is None or latest < each.to_ts - 2 * each.width)
        ]
        found = [each for each in (*going_on, *short) if each.signals][:READ_MAX]
        self._tried |= {each.alert_id for each in found if now > each.to_ts + AFTER}
        return found

    def _bring(self, handle: Handle, asked: Wanted) -> int:
        rows = list(stretches(handle.read(_COLUMNS, _condition(asked)).to_pylist(), asked))
        with Transaction(self._engine) as connection:
            connection.execute(sa.delete(TREND).where(TREND.c.alert_id == asked.alert_id))
            if rows:
                connection.execute(sa.insert(TREND), rows)
        return len(rows)


def _condition(asked: Wanted) -> str:
    names = ", ".join(map(literal, asked.signals))
    days = f"day >= DATE '{asked.from_ts.astimezone(UTC):%Y-%m-%d}' AND day <= DATE '{asked.to_ts.astimezone(UTC):%Y-%m-%d}'"
    times = f"window_ts >= {_stamp(asked.from_ts)} AND window_ts < {_stamp(asked.to_ts)}"
    return f"{days} AND machine = {literal(asked.machine)} AND signal IN ({names}) AND {times}"


def _stamp(time: datetime) -> str:
    return f"TIMESTAMP '{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00'"


def _time(value: object) -> datetime | None:
    assert value is None or isinstance(value, datetime)
    return value


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    return value
