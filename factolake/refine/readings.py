"""Bronze readings to silver readings and quarantine: mapped, judged, unit-normalised, deduplicated.

One judgement serves both tables: `judged` gives every new bronze row its event time, values and `rule`
(null is good, text is why not); `readings` keeps the good, `quarantine` the rest. A row with a bad status is no error:
it goes to silver with null values, since "the machine is silent" is what happened.
"""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts import bronze, ops, silver
from factolake.contracts.formats.spark import select_contract
from factolake.domain.equipment import SourceOrder
from factolake.domain.plant import PlantModel
from factolake.domain.reading_rules import ABSENT, CLOCK_STEP, F64_EXACT, NUMERAL, OLDEST
from factolake.domain.signals import SignalKind
from factolake.domain.units import UNITS
from factolake.refine.plant_frames import PlantFrames
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import in_days, in_hours, same_messages

RULE_VERSION = 1
NEWEST = datetime(9999, 1, 1, tzinfo=UTC)
"""OPC UA's "no end" is the last second of the year 9999; beside such a stamp there is no later hour to look into."""

HEARTBEAT_FLAG = 4
NUMERIC = (SignalKind.PROCESS, SignalKind.SETPOINT, SignalKind.ENERGY)
_KEY = list(bronze.KEY)
_I64_END = 2.0**63


def readings(inputs: Inputs) -> DataFrame:
    """New bronze rows as silver rows, without those silver already holds."""
    good = _clamped(judged(_inserted(inputs), inputs.plant).where(F.col("rule").isNull()), inputs.frames[silver.READINGS.name])
    good = good.withColumn("hour_ts", F.date_trunc("hour", "ts")).withColumn("day", F.to_date("ts"))
    return select_contract(_new(_distinct(good), inputs.frames[silver.READINGS.name]), silver.READINGS)


def quarantine(inputs: Inputs) -> DataFrame:
    """New bronze rows that silver refuses, with the rule and what was seen."""
    bad = judged(_inserted(inputs), inputs.plant).where(F.col("rule").isNotNull())
    rows = bad.withColumn("rule_version", F.lit(RULE_VERSION)).withColumn("detail", _detail()).withColumn("value_text", _as_text())
    once = rows.withColumn("_n", F.row_number().over(W.partitionBy(*_KEY, "rule").orderBy("log_offset"))).where(F.col("_n") == 1)
    return select_contract(_new_keys(once, inputs.frames[ops.QUARANTINE.name], [*_KEY, "rule"]), ops.QUARANTINE)


def judged(rows: DataFrame, plant: PlantFrames) -> DataFrame:
    """Bronze rows joined to their signal, with `ts`, `value`, `value_i64`, `value_text`, `quality` and `rule`."""
    mapped = _mapped(rows, plant).withColumn("ts", F.coalesce("source_ts", "server_ts")).withColumn("raw", _number())
    return (
        mapped.withColumn("quality", _quality())
        .withColumn("rule", _rule())
        .withColumn("silver_value", F.when(_numeric() & (F.col("quality") != "bad"), F.col("raw") * F.col("factor") + F.col("offset")))
        .withColumn("silver_i64", F.when((F.col("kind") == "counter") & (F.col("quality") != "bad"), _integer()))
        .withColumn("silver_text", F.when(~_numeric() & (F.col("kind") != "counter") & (F.col("quality") != "bad"), _as_text()))
        .withColumn("bronze_text", _as_text())
        .drop("value_i64", "value_text")
        .withColumnsRenamed({"silver_value": "value", "silver_i64": "value_i64", "silver_text": "value_text"})
    )


def _inserted(inputs: Inputs) -> DataFrame:
    return inputs.frames[bronze.READINGS.name].where(F.col("_change_type") == "insert")


