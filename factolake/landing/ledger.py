"""The books of one log: what it handed out against what stands in bronze, row for row."""

from datetime import datetime

import pyarrow as pa

from factolake.bus.port import LogReader
from factolake.contracts.bronze import DEAD_LETTER, EVENTS, READINGS, WAVEFORMS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import GAPS, LEDGER
from factolake.lake.positions import log_position
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.captures import repeats_position
from factolake.landing.declared import log_source
from factolake.landing.land import sent_position

ROWS = (READINGS, EVENTS, WAVEFORMS)
"""Where what a log hands out becomes rows."""


def check(tables: BronzeTables, reader: LogReader, now: datetime) -> dict[str, object]:
    """Balance the books of `reader`'s log at `now`, append the row to ops.ledger and return it.

    `sent` is what the log handed out since it began (by its senders' own counts, kept in the commits of bronze.readings) and, one each,
    the records it lost; the other columns are counted by asking the tables, and what retention deleted, or came again of captures, is added
    to them. Call it between triggers.
    """
    row = balance(tables, reader.log_id, now)
    data = pa.Table.from_pylist([row], schema=arrow_schema(LEDGER))
    tables.commit(LEDGER, data, {})
    return row


def balance(tables: BronzeTables, log_id: str, now: datetime) -> dict[str, object]:
    """The row of ops.ledger for `log_id`, not written."""
    handle = tables.handle(READINGS)
    sent, through = handle.position(sent_position(log_id)) or 0, handle.position(log_position(log_id)) or 0
    bronze, dead, gaps = _counted(tables.lake, log_id)
    bronze += sum(tables.handle(table).forgotten_rows(log_id) for table in ROWS)
    bronze += tables.handle(WAVEFORMS).position(repeats_position(log_id)) or 0
    dead += tables.handle(DEAD_LETTER).forgotten_rows(log_id)
    return {
        "checked_ts": now,
        "log_id": log_id,
        "through_offset": through,
        "sent": sent,
        "bronze": bronze,
        "dead_letter": dead,
        "gaps": gaps,
        "difference": sent - bronze - dead - gaps,
    }


def _counted(lake: Lake, log_id: str) -> tuple[int, int, int]:
    # DuckDB is loaded with the first balance, not with landing: some plants never look at it.
    from factolake.lake.sql import connect

    with connect(lake, (*ROWS, DEAD_LETTER, GAPS)) as connection:
        counts = connection.execute(
            f"""
            SELECT {" + ".join(f"(SELECT count(*) FROM {table.name} WHERE log_id = $log)" for table in ROWS)},
                   (SELECT coalesce(sum(row_count), 0) FROM {DEAD_LETTER.name} WHERE log_id = $log),
                   (SELECT coalesce(sum(missing_records), 0) FROM {GAPS.name} WHERE source_id = $source)
            """,
            {"log": log_id, "source": log_source(log_id)},
        ).fetchone()
    assert counts is not None
    return int(counts[0]), int(counts[1]), int(counts[2])
