"""What every table made from FactoMES's record shares, and the changes they are all made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from factolake.contracts.bronze import KEY, MESSAGE_KEY
from factolake.contracts.table import Column, Table, Type, as_of

SOURCE_ID = "factomes"
"""Under this source FactoMES's changes are in bronze.events."""
KIND_PREFIX = "mes."
"""How the kind of such an event begins; the noun follows."""

_LOG = (
    Column("log_id", Type.STRING, "Which log its record is in.", nullable=False),
    Column("log_offset", Type.INT64, "Offset of its record.", nullable=False, low=0),
)

MES_CHANGES = Table(
    "silver",
    "mes_changes",
    "one change of one row of FactoMES's record: what was done, by whom, and the row after it",
    (
        *MESSAGE_KEY,
        Column("noun", Type.STRING, "Kind of the row: order, operation, lot and so on.", nullable=False),
        Column("object_id", Type.STRING, "Key of the row in FactoMES, as text.", nullable=False),
        Column("action", Type.STRING, "What was done: order.release.", nullable=False),
        Column("actor", Type.STRING, "Who did it: person, service or agent.", nullable=False),
        Column("changed_ts", Type.TIMESTAMP, "When it was done (UTC).", nullable=False),
        Column("is_removed", Type.BOOL, "Whether the row was taken away.", nullable=False),
        Column("payload", Type.STRING, "The event as JSON text: action, actor, row (null: taken away) and was (the row taken away).", nullable=False),
        Column("change_month", Type.DATE, "First day of the UTC month of changed_ts.", nullable=False),
        *_LOG,
        as_of(),
    ),
    key=KEY,
    writer="refine/mes_changes",
    partition_by=("change_month",),
    freshness_target_s=20,
)


_ABOUT = (
    Column("version", Type.INT32, "FactoMES's version of the row; grows with each change.", nullable=False, low=1),
    Column("changed_ts", Type.TIMESTAMP, "When it was last changed (UTC).", nullable=False),
    Column("changed_by", Type.STRING, "Who changed it last: person, service or agent.", nullable=False),
    Column("last_action", Type.STRING, "What was done last: order.release.", nullable=False),
    Column("created_ts", Type.TIMESTAMP, "When the first change that the lake knows of happened (UTC).", nullable=False),
    Column("removed_ts", Type.TIMESTAMP, "When FactoMES took the row away (UTC); null: it is there."),
    *MESSAGE_KEY,
    Column("created_month", Type.DATE, "First day of the UTC month of created_ts.", nullable=False),
    as_of(),
)


@dataclass(frozen=True, slots=True)
class MesTable:
    """A silver table and the noun of FactoMES it is made from.

    `sources` names FactoMES's column of each column of ours that is called otherwise there.
    """

    noun: str
    table: Table
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that FactoMES's own row fills."""
        return self.table.columns[: -len(_ABOUT)]

    def source(self, column: Column) -> str:
        """FactoMES's name of `column`."""
        return self.sources.get(column.name, column.name)


def key(name: str, doc: str, kind: Type = Type.STRING) -> Column:
    """The key of a row."""
    return Column(name, kind, doc, nullable=False)


def text(name: str, doc: str, *, nullable: bool = True) -> Column:
    """Text; FactoMES's empty text is null where null is allowed."""
    return Column(name, Type.STRING, doc, nullable=nullable)


def number(name: str, doc: str) -> Column:
    """A reference by number."""
    return Column(name, Type.INT64, doc)


def word(name: str, doc: str, *values: str, nullable: bool = False) -> Column:
    """One of a closed set of words."""
    return Column(name, Type.STRING, doc, nullable=nullable, values=values)


def quantity(name: str, doc: str, *, nullable: bool = False) -> Column:
    """A quantity in the material's base unit."""
    return Column(name, Type.QUANTITY, doc, unit="base_unit", nullable=nullable)


def stamp(name: str, doc: str, *, nullable: bool = True) -> Column:
    """A moment."""
    return Column(name, Type.TIMESTAMP, f"{doc} (UTC).", nullable=nullable)


def whole(name: str, doc: str, *, nullable: bool = False) -> Column:
    """A small whole number."""
    return Column(name, Type.INT32, doc, nullable=nullable)


def flag(name: str, doc: str) -> Column:
    """Yes or no."""
    return Column(name, Type.BOOL, doc, nullable=False)


def of(noun: str, short_name: str, grain: str, columns: tuple[Column, ...], **sources: str) -> MesTable:
    """The table of one noun; its first column is the key."""
    table = Table(
        "silver",
        short_name,
        f"one {grain}, as FactoMES now has it",
        (*columns, *_ABOUT),
        key=(columns[0].name,),
        writer=f"refine/{short_name}",
        partition_by=("created_month",),
        slice_by=(columns[0].name,),
        freshness_target_s=30,
        bi_visible=True,
    )
    return MesTable(noun, table, sources)


EQUIPMENT = text("equipment", "Equipment (line or machine).", nullable=False)
MATERIAL = text("material_id", "Material (ISA-95 MaterialDefinition); product_id in the states and counts.", nullable=False)
OPERATION = text("operation_id", "Operation.", nullable=False)
LOT = text("lot_id", "Lot, batch or serial number (ISA-95 MaterialLot).", nullable=False)
REVERSES = number("reverses", "Row that this one takes back; null: none.")
