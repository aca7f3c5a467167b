"""Stops: maximal runs of adjoining intervals in stop states, with who is to be asked and which neighbour caused them.

A stop ends at the next interval that is no stop state; producing, setup, no order, a planned stop and unknown time all end it.
It belongs to the UTC day it began on.
"""

from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.contracts.formats.spark import select_contract
from factolake.domain.plant import PlantModel
from factolake.domain.states import NEVER_ASK, STOP_STATES, MachineState
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice

LOOKBACK_DAYS = 31
"""How many days before a changed interval a stop that it belongs to may have begun; looked at only when the day begins in a stop."""

DAY_US = 86_400_000_000
_STOPS = tuple(sorted(state.value for state in STOP_STATES))
_NEVER_ASK = tuple(sorted(state.value for state in NEVER_ASK))


def downtime(inputs: Inputs) -> DataFrame:
    """Stops that began on the touched days."""
    states = inputs.frames[silver.MACHINE_STATES.name]
    machines = inputs.plant.machines.select("machine", "short_stop_us", "flow_place")
    placed = states.join(F.broadcast(machines), on="machine", how="inner")
    stops = _stops(placed).withColumn("from_day", F.to_date("stop_ts")).join(inputs.slices, on=["machine", "from_day"], how="left_semi")
    asks = (F.col("duration_us") > F.col("short_stop_us")) & ~F.col("state").isin(*_NEVER_ASK)
    named = _with_cause(stops, placed).withColumns({"from_ts": F.col("stop_ts"), "asks_reason": asks, "reason": F.when(asks, "unclassified")})
    return select_contract(named, silver.DOWNTIME)


def _stops(states: DataFrame) -> DataFrame:
    """One row a stop with its longest state; a tie goes to the state that came first."""
    by_time = Window.partitionBy("machine").orderBy("from_ts")
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    is_stop = F.col("state").isin(*_STOPS)
    adjoins = F.lag("state").over(by_time).isin(*_STOPS) & (F.lag("to_ts").over(by_time) == F.col("from_ts"))
    begins = states.withColumn("begins", is_stop & ~F.coalesce(adjoins, F.lit(False)))
    begin = F.last(F.when(F.col("begins"), F.col("from_ts")), ignorenulls=True).over(so_far)
    stop = ("machine", "line", "short_stop_us", "flow_place", "stop_ts")
    by_state = begins.withColumn("stop_ts", begin).where(is_stop).groupBy(*stop, "state")
    parts = by_state.agg(
        F.sum("duration_us").alias("state_us"),
        F.max("to_ts").alias("to_ts"),
        F.min("from_ts").alias("state_from_ts"),
        F.max("is_open").alias("is_open"),
        F.max_by("state_raw", F.struct("duration_us", "from_ts")).alias("state_raw"),
        F.min(F.when(F.col("from_ts") == F.col("stop_ts"), F.col("gateway_ts"))).alias("gateway_ts"),
    )
    weight = F.struct("state_us", -F.unix_micros("state_from_ts"))
    return parts.groupBy(*stop).agg(
        F.max_by("state", weight).alias("state"),
        F.max_by("state_raw", weight).alias("state_raw"),
        F.max("to_ts").alias("to_ts"),
        F.sum("state_us").alias("duration_us"),
        F.max("is_open").alias("is_open"),
        F.max("gateway_ts").alias("first_gateway_ts"),
    )


