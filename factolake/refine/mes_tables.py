"""silver.mes_changes to the tables of FactoMES's record: one transform, made for each table from its declaration.

The newest change of a row counts: the one of the latest history of the outbox (epoch), in that the one committed last (seq). A change that
comes late, twice or out of order therefore changes nothing that a newer one has said. Each table is a fold: what it holds of a row, and the
new changes of it, are all that is looked at, however long the history.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from factolake.contracts.bronze import KEY
from factolake.contracts.formats.spark import select_contract
from factolake.contracts.silver_mes import MES_CHANGES, MES_TABLES, MesTable
from factolake.contracts.table import Type
from factolake.domain.plant import PlantModel
from factolake.refine.mes_rows import is_good, typed, with_event
from factolake.refine.refinement import Horizon, Input, Inputs, Refinement, Slice
from factolake.refine.slices import MOST_LISTED

_INTEGER = r"^-?[0-9]{1,18}$"
_COLUMNS = (*KEY, "noun", "object_id", "changed_ts", "payload")


def refinement_of(mes: MesTable) -> Refinement:
    """The refinement of one table."""
    feed = Input(MES_CHANGES, _COLUMNS, _no_slice, lambda _: F.lit(True), only=_of_noun(mes.noun))
    name = mes.table.short_name
    return Refinement(name, mes.table, (feed,), _latest(mes), append=True, known=_held(mes), replaces=True, group_size=2_000)


def _latest(mes: MesTable) -> Callable[[Inputs], DataFrame]:
    """The transform: new changes and held rows to the rows of the keys that changed."""
    key = mes.table.key[0]

    def latest(inputs: Inputs) -> DataFrame:
        new = _rows(mes, inputs.frames[MES_CHANGES.name]).withColumn("_is_new", F.lit(1))
        held = inputs.frames[mes.table.name].select(*new.columns[:-1]).withColumn("_is_new", F.lit(0))
        of_key = W.partitionBy(key)
        # A change read again stands above the row once made from it, so that a new transform makes it anew.
        newest_first = of_key.orderBy(F.desc("epoch"), F.desc("seq"), F.desc("idx"), F.desc("_is_new"))
        told = new.unionByName(held).withColumns({"_place": F.row_number().over(newest_first), "_touched": F.max("_is_new").over(of_key)})
        first = told.withColumn("created_ts", F.min("created_ts").over(of_key)).where((F.col("_place") == 1) & (F.col("_touched") == 1))
        return select_contract(first.withColumn("created_month", F.to_date(F.date_trunc("month", "created_ts"))), mes.table)

    return latest


def _rows(mes: MesTable, changes: DataFrame) -> DataFrame:
    """The good ones of `changes` as rows of the table."""
    read = with_event(changes)
    good = read.where(F.col("content").isNotNull() & is_good(mes))
    removed = F.when(F.col("is_removed"), F.col("changed_ts"))
    about = [
        typed(mes, mes.table.column("version")).alias("version"),
        F.col("changed_ts"),
        F.col("said_actor").alias("changed_by"),
        F.col("said_action").alias("last_action"),
        F.col("changed_ts").alias("created_ts"),
        removed.alias("removed_ts"),
    ]
    return good.select(*(typed(mes, column).alias(column.name) for column in mes.columns), *about, *KEY)


def _of_noun(noun: str) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: rows.filter(pc.equal(rows["noun"], noun))


def _held(mes: MesTable) -> Callable[[pa.Table, PlantModel], Column | None]:
    """Condition for the rows of the keys that changes name; for very many, for all from the first to the last."""
    column = mes.table.column(mes.table.key[0])

    def held(rows: pa.Table, _: PlantModel) -> Column | None:
        keys = pc.unique(rows["object_id"])
        if column.type is Type.INT64:
            keys = keys.filter(pc.match_substring_regex(keys, _INTEGER)).cast(pa.int64())
        if not len(keys):
            return None
        if len(keys) > MOST_LISTED:
            return F.col(column.name).between(*pc.min_max(keys).as_py().values())
        return F.col(column.name).isin(*keys.to_pylist())

    return held


def _no_slice(_: pa.Table, __: Horizon) -> set[Slice]:
    return set()


MES_ROWS: tuple[Refinement, ...] = tuple(refinement_of(mes) for mes in MES_TABLES)
