"""Contracts as data checks: SQL that selects the rows which break a contract. Pure; whoever has an SQL engine runs them.

The SQL is what DuckDB understands. `{rows}` stands for the table or for a part of it; other tables are named `layer.table`.
"""

from dataclasses import dataclass
from enum import StrEnum

from factolake.contracts.formats.sql import listed, literal
from factolake.contracts.gold import LOSSES, LOSSES_IN_ORDER, OEE_HOUR, OEE_SHIFT, TIME_ELEMENTS
from factolake.contracts.ops import LEDGER
from factolake.contracts.table import Column, Table, Type


class Severity(StrEnum):
    """How bad a failing check is."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check of one table.

    `failing` is SQL with the placeholder `{rows}`; it gives a column `failed` (what is wrong, in words) and columns that name the row.
    A `blocking` check keeps what depends on the table from being made out of wrong data. `needs` are other tables it reads.
    """

    name: str
    table: str
    description: str
    failing: str
    severity: Severity = Severity.ERROR
    blocking: bool = False
    needs: tuple[str, ...] = ()

    def sql(self, rows: str | None = None, where: str | None = None) -> str:
        """The query, over the relation `rows` (the whole table if None), only where `where` holds."""
        relation = rows or self.table
        return self.failing.replace("{rows}", f"(SELECT * FROM {relation} WHERE {where})" if where else relation)


def checks_of(table: Table) -> tuple[CheckSpec, ...]:
    """Every check that follows from the contract of `table`, and the sums its KPI rows must keep."""
    derived = (_not_null(table), _unique_key(table), _in_bounds(table), _in_closed_set(table), _finite(table))
    return (*(spec for spec in derived if spec is not None), *_SUMS.get(table.name, ()))


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _any_of(table: Table, conditions: dict[str, str]) -> str:
    """Rows where at least one condition holds; `failed` lists the names of those that do."""
    cases = ", ".join(f"CASE WHEN {condition} THEN {literal(name)} END" for name, condition in conditions.items())
    return f"SELECT * FROM (SELECT concat_ws(', ', {cases}) AS failed, {_quoted(table.key)} FROM {{rows}}) WHERE failed <> ''"


def _not_null(table: Table) -> CheckSpec | None:
    required = [c.name for c in table.columns if not c.nullable]
    sql = _any_of(table, {name: f'"{name}" IS NULL' for name in required})
    return CheckSpec("not_null", table.name, f"Filled in every row: {', '.join(required)}.", sql, blocking=True) if required else None


def _unique_key(table: Table) -> CheckSpec:
    key = _quoted(table.key)
    sql = f"SELECT count(*) || ' rows with one key' AS failed, {key} FROM {{rows}} GROUP BY {key} HAVING count(*) > 1"
    # Bronze is what arrived: a source that repeats itself is no fault of the table, silver drops the copies.
    is_bronze = table.layer == "bronze"
    severity = Severity.WARN if is_bronze else Severity.ERROR
    return CheckSpec("unique_key", table.name, f"One row for each {', '.join(table.key)}.", sql, severity, blocking=not is_bronze)


def _in_bounds(table: Table) -> CheckSpec | None:
    bounded = [c for c in table.columns if c.low is not None or c.high is not None]
    sql = _any_of(table, {f"{c.name} {_range(c)}": _outside(c) for c in bounded})
    words = "; ".join(f"{c.name} {_range(c)}" for c in bounded)
    return CheckSpec("in_bounds", table.name, f"Within the contract's bounds: {words}.", sql) if bounded else None


def _range(column: Column) -> str:
    ends = [f">= {column.low:g}" if column.low is not None else "", f"<= {column.high:g}" if column.high is not None else ""]
    return " and ".join(end for end in ends if end)


def _outside(column: Column) -> str:
    ends = [f'"{column.name}" {sign} {end!r}' for sign, end in (("<", column.low), (">", column.high)) if end is not None]
    return " OR ".join(ends)