def _mapped(rows: DataFrame, plant: PlantFrames) -> DataFrame:
    is_heartbeat = (F.col("tag") == "") & (F.col("flags").bitwiseAND(HEARTBEAT_FLAG) != 0)
    by_tag = rows.where(~is_heartbeat).join(plant.signals, on=["source_id", "tag"], how="left")
    ends = plant.machines.select("source_id", "machine")
    empty = {
        name: F.lit(None)
        for name in ("unit", "source_unit", "source_symbol", "factor", "offset", "low", "high", "counts", "parts_per_pulse", "width_bits")
    }
    named = {"signal": F.lit("connection"), "kind": F.lit("heartbeat"), **empty}
    named |= {"is_sequence": F.lit(False), "future_tolerance_us": F.lit(None)}
    beats = rows.where(is_heartbeat).join(ends, on="source_id", how="inner").withColumns(named)
    types = dict(by_tag.dtypes)
    return by_tag.unionByName(beats.select(*(F.col(name).cast(types[name]) for name in by_tag.columns)))


def _number() -> Column:
    whole = F.coalesce(F.col("value_i64").cast("double"), F.col("value_u64").cast("double"))
    truth = F.when(F.col("value_bool").isNotNull(), F.col("value_bool").cast("int").cast("double"))
    numeral = F.when(F.col("value_text").rlike(NUMERAL), F.trim("value_text").try_cast("double"))
    return F.coalesce(F.col("value_f64"), whole, truth, numeral)


def _integer() -> Column:
    """The value as a whole number of 64 signed bits; null when it is none (a cast would end the run: 2**64 - 1 is a usual "no value")."""
    fits = (F.abs("raw") < F.lit(_I64_END)) & (F.col("raw") == F.floor("raw"))
    whole = F.when(fits, F.col("raw").try_cast("bigint"))
    return F.coalesce(F.col("value_i64"), F.col("value_u64").try_cast("bigint"), whole)


def _as_text() -> Column:
    whole = F.coalesce(F.col("value_i64").cast("string"), F.col("value_u64").cast("string"))
    return F.coalesce(F.col("value_text"), whole, F.col("value_bool").cast("string"), _float_text(F.col("value_f64")))


def _float_text(number: Column) -> Column:
    """A float as text that both engines write alike: 3 and not 3.0 (so that a state sent as a float is found in its map), Infinity and not inf."""
    special = F.when(F.isnan(number), "NaN").when(number == float("inf"), "Infinity").when(number == float("-inf"), "-Infinity")
    is_whole = (F.abs(number) <= F.lit(F64_EXACT)) & (number == F.floor(number))
    return F.when(number.isNull(), None).otherwise(special.when(is_whole, number.try_cast("bigint").cast("string")).otherwise(number.cast("string")))


def _numeric() -> Column:
    return F.col("kind").isin(*(kind.value for kind in NUMERIC))


def _quality() -> Column:
    """Status severity; a number that the source says it does not have is as bad as a bad status."""
    severity = F.shiftright("status", 30)
    absent = (_numeric() | (F.col("kind") == "counter")) & F.upper(F.trim("value_text")).isin(*ABSENT)
    no_value = (F.col("value_kind") == "null") & (F.col("kind") != "heartbeat")
    is_bad = (severity >= 2) | F.coalesce(absent, F.lit(False)) | F.coalesce(no_value, F.lit(False))
    return F.when(is_bad, "bad").when(severity == 1, "uncertain").otherwise("good")


