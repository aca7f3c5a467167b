"""Gold arrives in the MES: whole, once, newest, and what is refused is a dead letter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from mes_rows import T0, hour_row, make_row, put, rows_of, shift_row, state_row

from factolake.contracts.gold import OEE_HOUR, OEE_SHIFT
from factolake.contracts.ops import PLANS
from factolake.contracts.silver import MACHINE_STATES
from factolake.domain.clock import ManualClock
from factolake.errors import ContractViolation, SourceUnavailable
from factolake.lake.tables import Lake
from factolake.mes.sync.batch import snapshot_batch
from factolake.mes.sync.run import Sync
from factolake.mes.sync.schema import BOOKMARKS, DEAD_LETTERS, TABLES, connect
from factolake.mes.sync.store import Store
from factolake.mes.sync.targets import FEEDS

SHIFT_FEED = next(feed for feed in FEEDS if feed.source is OEE_SHIFT)


@pytest.fixture
def sync(lake: Lake, mes_url: str, clock: ManualClock) -> Iterator[Sync]:
    sync = Sync(lake, mes_url, clock)
    yield sync
    sync.close()


def query(url: str, statement: sa.Select[tuple[object, ...]]) -> list[dict[str, object]]:
    engine = connect(url)
    with engine.begin() as connection:
        rows = [dict(row) for row in connection.execute(statement).mappings()]
    engine.dispose()
    return rows


def oee(url: str, span: str = "shift") -> dict[object, object]:
    table = TABLES["lake_oee"]
    return {row["equipment"]: row["gq"] for row in query(url, sa.select(table).where(table.c.span == span))}


def bookmark(url: str, feed: str = "gold.oee_shift") -> dict[str, object]:
    return query(url, sa.select(BOOKMARKS).where(BOOKMARKS.c.feed == feed))[0]


def letters(url: str) -> list[dict[str, object]]:
    return query(url, sa.select(DEAD_LETTERS))


def run_sql(url: str, *statements: str) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_a21_shifts_and_hours_arrive_with_every_value(lake: Lake, sync: Sync, mes_url: str) -> None:
    shift, hour = shift_row(oee=0.1 + 0.2, availability_reason="no_parts"), hour_row(hour=3)
    version = put(lake, OEE_SHIFT, [shift])
    put(lake, OEE_HOUR, [hour])
    assert sync.step().written == 2
    found = {row["span"]: row for row in query(mes_url, sa.select(TABLES["lake_oee"]))}
    for name, value in shift.items():
        assert found["shift"][name] == value, name
    assert found["shift"]["lake_version"] == version
    assert found["hour"]["period"] == "2026-03-02T08:00Z"
    assert (found["hour"]["from_ts"], found["hour"]["to_ts"]) == (T0 + timedelta(hours=3), T0 + timedelta(hours=4))


def test_changes_after_the_snapshot_are_mirrored_and_a_second_step_has_nothing_to_do(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10), shift_row("M2", 20)])
    sync.step()
    put(lake, OEE_SHIFT, [shift_row("M1", 11)], "equipment = 'M1'")
    put(lake, OEE_SHIFT, [], "equipment = 'M2'")
    put(lake, OEE_SHIFT, [shift_row("M3", 30)])
    result = sync.step().feeds[0]
    assert (result.applied.written, result.applied.deleted, result.mismatched) == (2, 1, 0)
    assert oee(mes_url) == {"M1": 11, "M3": 30}
    assert sync.step().feeds == ()


def test_a_row_removed_and_brought_back_within_one_batch_stays(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10)])
    sync.step()
    put(lake, OEE_SHIFT, [], "equipment = 'M1'")
    put(lake, OEE_SHIFT, [shift_row("M1", 12)])
    sync.step()
    assert oee(mes_url) == {"M1": 12}


def test_a_slice_rewritten_with_the_same_rows_writes_only_what_changed(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, MACHINE_STATES, [state_row("M1", minute) for minute in range(50)])
    sync.step()
    later = T0 + timedelta(hours=1)
    rows = [state_row("M1", minute, "fault" if minute == 7 else "producing", as_of=later) for minute in range(49)]
    version = put(lake, MACHINE_STATES, rows, "machine = 'M1'")
    (result,) = sync.step().feeds
    assert (result.applied.written, result.applied.deleted) == (1, 1)
    table = TABLES["lake_machine_state"]
    found = query(mes_url, sa.select(table).where(table.c.lake_version == version))
    assert [(row["from_ts"], row["state"], row["as_of"]) for row in found] == [(T0 + timedelta(minutes=7), "fault", later)]
    assert bookmark(mes_url, "silver.machine_states")["version"] == version


def test_f93_an_older_batch_never_overwrites_a_newer_row(lake: Lake, sync: Sync, mes_url: str, clock: ManualClock) -> None:
    first = put(lake, OEE_SHIFT, [shift_row("M1", 10)])
    old_batch = snapshot_batch(SHIFT_FEED, lake.open(OEE_SHIFT).history, first, rows_of(OEE_SHIFT, [shift_row("M1", 10)]))
    put(lake, OEE_SHIFT, [shift_row("M1", 99)], "equipment = 'M1'")
    sync.step()
    store = Store(connect(mes_url))
    assert store.apply(old_batch, clock.now()).superseded
    assert oee(mes_url) == {"M1": 99}
    # Even with the bookmark lost the row's own version guards it.
    run_sql(mes_url, "DELETE FROM lake_bookmark")
    assert store.apply(old_batch, clock.now()).kept_newer == 1
    assert oee(mes_url) == {"M1": 99}


def test_a_lost_bookmark_is_healed_by_comparing_the_whole_table(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10), shift_row("M2", 20)])
    put(lake, OEE_HOUR, [hour_row("M1", gq=7)])
    sync.step()
    put(lake, OEE_SHIFT, [], "equipment = 'M2'")
    run_sql(mes_url, "DELETE FROM lake_bookmark WHERE feed = 'gold.oee_shift'")
    sync.step()
    assert oee(mes_url) == {"M1": 10}
    assert oee(mes_url, "hour") == {"M1": 7}, "the hours share the table and are another feed's"


def test_f93_one_refused_row_is_a_dead_letter_and_the_rest_is_applied(lake: Lake, sync: Sync, mes_url: str) -> None:
    rows = [state_row("M1", minute) for minute in range(40)]
    rows[17]["state"] = "asleep"
    put(lake, MACHINE_STATES, rows)
    result = sync.step()
    assert (result.written, result.dead_letters, result.mismatched) == (39, 1, 0)
    assert len(query(mes_url, sa.select(TABLES["lake_machine_state"]))) == 39
    (letter,) = letters(mes_url)
    assert letter["target"] == "lake_machine_state" and letter["reason"] == "refused" and "asleep" in str(letter["row_json"])
    assert "05:17" in str(letter["row_key"]) and letter["resolved_version"] is None
    assert sync.step().feeds == ()


def test_a_dead_letter_is_resolved_when_the_row_comes_right(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, MACHINE_STATES, [state_row("M1", 0, "asleep"), state_row("M2", 0, "asleep")])
    sync.step()
    version = put(lake, MACHINE_STATES, [state_row("M1", 0, "fault")], "machine = 'M1'")
    sync.step()
    assert {("M1" in str(x["row_key"])): x["resolved_version"] for x in letters(mes_url)} == {True: version, False: None}


def test_a_number_that_is_none_is_refused_not_stored_as_null(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", oee=float("nan")), shift_row("M2")])
    assert sync.step().dead_letters == 1
    assert set(oee(mes_url)) == {"M2"} and "oee" in str(letters(mes_url)[0]["detail"])


def test_rows_that_read_back_differently_are_counted_written_again_and_shown(lake: Lake, mes_url: str, clock: ManualClock) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10), shift_row("M2", 20)])
    sync = Sync(lake, mes_url, clock)
    sync.step()
    # What no database should do: a trigger of a third party changes M1 on the way in.
    if mes_url.startswith("sqlite"):
        body = "UPDATE lake_oee SET gq = 777 WHERE equipment = 'M1'"
        run_sql(mes_url, f"CREATE TRIGGER meddle AFTER UPDATE ON lake_oee WHEN new.equipment = 'M1' AND new.gq <> 777 BEGIN {body}; END")
    else:
        function = "CREATE FUNCTION meddle() RETURNS trigger AS $$ BEGIN IF new.equipment = 'M1' THEN new.gq = 777; END IF; RETURN new; END $$"
        run_sql(mes_url, f"{function} LANGUAGE plpgsql", "CREATE TRIGGER meddle BEFORE UPDATE ON lake_oee FOR EACH ROW EXECUTE FUNCTION meddle()")
    put(lake, OEE_SHIFT, [shift_row("M1", 11), shift_row("M2", 21)], "line = 'L1'")
    assert sync.step().mismatched == 1
    sync.close()
    assert oee(mes_url)["M2"] == 21
    assert [(x["reason"], "M1" in str(x["row_key"])) for x in letters(mes_url)] == [("reads_back_differently", True)]
    assert bookmark(mes_url)["mismatches"] == 1


def test_a_commit_nobody_lived_to_read_back_is_compared_by_the_next_step(lake: Lake, sync: Sync, mes_url: str) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10)])
    sync.step()
    version = put(lake, OEE_SHIFT, [shift_row("M1", 11)], "equipment = 'M1'")
    sync.step()
    run_sql(mes_url, "UPDATE lake_bookmark SET verified_version = version - 1", "UPDATE lake_oee SET gq = 5")
    assert sync.step().mismatched == 1
    assert oee(mes_url) == {"M1": 11} and bookmark(mes_url)["verified_version"] == version
    assert letters(mes_url) == []


def test_a_lake_made_anew_replaces_what_the_mes_held(lake: Lake, sync: Sync, mes_url: str, tmp_path: Path) -> None:
    for gq in (10, 11, 12):
        put(lake, OEE_SHIFT, [shift_row("M1", gq), shift_row("M2", gq)], "line = 'L1'")
    sync.step()
    lake.root.rename(tmp_path / "away")
    put(lake, OEE_SHIFT, [shift_row("M1", 1)])
    sync.step()
    assert oee(mes_url) == {"M1": 1}


def test_a_table_of_an_earlier_contract_is_made_anew(lake: Lake, mes_url: str, clock: ManualClock) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10)])
    Sync(lake, mes_url, clock).step()
    run_sql(mes_url, "ALTER TABLE lake_oee ADD COLUMN old_name TEXT")
    sync = Sync(lake, mes_url, clock)
    sync.step()
    sync.close()
    assert oee(mes_url) == {"M1": 10}
    assert "old_name" not in {c["name"] for c in sa.inspect(connect(mes_url)).get_columns("lake_oee")}


def test_a_table_that_lacks_new_columns_is_made_anew_from_a_lake_that_lacks_them_too(lake: Lake, mes_url: str, clock: ManualClock) -> None:
    """The sync of a new release runs before the planner has added the columns to its table; what that writes then arrives."""
    added = ("ways", "hindsight")
    before = replace(PLANS, columns=tuple(column for column in PLANS.columns if column.name not in added))
    put(lake, before, [make_row(before, plan_id="L1-1")])
    Sync(lake, mes_url, clock).step()
    run_sql(mes_url, *(f"ALTER TABLE lake_plan DROP COLUMN {name}" for name in added))
    sync = Sync(lake, mes_url, clock)
    sync.step()
    put(lake, PLANS, [make_row(PLANS, plan_id="L1-2", ways="[]")])
    sync.step()
    sync.close()
    rows = query(mes_url, sa.select(TABLES["lake_plan"]).order_by("plan_id"))
    assert [(row["plan_id"], row["ways"]) for row in rows] == [("L1-1", None), ("L1-2", "[]")]
    assert letters(mes_url) == []


def test_a_table_where_other_columns_may_be_null_is_made_anew(lake: Lake, mes_url: str, clock: ManualClock) -> None:
    put(lake, PLANS, [make_row(PLANS, plan_id="L1-1")])
    Sync(lake, mes_url, clock).step()
    run_sql(mes_url, "CREATE TABLE loose AS SELECT * FROM lake_plan", "DROP TABLE lake_plan", "ALTER TABLE loose RENAME TO lake_plan")
    for made_anew in (("lake_plan",), ()):
        assert Store(connect(mes_url)).prepare() == made_anew
    Sync(lake, mes_url, clock).step()
    assert [row["plan_id"] for row in query(mes_url, sa.select(TABLES["lake_plan"]))] == ["L1-1"]


def test_an_index_that_came_after_its_table_is_made_and_the_rows_stay(lake: Lake, mes_url: str, clock: ManualClock) -> None:
    put(lake, PLANS, [make_row(PLANS, plan_id="L1-1")])
    Sync(lake, mes_url, clock).step()
    run_sql(mes_url, "DROP INDEX lake_plan_by_line_started_ts")
    for _ in range(2):
        sync = Sync(lake, mes_url, clock)
        sync.step()
        sync.close()
    assert [index["column_names"] for index in sa.inspect(connect(mes_url)).get_indexes("lake_plan")] == [["line", "started_ts"]]
    assert [row["plan_id"] for row in query(mes_url, sa.select(TABLES["lake_plan"]))] == ["L1-1"]


def test_two_syncs_side_by_side_leave_one_state(lake: Lake, sync: Sync, mes_url: str, clock: ManualClock) -> None:
    other = Sync(lake, mes_url, clock)
    for gq in range(3):
        put(lake, OEE_SHIFT, [shift_row("M1", gq)], "equipment = 'M1'")
        other.step()
        sync.step()
    other.close()
    assert oee(mes_url) == {"M1": 2}


def test_a_database_that_is_down_is_one_sentence_and_loses_nothing(lake: Lake, clock: ManualClock, tmp_path: Path) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10)])
    (tmp_path / "mes").mkdir()
    (tmp_path / "mes" / "mes.sqlite").mkdir()
    sync = Sync(lake, f"sqlite:///{tmp_path / 'mes' / 'mes.sqlite'}", clock)
    with pytest.raises(SourceUnavailable, match=r"MES database .*mes.sqlite"):
        sync.step()
    (tmp_path / "mes" / "mes.sqlite").rmdir()
    assert sync.step().written == 1
    sync.close()


def test_a_database_emptied_under_a_running_sync_is_filled_again(lake: Lake, clock: ManualClock, tmp_path: Path) -> None:
    put(lake, OEE_SHIFT, [shift_row("M1", 10)])
    url = f"sqlite:///{tmp_path / 'mes.sqlite'}"
    sync = Sync(lake, url, clock)
    sync.step()
    run_sql(url, *(f"DROP TABLE {name}" for name in ("lake_oee", "lake_bookmark")))
    with pytest.raises(SourceUnavailable):
        sync.step()
    sync.step()
    sync.close()
    assert oee(url) == {"M1": 10}


@pytest.mark.postgres
def test_a_role_that_may_not_write_is_told_so(lake: Lake, postgres_url: str, clock: ManualClock) -> None:
    run_sql(
        postgres_url,
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "DROP ROLE IF EXISTS guest",
        "CREATE ROLE guest LOGIN",
        "GRANT USAGE ON SCHEMA public TO guest",
    )
    sync = Sync(lake, postgres_url.replace("postgres:@", "guest:@"), clock)
    with pytest.raises(ContractViolation, match=r"permission denied.*lake_"):
        sync.step()
    sync.close()


@pytest.mark.postgres
def test_text_postgresql_cannot_hold_is_a_dead_letter(lake: Lake, postgres_url: str, clock: ManualClock) -> None:
    run_sql(postgres_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    put(lake, MACHINE_STATES, [state_row("M1", 0, state_raw="a\x00b"), state_row("M2", 0)])
    sync = Sync(lake, postgres_url, clock)
    result = sync.step()
    sync.close()
    assert (result.written, result.dead_letters) == (1, 1)
