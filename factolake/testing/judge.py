"""The judge of the fault tests: a source's own ledger against what stands in the lake, read by another Delta reader than the one that wrote it.

Every confirmed message must be there once and as it was sent, every intended one at most once, and nothing else may be there. Bronze, dead letters,
events and quarantine are judged message by message; silver sample by sample (tag, stamp, value), since a value sent again after a new
subscription must stand there once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from factolake.contracts import bronze, ops, silver
from factolake.contracts.table import Table
from factolake.domain.plant import PlantModel
from factolake.lake.sql import connect
from factolake.lake.tables import Lake
from factolake.plant.moment import to_us
from factolake.plant.truth import Truth, load_truth
from factolake.testing.sent_ledger import READINGS, SentMessage, SentValue, read_sent, sent_table, sent_value

_KEY = "epoch || '/' || seq || '/' || idx"
_STAMP = "coalesce(epoch_us(source_ts), -1)"
_IN_BRONZE = f"tag || '@' || {_STAMP} || '=' || coalesce(value_f64::VARCHAR, value_i64::VARCHAR, value_bool::VARCHAR, value_text, 'null')"
_AS_SENT = "tag || '@' || ts_us || '=' || coalesce(CASE WHEN is_float THEN value::DOUBLE::VARCHAR ELSE value END, 'null')"

_SENT: Mapping[str, str] = {
    bronze.READINGS.name: f"SELECT {_KEY} AS key, confirmed, {_AS_SENT} AS value, NULL AS number FROM sent WHERE kind = 'readings'",
    bronze.EVENTS.name: f"SELECT {_KEY} AS key, confirmed, value, NULL AS number FROM sent WHERE kind = 'event'",
    bronze.DEAD_LETTER.name: "SELECT epoch || '/' || seq AS key, confirmed, '' AS value, NULL AS number FROM sent WHERE kind = 'garbage'",
    ops.QUARANTINE.name: f"""
        SELECT {_KEY} AS key, confirmed, tag || '@' || ts_us AS value, NULL AS number FROM sent WHERE kind = 'readings' AND refused
    """,
    silver.READINGS.name: """
        SELECT tag || '@' || ts_us || '=' || coalesce(text, CASE WHEN number IS NULL THEN 'null' ELSE '' END) AS key, confirmed, '' AS value, number
        FROM sent WHERE kind = 'readings' AND NOT refused
    """,
}
_FOUND: Mapping[str, str] = {
    bronze.READINGS.name: f"SELECT {_KEY} AS key, {_IN_BRONZE} AS value, NULL AS number FROM {bronze.READINGS.name}",
    bronze.EVENTS.name: f"SELECT {_KEY} AS key, payload AS value, NULL AS number FROM {bronze.EVENTS.name}",
    bronze.DEAD_LETTER.name: f"""
        SELECT (headers ->> '$.epoch') || '/' || (headers ->> '$.seq') AS key, '' AS value, NULL AS number FROM {bronze.DEAD_LETTER.name}
    """,
    ops.QUARANTINE.name: f"SELECT {_KEY} AS key, tag || '@' || {_STAMP} AS value, NULL AS number FROM {ops.QUARANTINE.name}",
    silver.READINGS.name: f"""
        SELECT tag || '@' || {_STAMP} || '=' || coalesce(value_text, CASE WHEN n IS NULL THEN 'null' ELSE '' END) AS key, '' AS value, n AS number
        FROM (SELECT *, coalesce(value, value_i64) AS n FROM {silver.READINGS.name} WHERE tag <> '')
    """,
}
JUDGED = (bronze.READINGS, bronze.EVENTS, bronze.DEAD_LETTER, ops.QUARANTINE, silver.READINGS)


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """One table against the ledger.

    `due` must be there, `open` may be there (sent, not confirmed); of the rows found, `duplicated` are further copies, `wrong` say something else
    than was sent and `strange` were never sent. `first` names one fault.
    """

    table: str
    due: int
    open: int
    found: int
    lost: int
    duplicated: int
    wrong: int
    strange: int
    first: str | None

    @property
    def faults(self) -> int:
        """All faults together."""
        return self.lost + self.duplicated + self.wrong + self.strange

    def sentence(self) -> str:
        """The verdict in words."""
        faults = f"{self.lost} lost, {self.duplicated} duplicated, {self.wrong} wrong, {self.strange} strange"
        return f"{self.table}: {self.due} due, {self.open} open, {self.found} found; {faults}{f'; the first: {self.first}' if self.first else ''}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole judgement; `events` is how many values the log confirmed."""

    events: int
    tables: tuple[TableVerdict, ...]

    @property
    def lost(self) -> int:
        """Confirmed values that are missing, over all tables."""
        return sum(table.lost for table in self.tables)

    @property
    def duplicated(self) -> int:
        """Surplus rows, over all tables."""
        return sum(table.duplicated for table in self.tables)

    @property
    def clean(self) -> bool:
        """Whether there is no fault at all, and something was judged."""
        return self.events > 0 and not any(table.faults for table in self.tables)

    def of(self, table: str) -> TableVerdict:
        """The verdict on `table`. Raises KeyError."""
        return {one.table: one for one in self.tables}[table]

    def sentences(self) -> str:
        """Every table in words, one a line."""
        return "\n".join(table.sentence() for table in self.tables)