def _in_closed_set(table: Table) -> CheckSpec | None:
    closed = {c.name: c.values for c in table.columns if c.values}
    sql = _any_of(table, {name: f'"{name}" NOT IN ({listed(values)})' for name, values in closed.items()})
    return CheckSpec("in_closed_set", table.name, f"One of the words the contract knows: {', '.join(closed)}.", sql) if closed else None


def _finite(table: Table) -> CheckSpec | None:
    # In bronze and in what was refused NaN is what a machine sent; from silver on a number is a number.
    floats = [c.name for c in table.columns if c.type is Type.FLOAT64] if table.layer in ("silver", "gold") else []
    sql = _any_of(table, {name: f'NOT isfinite("{name}")' for name in floats})
    return CheckSpec("finite", table.name, f"Neither NaN nor infinite: {', '.join(floats)}.", sql) if floats else None


_CLASSES = ("apt_us", "aust_us", "adet_us", "adot_us", "unknown_us")
_IDENTITY = "pbt_us = pot_us - pdot_us + outside_plan_us"


def _pbt(table: Table) -> CheckSpec:
    parts = " + ".join(_CLASSES)
    key = _quoted(table.key)
    failed = f"'parts sum to ' || ({parts}) || ' us, pbt_us is ' || pbt_us || ' us'"
    sql = f"SELECT {failed} AS failed, {key} FROM {{rows}} WHERE pbt_us <> {parts}"
    words = "Planned busy time is production, setup, delay, idle and unknown time together, to the microsecond."
    return CheckSpec("busy_time_adds_up", table.name, words, sql, blocking=True)


def _plan(table: Table) -> CheckSpec:
    sql = f"SELECT 'pbt_us is ' || pbt_us AS failed, {_quoted(table.key)} FROM {{rows}} WHERE NOT ({_IDENTITY})"
    words = "Planned busy time is operation time less planned down time, plus production outside the plan."
    return CheckSpec("busy_time_follows_the_plan", table.name, words, sql)


_LOSSES_SUM = f"""
WITH parts AS (SELECT machine, production_day, shift, sum(duration_us) AS parts_us, count(*) AS n FROM {{rows}} GROUP BY ALL)
SELECT n || ' parts sum to ' || parts_us || ' us, pbt_us is ' || s.pbt_us || ' us' AS failed, p.machine, p.production_day, p.shift
FROM parts AS p JOIN gold.oee_shift AS s ON s.equipment = p.machine AND s.production_day = p.production_day AND s.shift = p.shift
WHERE s.equipment_level = 'WorkUnit' AND (n <> {len(LOSSES_IN_ORDER)} OR parts_us <> s.pbt_us)
"""

_BALANCE = f"""
SELECT 'sent ' || sent || ', accounted for ' || (sent - difference) AS failed, {_quoted(LEDGER.key)}
FROM (SELECT * FROM {{rows}} QUALIFY row_number() OVER (PARTITION BY log_id ORDER BY checked_ts DESC) = 1) WHERE difference <> 0
"""

_SUMS: dict[str, tuple[CheckSpec, ...]] = {
    OEE_HOUR.name: (_pbt(OEE_HOUR), _plan(OEE_HOUR)),
    OEE_SHIFT.name: (_pbt(OEE_SHIFT), _plan(OEE_SHIFT)),
    # Not blocking: the two tables are committed one after the other, so a row may for a moment be ahead of its other half.
    LOSSES.name: (
        CheckSpec("losses_add_up", LOSSES.name, "The losses of a shift sum to its planned busy time.", _LOSSES_SUM, needs=(OEE_SHIFT.name,)),
    ),
    LEDGER.name: (CheckSpec("books_balance", LEDGER.name, "What was sent is in bronze, a dead letter or a declared gap.", _BALANCE),),
}
assert set(_CLASSES) < {column.name for column in TIME_ELEMENTS}