def _rule() -> Column:
    """The first rule a row breaks, or null. Values are judged only when the status is not bad."""
    usable = F.col("quality") != "bad"
    number = usable & (_numeric() | (F.col("kind") == "counter"))
    scaled = F.col("raw") * F.col("factor") + F.col("offset")
    # A large number may be finite as it was sent and not in our unit: 1e308 kWh are no number of Wh.
    finite = ~F.isnan("raw") & (F.abs("raw") != float("inf")) & F.coalesce(F.abs(scaled) != float("inf"), F.lit(True))
    outside = (F.col("low").isNotNull() & (scaled < F.col("low"))) | (F.col("high").isNotNull() & (scaled > F.col("high")))
    late = F.unix_micros("ts") > F.unix_micros("gateway_ts") + F.col("future_tolerance_us")
    return (
        F.when(F.col("machine").isNull(), "unknown_tag")
        .when(F.col("ts").isNull(), "no_stamp")
        .when(F.col("ts") < F.lit(OLDEST), "too_old")
        .when(F.coalesce(late, F.lit(False)), "future_stamp")
        .when(usable & _numeric() & _wrong_unit(), "wrong_unit")
        .when(number & F.col("raw").isNull(), "wrong_type")
        .when(number & ~finite, "not_finite")
        .when(usable & (F.col("kind") == "counter") & (_integer().isNull() | (_integer() < 0)), "wrong_type")
        .when(usable & _numeric() & F.coalesce(outside, F.lit(False)), "out_of_range")
    )


def _wrong_unit() -> Column:
    """Whether the source names a unit we know that is not the declared one; words we do not know ("deg. C") accuse nobody."""
    known = F.col("unit_raw").isin(*UNITS, *(unit.symbol for unit in UNITS.values()))
    return F.coalesce(known & (F.col("unit_raw") != F.col("source_unit")) & (F.col("unit_raw") != F.col("source_symbol")), F.lit(False))


def _detail() -> Column:
    seen = F.concat(F.lit(" of tag "), F.col("tag"), F.lit(" is "), F.coalesce(F.col("bronze_text"), F.lit("null")))
    stamp = F.concat(F.lit("stamp of tag "), F.col("tag"), F.lit(" is "), F.coalesce(F.col("ts").cast("string"), F.lit("missing")))
    bounds = F.concat_ws(" .. ", F.coalesce(_float_text(F.col("low")), F.lit("-")), F.coalesce(_float_text(F.col("high")), F.lit("-")))
    units = F.concat(F.lit("tag "), F.col("tag"), F.lit(" sends "), F.col("unit_raw"), F.lit(", the plant file says "), F.col("source_unit"))
    return (
        F.when(F.col("rule") == "unknown_tag", F.concat(F.lit("no signal of source "), F.col("source_id"), F.lit(" has tag "), F.col("tag")))
        .when(F.col("rule").isin("no_stamp", "too_old", "future_stamp"), F.concat(stamp, F.lit(", received "), F.col("gateway_ts").cast("string")))
        .when(F.col("rule") == "wrong_unit", units)
        .when(F.col("rule") == "out_of_range", F.concat(F.lit("value"), seen, F.lit(", plausible in "), F.col("unit"), F.lit(": "), bounds))
        .otherwise(F.concat(F.lit("value"), seen, F.lit(", expected a finite "), F.col("kind"), F.lit(" number")))
    )