def judge(lake: Lake, ledger: Path) -> Verdict:
    """The lake against the ledger of the one source that filled it (see `sent_ledger`). A table that does not exist holds nothing.

    Call it once everything sent was landed and refined.
    """
    return _verdict(lake, sent_table(read_sent(ledger)), JUDGED)


def judge_plant(lake: Lake, truth: Path, model: PlantModel) -> Verdict:
    """Silver against the ledger of a simulated plant (`plant.truth`) of one source that was read over the network, live.

    What it sent within a gap that the gateway declared (ops.gaps) may be missing; everything else must be there.
    """
    return _verdict(lake, plant_table(load_truth(truth), model, declared_gaps(lake)), (silver.READINGS,))


def declared_gaps(lake: Lake) -> list[tuple[int, int]]:
    """The spans of ops.gaps, in microseconds since 1970, both ends included; one still open lasts for ever."""
    with connect(lake, (ops.GAPS,)) as connection:
        sql = f"SELECT epoch_us(from_ts), coalesce(epoch_us(to_ts), {2**62}) FROM {ops.GAPS.name} ORDER BY 1"
        return [(int(first), int(last)) for first, last in connection.execute(sql).fetchall()] if lake.exists(ops.GAPS) else []


def plant_table(truth: Truth, model: PlantModel, gaps: Sequence[tuple[int, int]]) -> pa.Table:
    """A plant's ledger as rows to judge by: confirmed is what was sent outside `gaps`."""
    signals = {(signal.machine, signal.name): signal for signal in model.signals}
    start_us = min(to_us(one.ts) for one in truth.sent)
    # Before its first value a server shows every tag without one, stamped with its start; a client may or may not have seen that.
    nothing = [SentValue(signal.tag, us, None) for signal in model.signals for us in (start_us,)]
    sent = [(SentMessage(READINGS, 0, 0, 0, tuple(nothing)), False)]
    for one in truth.sent:
        at_us = to_us(one.ts)
        value = sent_value(signals[one.machine, one.signal], at_us, one.value)
        is_due = not any(first <= at_us <= last for first, last in gaps)
        sent.append((SentMessage(READINGS, 1, one.id, at_us, (value,)), is_due))
    return sent_table(sent)


def unreached(planned: Iterable[str], reached: Mapping[str, int], least: int = 1) -> list[str]:
    """Crash points of `planned` at which fewer than `least` processes died: a campaign that never got there has shown nothing."""
    return sorted(point for point in set(planned) if reached.get(point, 0) < least)


def _verdict(lake: Lake, sent: pa.Table, tables: Sequence[Table]) -> Verdict:
    with connect(lake, tables) as connection:
        connection.register("sent", sent)
        verdicts = tuple(_judged(connection, table.name, lake.exists(table)) for table in tables)
        (events,) = _row(connection, "SELECT count(*) FROM sent WHERE confirmed")
    return Verdict(int(str(events)), verdicts)


def _judged(connection: duckdb.DuckDBPyConnection, table: str, exists: bool) -> TableVerdict:
    nothing = "SELECT '' AS key, '' AS value, NULL AS number WHERE false"
    both = f"""
        WITH sent_rows AS ({_SENT[table]}), found_rows AS ({_FOUND[table] if exists else nothing}),
        due AS (SELECT key, bool_or(confirmed) AS must, any_value(value) AS value, any_value(number) AS number FROM sent_rows GROUP BY key),
        there AS (SELECT key, count(*) AS n FROM found_rows GROUP BY key),
        bad AS (
          SELECT f.key FROM found_rows f JOIN due d USING (key)
          WHERE f.value <> d.value OR (f.number IS NULL) <> (d.number IS NULL) OR abs(f.number - d.number) > 1e-9 * greatest(1, abs(d.number))
        )
    """
    row = _row(
        connection,
        f"""{both} SELECT count(*) FILTER (must), count(*) FILTER (NOT must), coalesce(sum(n), 0), count(*) FILTER (must AND n IS NULL),
        coalesce(sum(n - 1), 0), (SELECT count(*) FROM bad), count(*) FILTER (must IS NULL),
        min(CASE WHEN must AND n IS NULL THEN 'lost ' WHEN must IS NULL THEN 'strange ' WHEN n > 1 THEN 'duplicated '
            WHEN key IN (SELECT key FROM bad) THEN 'wrong ' END || key)
        FROM due FULL JOIN there USING (key)""",
    )
    due, open_, found, lost, duplicated, wrong, strange = (int(str(value)) for value in row[:7])
    return TableVerdict(table, due, open_, found, lost, duplicated, wrong, strange, None if row[7] is None else str(row[7]))


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return tuple(row)
