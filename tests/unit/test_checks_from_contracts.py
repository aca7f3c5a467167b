"""Checks derived from contracts: each finds the row that breaks it and leaves the others alone."""

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest

from factolake.contracts import TABLES
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.checks import Severity, checks_of
from factolake.contracts.gold import LOSSES, LOSSES_IN_ORDER, OEE_HOUR, OEE_SHIFT
from factolake.contracts.table import Column, Table, Type
from pipelines.checks import CheckResult, judge, run_checks

T0 = datetime(2026, 3, 2, 5, tzinfo=UTC)
PLAIN = {Type.STRING: "x", Type.INT32: 1, Type.INT64: 0, Type.FLOAT64: 0.0, Type.BOOL: False, Type.TIMESTAMP: T0, Type.DATE: T0.date()}


def row(table: Table, **given: object) -> dict[str, object]:
    return {c.name: None if c.nullable else (c.values[0] if c.values else PLAIN[c.type]) for c in table.columns} | given


def data(table: Table, *rows: dict[str, object]) -> pa.Table:
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(table)])
    return pa.Table.from_pylist(list(rows), schema=schema)


def failing(table: Table, rows: pa.Table, **others: pa.Table) -> dict[str, CheckResult]:
    with duckdb.connect(":memory:") as connection:
        for name, content in {table.name.replace(".", "_"): rows, **others}.items():
            connection.register(f"arrow_{name}", content)
            layer, _, short = name.partition("_")
            connection.sql(f"CREATE SCHEMA IF NOT EXISTS {layer}; CREATE VIEW {layer}.{short} AS SELECT * FROM arrow_{name}")
        results = run_checks(lambda sql: connection.sql(sql).to_arrow_table(), table)
        return {result.name: result for result in results if not result.passed}


@pytest.mark.parametrize("name", TABLES)
def test_every_check_of_every_table_is_sql_that_passes_on_no_rows(name: str) -> None:
    table = TABLES[name]
    others = {"gold_oee_shift": data(OEE_SHIFT)} if table is LOSSES else {}
    assert failing(table, data(table), **others) == {}
    assert {"not_null", "unique_key"} <= {spec.name for spec in checks_of(table)}


def test_a_row_as_the_contract_wants_it_passes() -> None:
    assert failing(OEE_HOUR, data(OEE_HOUR, row(OEE_HOUR))) == {}


@pytest.mark.parametrize(
    ("check", "given", "says"),
    [
        ("not_null", {"machine": None}, "machine"),
        ("in_bounds", {"availability": 1.2}, "availability >= 0 and <= 1"),
        ("in_bounds", {"gq": -1, "pq": 0}, "gq >= 0"),
        ("finite", {"effectiveness": float("inf")}, "effectiveness"),
        ("busy_time_adds_up", {"pbt_us": 60, "pot_us": 60, "apt_us": 59}, "parts sum to 59 us, pbt_us is 60 us"),
        ("busy_time_follows_the_plan", {"pbt_us": 60, "apt_us": 60, "pot_us": 61}, "pbt_us is 60"),
    ],
)
def test_a_broken_row_is_found_and_named(check: str, given: dict[str, object], says: str) -> None:
    found = failing(OEE_HOUR, data(OEE_HOUR, row(OEE_HOUR, machine="good"), row(OEE_HOUR, **{"machine": "bad", **given})))
    assert set(found) == {check}
    assert found[check].failing_rows == 1 and found[check].sample[0]["failed"] == says


def test_a_word_outside_its_closed_set_is_found() -> None:
    table = TABLES["silver.machine_states"]
    found = failing(table, data(table, row(table, state="asleep", duration_us=1)))
    assert set(found) == {"in_closed_set"}


def test_two_rows_with_one_key_are_one_finding_and_only_a_warning_in_bronze() -> None:
    found = failing(OEE_HOUR, data(OEE_HOUR, row(OEE_HOUR), row(OEE_HOUR)))
    assert found["unique_key"].sample[0]["failed"] == "2 rows with one key" and found["unique_key"].spec.blocking
    bronze = {spec.name: spec for spec in checks_of(TABLES["bronze.readings"])}
    assert bronze["unique_key"].severity is Severity.WARN and not bronze["unique_key"].blocking


@pytest.mark.parametrize(("good_us", "parts", "is_found"), [(60, 12, False), (59, 12, True), (60, 11, True)])
def test_losses_sum_to_the_shift_s_busy_time(good_us: int, parts: int, is_found: bool) -> None:
    names = [*LOSSES_IN_ORDER][-parts:]
    key = {"machine": "M1", "production_day": date(2026, 3, 2), "shift": "early"}
    rows = [row(LOSSES, **key, loss=name, duration_us=good_us if name == "good" else 0) for name in names]
    shift = row(OEE_SHIFT, equipment="M1", production_day=date(2026, 3, 2), shift="early", pbt_us=60, pot_us=60, apt_us=60)
    found = failing(LOSSES, data(LOSSES, *rows), gold_oee_shift=data(OEE_SHIFT, shift))
    assert set(found) == ({"losses_add_up"} if is_found else set())


def test_a_part_of_a_table_is_checked_alone() -> None:
    rows = data(OEE_HOUR, row(OEE_HOUR, availability=2.0, day=date(2026, 3, 1)), row(OEE_HOUR))
    with duckdb.connect(":memory:") as connection:
        connection.register("arrow", rows)
        connection.sql("CREATE SCHEMA gold; CREATE VIEW gold.oee_hour AS SELECT * FROM arrow")

        def query(sql: str) -> pa.Table:
            return connection.sql(sql).to_arrow_table()

        assert all(result.passed for result in run_checks(query, OEE_HOUR, where="day = DATE '2026-03-02'"))
        assert not all(result.passed for result in run_checks(query, OEE_HOUR, where="day = DATE '2026-03-01'"))


def test_the_judge_stops_wrong_data_before_it_is_committed() -> None:
    assert judge(OEE_HOUR, data(OEE_HOUR, row(OEE_HOUR))) == []
    (sentence,) = judge(OEE_HOUR, data(OEE_HOUR, row(OEE_HOUR), row(OEE_HOUR)))
    assert "gold.oee_hour: unique_key fails for 1 rows" in sentence
    assert judge(OEE_HOUR, data(OEE_HOUR, row(OEE_HOUR, availability=2.0))) == [], "out of bounds is shown, it does not stop the table"


def test_names_and_words_with_quotes_survive_in_the_sql() -> None:
    table = Table("ops", "odd", "one row", (Column("select", Type.STRING, "A.", nullable=False, values=("it's",)),), key=("select",), writer="x")
    assert failing(table, data(table, {"select": "it's"})) == {}
    assert set(failing(table, data(table, {"select": "its"}))) == {"in_closed_set"}
