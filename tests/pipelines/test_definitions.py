"""The asset graph: loads whole, has the shape on record, and its assets do what their tables need."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from factolake.config import load_plant
from factolake.contracts import TABLES
from factolake.contracts.formats.checks import checks_of
from factolake.contracts.gold import OEE_HOUR, OEE_SHIFT, SCHEDULE
from factolake.contracts.gold_alerts import ALERT_QUALITY
from factolake.contracts.silver import DOWNTIME
from factolake.contracts.silver_scores import SCORES
from factolake.lake.tables import Lake
from pipelines.assets.days import DaySpan, day_span, production_days, slices_in
from pipelines.assets.shape import asset_key
from pipelines.definitions import build
from pipelines.resources import LakeResource
from pipelines.turn import table_turn

GRAPH = Path(__file__).parent / "asset_graph.json"
PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build("Europe/Berlin")


@pytest.fixture
def lake(tmp_path: Path) -> LakeResource:
    return LakeResource(home=str(tmp_path), plant_file=str(PLANT), turn_wait_s=0.2)


def test_the_whole_graph_loads(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    assert defs.resolve_asset_graph().get_all_asset_keys() >= {asset_key(table) for table in TABLES.values()}


def shape_of(defs: dg.Definitions) -> dict[str, list[str]]:
    graph = defs.resolve_asset_graph()
    return {key.to_user_string(): sorted(p.to_user_string() for p in graph.get(key).parent_keys) for key in sorted(graph.get_all_asset_keys())}


def test_keys_and_dependencies_are_those_on_record(defs: dg.Definitions) -> None:
    """A changed graph is a reviewed diff: after a change on purpose run this file as a script."""
    found, expected = shape_of(defs), json.loads(GRAPH.read_text(encoding="utf-8"))
    assert sorted(found) == sorted(expected)
    assert found == expected


def test_every_table_is_an_asset_that_says_whose_it_is_and_what_it_holds(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for table in TABLES.values():
        node = graph.get(asset_key(table))
        assert node.group_name == table.layer and list(node.owners) == [f"team:{table.owner}"]
        assert table.grain in str(node.description) and all(f"`{name}`" in str(node.description) for name in table.key)
        assert node.is_materializable == (table.writer.startswith("refine/") or table in (SCHEDULE, SCORES))
        assert (node.freshness_policy is None) == (table.freshness_target_s is None)
        if node.is_partitioned:
            assert table.slice_by


def test_every_contract_check_is_an_asset_check_and_blocks_where_wrong_data_would_spread(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    expected = {dg.AssetCheckKey(asset_key(t), spec.name): spec.blocking for t in TABLES.values() for spec in checks_of(t)}
    assert {key: graph.get_check_spec(key).blocking for key in graph.asset_check_keys} == expected
    assert expected[dg.AssetCheckKey(asset_key(OEE_SHIFT), "unique_key")]


@pytest.mark.parametrize(
    ("zone", "name"), [("Europe/Berlin", "Europe/Berlin"), ("UTC+05:00", "Etc/GMT-5"), ("UTC-03:00", "Etc/GMT+3"), ("UTC+05:30", "Etc/UTC")]
)
def test_today_is_a_partition_in_the_plant_s_time_zone(zone: str, name: str) -> None:
    days = production_days(zone)
    assert days.timezone == name
    assert days.get_partition_keys(current_time=datetime(2026, 3, 2, 12, tzinfo=UTC))[-1] == "2026-03-02"


def test_a_production_day_reaches_to_the_end_of_its_night_shift() -> None:
    span = day_span(load_plant(PLANT), date(2026, 3, 2), date(2026, 3, 2))
    assert span.from_ts == datetime(2026, 3, 1, 23, tzinfo=UTC), "local midnight"
    assert span.to_ts == datetime(2026, 3, 3, 5, tzinfo=UTC), "end of the shift that began on the day"


def test_only_slices_of_the_day_are_chosen() -> None:
    start = datetime(2026, 3, 1, 23, tzinfo=UTC)
    span = DaySpan(date(2026, 3, 2), date(2026, 3, 2), start, start + timedelta(hours=24))
    hours = {("M1", start + timedelta(hours=n)) for n in (-1, 0, 23, 24)}
    assert {(row[1] - start) // timedelta(hours=1) for row in slices_in(OEE_HOUR, hours, span)} == {0, 23}
    shifts = {("L1", date(2026, 3, day), "early") for day in (1, 2, 3)}
    assert slices_in(OEE_SHIFT, shifts, span) == {("L1", date(2026, 3, 2), "early")}
    utc_days = {("M1", date(2026, 3, day)) for day in (0 + 1, 2, 3)} | {("M1", date(2026, 2, 28))}
    assert slices_in(DOWNTIME, utc_days, span) == {("M1", date(2026, 3, 1)), ("M1", date(2026, 3, 2))}
    weeks = {("M1", date(2026, 2, 23)), ("M1", date(2026, 3, 2)), ("M1", date(2026, 3, 9))}
    assert slices_in(ALERT_QUALITY, weeks, span) == {("M1", date(2026, 3, 2))}
    sunday = DaySpan(date(2026, 3, 8), date(2026, 3, 9), start + timedelta(days=6), start + timedelta(days=8))
    assert slices_in(ALERT_QUALITY, weeks, sunday) == {("M1", date(2026, 3, 2)), ("M1", date(2026, 3, 9))}


def test_while_the_refinery_loop_is_in_a_pass_today_is_left_to_it_and_a_backfill_fails(defs: dg.Definitions, lake: LakeResource) -> None:
    asset = next(a for a in defs.assets or [] if isinstance(a, dg.AssetsDefinition) and asset_key(OEE_SHIFT) in a.keys)
    sources = [dg.AssetSpec(asset_key(table)) for table in TABLES.values() if asset_key(table) in asset.asset_deps[asset_key(OEE_SHIFT)]]
    with table_turn(lake.settings().run_dir, lambda: True):
        key = production_days("Europe/Berlin").get_last_partition_key()
        result = dg.materialize([asset, *sources], selection=[asset], partition_key=key, resources={"lake": lake})
        past = dg.materialize([asset, *sources], selection=[asset], partition_key="2026-03-02", resources={"lake": lake}, raise_on_error=False)
    (event,) = result.asset_materializations_for_node(asset.node_def.name)
    assert result.success and "refinery loop" in str(event.metadata["note"].value)
    assert not past.success, "a backfill that was not done must not look done"
    assert not Lake(lake.settings().lake_root).exists(OEE_SHIFT)


if __name__ == "__main__":
    GRAPH.write_text(json.dumps(shape_of(build("Europe/Berlin")), indent=1, sort_keys=True) + "\n", encoding="utf-8")
