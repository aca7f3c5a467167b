"""What machines did in the minutes of silver.features_window, hour by hour: states and products told in the hour, and what held before it.

Nothing here sees later than the end of its minute; that is why it goes by the readings and not by silver.state_hours, where a silence is known to
be one only when it is over.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from factolake.contracts import silver
from factolake.contracts.formats.spark import block_type, select_contract
from factolake.contracts.silver_features import FEATURES_WINDOW
from factolake.contracts.silver_features import WINDOW_REGIMES as TABLE
from factolake.domain.signals import SignalKind
from factolake.features.regimes import regimes
from factolake.features.stream import Reading, product_of, running_of
from factolake.refine.feature_blocks import ORDER, in_order, made, numbers, of_kinds, stamps
from factolake.refine.hour_slices import SLICE, is_reached, moved_hours, next_hours, touched_by_readings, word
from factolake.refine.refinement import HOUR, Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import hour_rows

_TOLD = (SignalKind.STATE, SignalKind.PRODUCT)
_BEFORE, _WITHIN, _WINDOW = 0, 1, 2
_HELD = ("value", "value_i64", "value_text", "quality")
_SAID = ("kind", "signal", *ORDER, "quality", "text")


def window_regimes(inputs: Inputs) -> DataFrame:
    """The regimes of the touched slices."""
    text = F.when(F.col("kind") == SignalKind.STATE.value, word()).otherwise(F.coalesce("value_text", F.lit("")))
    said = {"text": text, "ts_us": F.unix_micros("ts")}
    within = inputs.frames[silver.READINGS.name].where(of_kinds(*_TOLD)).withColumns({**said, "place": F.lit(_WITHIN)})
    carried = inputs.frames[silver.CARRY.name].where(of_kinds(*_TOLD)).withColumns({**said, "place": F.lit(_BEFORE)})
    before = carried.withColumn("hour_ts", F.col("hour_ts") + F.lit(HOUR))
    windows = inputs.frames[FEATURES_WINDOW.name].select(*SLICE, F.unix_micros("window_ts").alias("ts_us")).distinct()
    rows = within.select(*SLICE, *_SAID, "place").unionByName(before.select(*SLICE, *_SAID, "place"))
    rows = rows.unionByName(windows.withColumn("place", F.lit(_WINDOW)), allowMissingColumns=True)
    own = rows.join(inputs.slices, on=list(SLICE), how="left_semi")
    model = inputs.plant.model
    words = {name: dict(model.state_maps[machine.state_map]) for name, machine in model.machines.items() if machine.state_map in model.state_maps}
    return select_contract(own.groupBy(*SLICE).applyInArrow(_minutes_by(words), block_type(TABLE)), TABLE)


def _minutes_by(words: Mapping[str, Mapping[str, str]]) -> Callable[[pa.Table], pa.Table]:
    """The kernel for machines whose own words are `words`; the engine goes by its annotations, which a partial has not."""

    def minutes(block: pa.Table) -> pa.Table:
        return _minutes(block, words.get(str(block["machine"][0]), {}))

    return minutes


def _minutes(block: pa.Table, words: Mapping[str, str]) -> pa.Table:
    """The regimes of one slice."""
    place = numbers(block, "place")
    told = [[_reading(row) for row in in_order(block.filter(pa.array(place == at))).to_pylist()] for at in (_BEFORE, _WITHIN)]
    state, product = ([one for one in told[_BEFORE] if one.kind is kind] for kind in _TOLD)
    running = running_of(told[_WITHIN], state[-1] if state else None, words)
    done = regimes(np.sort(numbers(block, "ts_us")[place == _WINDOW]), running, product_of(told[_WITHIN], product[-1] if product else None))
    columns = {"window_ts": stamps(done.window_us), "running_s": done.running_s, "product": pa.array(done.product, pa.string())}
    return made(TABLE, block, columns)


def _reading(row: Mapping[str, Any]) -> Reading:
    key = (row["ts_us"], row["epoch"], row["seq"], row["idx"])
    return Reading(SignalKind(row["kind"]), row["signal"], *key, row["quality"], text=row["text"])


def touched_by_told(feed: pa.Table, horizon: Horizon) -> set[Slice]:
    """The slices in which a state or a product was told."""
    return touched_by_readings(feed.filter(pc.is_in(feed["kind"], pa.array([kind.value for kind in _TOLD]))), horizon)


def touched_by_windows(feed: pa.Table, _: Horizon) -> set[Slice]:
    """The slices that have other minutes than before; what is in the minutes is not seen here."""
    gone = pc.is_in(feed["_change_type"], pa.array(["delete", "update_preimage"]))
    was, now = (_windows(feed.filter(rows)) for rows in (gone, pc.invert(gone)))
    return {(machine, hour) for machine, hour, _window in was ^ now}


def _windows(feed: pa.Table) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in feed.group_by([*SLICE, "window_ts"]).aggregate([]).to_pylist()}


def touched_by_held(feed: pa.Table, horizon: Horizon) -> set[Slice]:
    """The hours after those that end with another state or product."""
    told = feed.filter(pc.is_in(feed["kind"], pa.array([kind.value for kind in _TOLD])))
    return {row for row in next_hours(moved_hours(told, _HELD)) if is_reached(row, horizon)}


def _told_rows(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices) & of_kinds(*_TOLD)


def _carry_rows(slices: frozenset[Slice]) -> Column:
    return hour_rows(slices, before=1) & of_kinds(*_TOLD)


WINDOW_REGIMES = Refinement(
    "window_regimes",
    TABLE,
    (
        Input(silver.READINGS, (*SLICE, "kind"), touched_by_told, _told_rows),
        Input(silver.CARRY, (*SLICE, "signal", "kind", *_HELD), touched_by_held, _carry_rows),
        Input(FEATURES_WINDOW, (*SLICE, "window_ts"), touched_by_windows, hour_rows),
    ),
    window_regimes,
)
