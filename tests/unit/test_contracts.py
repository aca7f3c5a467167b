"""Contracts: one declaration, everything else derived and kept in step."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.contracts import TABLES, Column, Table, Type
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.markdown import tables_page
from factolake.contracts.formats.sql import ddl
from factolake.errors import ContractViolation

PAGE = Path(__file__).parents[2] / "docs/reference/tables.md"
SMALL = Table(
    "gold", "small", "one thing", (Column("id", Type.INT64, "Id.", nullable=False), Column("word", Type.STRING, "Word.")), key=("id",), writer="test"
)


def test_the_reference_page_is_what_the_contracts_generate() -> None:
    assert PAGE.read_text(encoding="utf-8") == tables_page(TABLES.values())


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_says_what_a_row_is_and_every_column_what_it_means(table: Table) -> None:
    assert table.grain.startswith(("one ", "the "))
    assert table.key
    assert all(column.doc.endswith(".") for column in table.columns)
    keys_may_be_null = [name for name in table.key if table.column(name).nullable]
    assert keys_may_be_null == []


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_ddl_and_arrow_name_the_same_columns(table: Table) -> None:
    named = re.findall(r"^  (\w+) ", ddl(table), re.M)
    assert named == arrow_schema(table).names == list(table.column_names)


def test_refined_tables_carry_as_of_and_gold_is_visible_to_bi() -> None:
    refined = [t for t in TABLES.values() if t.writer.startswith("refine/")]
    assert refined
    assert all("as_of" in t.column_names for t in refined)
    assert all(t.bi_visible for t in TABLES.values() if t.layer == "gold")


@pytest.mark.parametrize("name", ["Bad", "1st", "a-b", "a b", "x" * 64, ""])
def test_a_bad_physical_name_cannot_be_declared(name: str) -> None:
    with pytest.raises(ValueError, match="must match"):
        Column(name, Type.STRING, "A sentence.")


def test_a_key_must_be_a_column() -> None:
    with pytest.raises(ValueError, match="no columns of it"):
        Table("gold", "t", "one", SMALL.columns, key=("nope",), writer="test")


def test_fit_orders_and_casts_without_loss_and_refuses_the_rest() -> None:
    good = fit(SMALL, pa.table({"word": ["a"], "id": pa.array([7], pa.int32())}))
    assert good.schema.equals(arrow_schema(SMALL))
    with pytest.raises(ContractViolation, match=r"gold\.small\.id"):
        fit(SMALL, pa.table({"word": ["a"], "id": [7.9]}))
    with pytest.raises(ContractViolation, match="null"):
        fit(SMALL, pa.table({"word": ["a"], "id": pa.array([None], pa.int64())}))
    with pytest.raises(ContractViolation, match="missing"):
        fit(SMALL, pa.table({"id": [1]}))
