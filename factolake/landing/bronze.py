"""The tables landing writes: opened under one lease, repaired after a power cut, each carrying its own place in the log.

A table takes only rows beyond its own position, so a batch that was landed in part is completed and never doubled.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from factolake.contracts.bronze import DEAD_LETTER, EVENTS, READINGS, WAVEFORMS
from factolake.contracts.ops import CLOCK, GAPS, LEDGER, LOSSES
from factolake.contracts.table import Table
from factolake.errors import ContractViolation
from factolake.lake.durable import make_durable, repair_tail
from factolake.lake.leases import Lease
from factolake.lake.tables import Handle, Lake
from factolake.landing.decode import after
from factolake.landing.fault import Fault

LANDED = (READINGS, EVENTS, WAVEFORMS, DEAD_LETTER, CLOCK, GAPS, LOSSES, LEDGER)
REFUSALS = (DeltaError, ContractViolation, pa.ArrowException)


class BronzeTables:
    """Handles on every table landing owns; closed by `close`, which gives the lease back.

    Raises LeaseHeld when another landing owns them, TableDamaged when a tail cannot be repaired.
    """

    def __init__(self, lake: Lake, run_dir: Path, reopen_every: int) -> None:
        self.lake = lake
        self._lease = Lease(run_dir / "landing.lock").acquire()
        try:
            self.repaired = _prepare(lake)
            self._lease.raise_above(lake.lease_epoch(LANDED))
            self._handles = {table.name: lake.open(table, self._lease, reopen_every) for table in LANDED}
        except BaseException:
            self._lease.release()
            raise

    def handle(self, table: Table) -> Handle:
        """The handle of `table`."""
        return self._handles[table.name]

    def refresh(self) -> None:
        """Take every snapshot anew, after a failure in between."""
        for handle in self._handles.values():
            handle.refresh()

    def close(self) -> None:
        """Give the lease back."""
        self._lease.release()

    def land(self, table: Table, rows: pa.Table, app_id: str, through: int, also: Mapping[str, int] | None = None) -> int | None:
        """Append those of `rows` (with a log_offset) beyond the table's position, which becomes `through`; make the commit durable.

        Returns how many rows went in, None when the table was at `through` already. Raises what `Handle.append` raises.
        """
        handle = self.handle(table)
        position = handle.position(app_id)
        if position is not None and position >= through:
            return None
        fresh = after(rows, position) if "log_offset" in rows.column_names else rows
        self.commit(table, fresh, {app_id: through, **(also or {})})
        return int(fresh.num_rows)

    def commit(self, table: Table, rows: pa.Table, positions: Mapping[str, int]) -> None:
        """Append `rows` with `positions` and make the commit durable."""
        handle = self.handle(table)
        make_durable(handle.path, handle.append(rows, positions))


def _prepare(lake: Lake) -> dict[str, list[int]]:
    repaired = {}
    for table in LANDED:
        dropped = repair_tail(lake.path(table)) if lake.exists(table) else []
        if dropped:
            repaired[table.name] = dropped
        lake.ensure(table)
        make_durable(lake.path(table), lake.open(table).version)
    return repaired


def refused_rows(table: Table, rows: pa.Table) -> list[Fault]:
    """The rows of `rows` that the table format itself refuses, found by halving against a table that is thrown away.

    Raises the refusal again when even no row at all is refused: then it is not the rows.
    """
    with tempfile.TemporaryDirectory(prefix="factolake-probe-") as folder:
        scratch = Lake(Path(folder))
        scratch.ensure(table)
        scratch.open(table).append(rows.slice(0, 0), {})
        return _halve(rows, 0, lambda part: _refusal(scratch, table, part))


def _refusal(scratch: Lake, table: Table, rows: pa.Table) -> str | None:
    try:
        scratch.open(table).append(rows, {})
    except CommitFailedError:
        raise
    except REFUSALS as error:
        return str(error).split("\n")[0][:300]
    return None


def _halve(rows: pa.Table, start: int, refusal: Callable[[pa.Table], str | None]) -> list[Fault]:
    said = refusal(rows) if rows.num_rows else None
    if said is None:
        return []
    if rows.num_rows == 1:
        return [Fault(start, int(rows.column("idx")[0].as_py()), said)]
    half = rows.num_rows // 2
    return [*_halve(rows.slice(0, half), start, refusal), *_halve(rows.slice(half), start + half, refusal)]
