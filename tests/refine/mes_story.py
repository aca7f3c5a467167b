"""FactoMES's events told by hand, landed in a small lake and refined: what the tests of its silver tables share."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from factolake.config import load_plant
from factolake.contracts import bronze
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.lake.engine import Engine
from factolake.lake.tables import Lake
from factolake.refine.mes_changes import CHANGES, REFUSED
from factolake.refine.mes_tables import MES_ROWS
from factolake.refine.plant_model import record_plant
from factolake.refine.runner import Runner

T0 = datetime(2026, 3, 31, 23, tzinfo=UTC)
PLANT = Path(__file__).parents[2] / "conf/plant.toml"
Row = dict[str, object]


def event(seq: int, noun: str, key: object, payload: str | dict[str, object], *, epoch: int = 1, minutes: float = 0.0, **more: object) -> Row:
    """One event of the outbox as it stands in bronze.events."""
    at = T0 + timedelta(minutes=minutes or seq)
    row = {"source_id": "factomes", "epoch": epoch, "seq": seq, "idx": 0, "kind": f"mes.{noun}", "subject": str(key), "payload_schema": "json"}
    row |= {"payload": payload if isinstance(payload, str) else json.dumps(payload), "source_ts": at, "server_ts": None, "gateway_ts": at}
    return {**row, "log_id": "log", "log_offset": seq, "ingest_ts": at, "ingest_date": at.date(), **more}


def order(order_id: str, *, version: int = 1, **more: object) -> Row:
    """A row of FactoMES's orders, as its events show it."""
    row = {"order_id": order_id, "material_id": "G-100", "quantity": "100", "due_ts": None, "priority": 0, "line_id": "L1", "state": "planned"}
    return {**row, "counted_by": "both", "customer": "", "sales_order": "", "source_system": "", "version": version, **more}


def told(row: Row | None, action: str = "order.change", actor: str = "planner", **more: object) -> dict[str, object]:
    """The payload that tells `row`."""
    return {"action": action, "actor": actor, "row": row, **more}


class Bench:
    """A lake whose bronze.events hold what is landed here."""

    def __init__(self, running: Engine, root: Path) -> None:
        self.lake, self.clock, self._engine = Lake(root / "lake"), ManualClock(T0), running
        self.lake.ensure(bronze.EVENTS)
        self.restart()

    def restart(self) -> None:
        """A new process: nothing remembered but the tables."""
        model = load_plant(PLANT)
        record_plant(self.lake, model, self.clock)
        self.runner = Runner(self.lake, self._engine, model, self.clock)

    def land(self, *events: Row) -> None:
        """One commit."""
        self.lake.open(bronze.EVENTS).append(pa.Table.from_pylist(list(events), arrow_schema(bronze.EVENTS)), {})

    def refine(self, names: Sequence[str] = ()) -> dict[str, int]:
        """Rows written by refinement, of those that wrote any; `names` limits it to these tables of the record."""
        rows = [one for one in MES_ROWS if not names or one.name in names]
        results = [self.runner.run(one) for one in (CHANGES, *rows, REFUSED)]
        return {result.refinement: result.rows_written for result in results if result.changed}

    def rows(self, table: Table) -> list[Row]:
        """All rows by key, without the moment they were made."""
        data = self.lake.open(table).read().drop_columns(["as_of"])
        return data.sort_by([(name, "ascending") for name in table.key]).to_pylist()