def _with_cause(stops: DataFrame, states: DataFrame) -> DataFrame:
    """`causing_machine`: the neighbour that stood still when a starved (upstream) or blocked (downstream) stop began.

    Neighbours that were themselves starved (blocked) are passed over; one that was not in a stop state, or of which nothing is
    known, ends the search without an answer.
    """
    side = F.when(F.col("state") == MachineState.STARVED.value, -1).when(F.col("state") == MachineState.BLOCKED.value, 1)
    others = states.select(
        F.col("machine").alias("other_machine"),
        F.col("line").alias("other_line"),
        F.col("state").alias("other_state"),
        F.col("flow_place").alias("other_place"),
        F.col("from_ts").alias("other_from_ts"),
        F.col("to_ts").alias("other_to_ts"),
    )
    distance = (F.col("other_place") - F.col("flow_place")) * side
    meets = (F.col("other_from_ts") <= F.col("stop_ts")) & (F.col("stop_ts") < F.col("other_to_ts"))
    beside = stops.join(others, (F.col("line") == F.col("other_line")) & meets & (distance > 0), how="left")
    passed = F.when(F.col("other_state") == F.col("state"), distance)
    met = F.when(F.col("other_state") != F.col("state"), F.struct(distance.alias("distance"), "other_machine", "other_state"))
    found = beside.groupBy(*stops.columns).agg(F.collect_set(passed).alias("passed"), F.min(met).alias("met"))
    nearest = F.col("met.distance")
    gapless = F.size(F.filter("passed", lambda place: place < nearest)) == nearest - 1
    stood = F.col("met.other_state").isin(*_STOPS) & gapless
    return found.withColumn("causing_machine", F.when(stood, F.col("met.other_machine"))).drop("passed", "met")


def _touched(feed: pa.Table, horizon: Horizon) -> set[Slice]:
    """Days of stops that changed intervals belong to, and the days on which neighbours of their line may have stopped for them."""
    before, after = _sides(feed)
    every, touched = before | after, set[Slice]()
    for machine, start_us in every:
        old, new = before.get((machine, start_us)), after.get((machine, start_us))
        if old == new:
            continue
        known = [row for row in (old, new) if row is not None]
        same = old is not None and new is not None and old[0] == new[0]
        ends = [row[1] for row in known]
        start_day = _day(start_us)
        days = _days(_day(min(ends)) if same else start_day, _day(max(ends)))
        touched |= {(machine, day) for day in [start_day, *days]}
        touched |= {(other, day) for other in _line_of(machine, horizon.model) for day in days}
        if _may_continue(machine, start_us, every):
            touched |= {(machine, start_day - timedelta(days=step)) for step in range(1, LOOKBACK_DAYS + 1)}
    return touched


_Key = tuple[str, int]
_Interval = tuple[str, int, bool, str | None, int | None]


def _sides(feed: pa.Table) -> tuple[dict[_Key, _Interval], dict[_Key, _Interval]]:
    """Intervals of the feed as they were first and as they are last, by (machine, start); times in µs since 1970.

    Whole days come for a change of a minute, and as numbers they are read five times as fast as datetimes are.
    """
    before: dict[_Key, _Interval] = {}
    after: dict[_Key, _Interval] = {}
    plain = [feed[name].cast(pa.int64()) if name.endswith("_ts") else feed[name] for name in (*_COLUMNS, "_change_type")]
    for machine, from_us, to_us, state, state_raw, is_open, gateway_us, change in zip(*(column.to_pylist() for column in plain), strict=True):
        key, value = (machine, from_us), (state, to_us, is_open, state_raw, gateway_us)
        if change in ("delete", "update_preimage"):
            before[key] = min(before.get(key, value), value, key=lambda held: held[1])
        else:
            after[key] = max(after.get(key, value), value, key=lambda held: held[1])
    return before, after


def _may_continue(machine: str, start_us: int, known: dict[_Key, _Interval]) -> bool:
    """Whether a stop that began on an earlier day may reach the interval: nothing but stop states from the day's beginning to it.

    The feed brings whole days, so an earlier interval of the day that is no stop is seen here.
    """
    midnight_us = start_us - start_us % DAY_US
    same_day = [row for (other, at_us), row in known.items() if other == machine and midnight_us <= at_us < start_us]
    return all(row[0] in _STOPS for row in same_day)


def _line_of(machine: str, model: PlantModel) -> tuple[str, ...]:
    known = model.machines.get(machine)
    return () if known is None else model.lines[known.line_id].machines


def _day(us: int) -> date:
    return date(1970, 1, 1) + timedelta(days=us // DAY_US)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def _rows(slices: frozenset[Slice]) -> Column:
    first = min(day for _, day in slices if isinstance(day, date))
    return F.col("to_ts") >= datetime.combine(first, time(), UTC)


_COLUMNS = ("machine", "from_ts", "to_ts", "state", "state_raw", "is_open", "gateway_ts")

DOWNTIME = Refinement("downtime", silver.DOWNTIME, (Input(silver.MACHINE_STATES, _COLUMNS, _touched, _rows),), downtime)