def _clamped(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Event time of sequence sources: never before the same tag's predecessor, unless the clock was set back by more than an hour."""
    series = ["source_id", "epoch", "tag", "machine"]
    last = known.groupBy(*series).agg(F.max_by("ts", F.struct("seq", "idx")).alias("ts"))
    before = last.withColumns({"seq": F.lit(-1).cast("bigint"), "idx": F.lit(-1), "is_sequence": F.lit(True)})
    sequence = rows.where(F.col("is_sequence")).unionByName(before, allowMissingColumns=True)
    order = W.partitionBy(*series).orderBy("seq", "idx")
    stepped = F.coalesce(F.col("ts") < F.lag("ts").over(order) - F.lit(CLOCK_STEP), F.lit(False)).cast("int")
    run = F.sum("_step").over(order.rowsBetween(W.unboundedPreceding, W.currentRow))
    counted = sequence.withColumn("_step", stepped).withColumn("_run", run)
    so_far = W.partitionBy(*series, "_run").orderBy("seq", "idx").rowsBetween(W.unboundedPreceding, W.currentRow)
    clamped = counted.withColumn("ts", F.max("ts").over(so_far)).where(F.col("seq") >= 0).drop("_step", "_run")
    return rows.where(~F.col("is_sequence")).unionByName(clamped)


def _distinct(rows: DataFrame) -> DataFrame:
    """Each message key once, and each sample once across epochs: a re-subscription or history read brings samples again."""
    once = W.partitionBy(*_KEY, "machine").orderBy("log_id", "log_offset")
    sample = W.partitionBy("source_id", "tag", "machine", "source_ts", "value", "value_i64", "value_text", "status")
    first = F.when(F.col("source_ts").isNotNull(), F.min("epoch").over(sample)).otherwise(F.col("epoch"))
    marked = rows.withColumn("_n", F.row_number().over(once)).withColumn("_first", first)
    return marked.where((F.col("_n") == 1) & (F.col("epoch") == F.col("_first"))).drop("_n", "_first")


def _new(rows: DataFrame, known: DataFrame) -> DataFrame:
    fresh = _new_keys(rows, known, [*_KEY, "machine"])
    seen = known.where(F.col("source_ts").isNotNull()).alias("seen")
    same = [F.col(f"new.{name}").eqNullSafe(F.col(f"seen.{name}")) for name in ("value", "value_i64", "value_text", "quality")]
    match = F.col("new.epoch") != F.col("seen.epoch")
    for name in ("source_id", "tag", "machine", "source_ts"):
        match = match & (F.col(f"new.{name}") == F.col(f"seen.{name}"))
    for condition in same:
        match = match & condition
    return fresh.alias("new").join(seen, match, how="left_anti")


def _new_keys(rows: DataFrame, known: DataFrame, key: list[str]) -> DataFrame:
    return rows.join(known.select(*key), on=key, how="left_anti")


def _known(rows: pa.Table, model: PlantModel) -> Column | None:
    """Silver rows that new bronze rows may repeat, as a message or as a sample of another epoch; of sequence sources, those they may follow too."""
    near = near_hours(rows)
    if not near:
        return None
    wanted = same_messages(rows)
    stamps = _possible(rows["source_ts"])
    if len(stamps):
        wanted |= F.col("source_ts").between(*pc.min_max(stamps).as_py().values())
    followed = [source.source_id for source in model.sources.values() if source.order is SourceOrder.SEQUENCE]
    if followed:
        wanted |= F.col("source_id").isin(*followed)
    return in_days("day", {hour.date() for hour in near}) & in_hours(near) & wanted


def near_hours(rows: pa.Table) -> set[datetime]:
    """The UTC hours of bronze rows and the hours beside them; impossible stamps have none."""
    stamps = _possible(pc.coalesce(rows["source_ts"], rows["server_ts"]))
    hours = pc.unique(pc.floor_temporal(stamps, unit="hour")).to_pylist()
    return {hour + timedelta(hours=step) for hour in hours for step in (-1, 0, 1)}


def _possible(stamps: pa.ChunkedArray) -> pa.ChunkedArray:
    valid = pc.and_(pc.greater_equal(stamps, pa.scalar(OLDEST, stamps.type)), pc.less(stamps, pa.scalar(NEWEST, stamps.type)))
    return stamps.filter(pc.fill_null(valid, False))


def _every_row(_: frozenset[Slice]) -> Column:
    return F.lit(True)


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


_FEED = (Input(bronze.READINGS, bronze.READINGS.column_names, _no_slice, _every_row),)


def _quarantined(rows: pa.Table, _: PlantModel) -> Column:
    """Quarantined rows that new bronze rows may repeat."""
    return same_messages(rows)


READINGS = Refinement("readings", silver.READINGS, _FEED, readings, append=True, known=_known, refused_in=ops.QUARANTINE)
QUARANTINE = Refinement("quarantine", ops.QUARANTINE, _FEED, quarantine, append=True, known=_quarantined)
