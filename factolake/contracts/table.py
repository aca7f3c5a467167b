"""A Delta table as a frozen value: what a row is, its columns with unit and range, its key, writer and upkeep.

Nothing here knows Arrow, Spark or SQL; `formats/` derives those.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
LAYERS = ("bronze", "silver", "gold", "ops")


class Type(StrEnum):
    """Logical column types; every format maps all of them."""

    STRING = "string"
    INT32 = "int32"
    INT64 = "int64"
    DECIMAL20 = "decimal20"
    QUANTITY = "decimal(15,4)"
    MEASURE = "decimal(15,6)"
    FLOAT64 = "float64"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    DATE = "date"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: physical name, type, a sentence, and the bounds its checks are made from.

    `unit` is a UNECE code or a word (`us`, `parts`); `low` and `high` bound the value, both inclusive; `values` is a closed set.
    """

    name: str
    type: Type
    doc: str
    unit: str | None = None
    nullable: bool = True
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"column name {self.name!r} must match {_NAME.pattern}")


@dataclass(frozen=True, slots=True)
class Table:
    """One Delta table.

    `grain` says in words what a row is. `slice_by` names the columns whose values select what one refinement rewrites
    (empty for append-only tables). Rows go `retention_days` after the time in their column `kept_since` (None: never);
    `freshness_target_s` is what doctor and Dagster measure by.
    """

    layer: str
    short_name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    writer: str
    owner: str = "plant-engineering"
    partition_by: tuple[str, ...] = ()
    slice_by: tuple[str, ...] = ()
    retention_days: int | None = None
    kept_since: str = ""
    freshness_target_s: int | None = None
    bi_visible: bool = False

    def __post_init__(self) -> None:
        if self.layer not in LAYERS:
            raise ValueError(f"layer of {self.short_name!r} is {self.layer!r}; allowed: {', '.join(LAYERS)}")
        if not _NAME.match(self.short_name):
            raise ValueError(f"table name {self.short_name!r} must match {_NAME.pattern}")
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: a column is declared twice: {sorted({n for n in names if names.count(n) > 1})}")
        aged_by = () if self.retention_days is None else (self.kept_since,)
        strangers = [n for n in (*self.key, *self.partition_by, *self.slice_by, *aged_by) if n not in names]
        if strangers:
            raise ValueError(f"{self.name}: key, partition, slice or retention names {strangers}, which are no columns of it")

    @property
    def name(self) -> str:
        """`layer.table`."""
        return f"{self.layer}.{self.short_name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}; it has {', '.join(self.column_names)}")


def as_of() -> Column:
    """The column every refined row carries."""
    return Column("as_of", Type.TIMESTAMP, "When this row was computed (UTC).", nullable=False)
