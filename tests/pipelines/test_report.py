"""Reports of the refinery loop arrive in a real Dagster instance, seldom, and its log stays small."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from pipelines.report import DagsterReporter

T0 = datetime(2026, 3, 2, 5, tzinfo=UTC)
KEY = dg.AssetKey(["gold", "oee_shift"])


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return tmp_path


def events(home: Path, key: dg.AssetKey = KEY) -> list[dg.AssetMaterialization]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        records = instance.fetch_materializations(key, limit=100).records
    return [record.asset_materialization for record in records if record.asset_materialization]


def test_a_report_is_a_materialisation_with_version_rows_and_time(home: Path) -> None:
    reporter = DagsterReporter(home)
    assert reporter.report("gold.oee_shift", 7, 3, T0)
    reporter.close()
    (event,) = events(home)
    assert {name: value.value for name, value in event.metadata.items()} == {"version": 7, "rows_written": 3, "as_of": T0.isoformat()}


def test_a_table_is_reported_at_most_once_a_minute(home: Path) -> None:
    seconds = Seconds()
    reporter = DagsterReporter(home, monotonic=seconds)
    sent = []
    for at in (0, 30, 59, 60, 61):
        seconds.now = at
        sent.append(reporter.report("gold.oee_shift", at, 1, T0))
    assert reporter.report("gold.losses", 1, 1, T0), "every table has its own minute"
    reporter.close()
    assert sent == [True, False, False, True, False]
    assert [event.metadata["version"].value for event in events(home)] == [60, 0]


def test_the_log_is_pruned_to_each_assets_newest(home: Path) -> None:
    reporter = DagsterReporter(home, every_s=0, keep_events=6)
    for version in range(20):
        reporter.report("gold.oee_shift", version, 1, T0)
        reporter.report("gold.losses", version, 1, T0)
    reporter.close()
    kept = [event.metadata["version"].value for event in events(home)]
    assert kept[0] == 19 and len(kept) <= 4
    assert events(home, dg.AssetKey(["gold", "losses"]))[0].metadata["version"].value == 19


def test_without_a_dagster_home_reports_go_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert not DagsterReporter().report("gold.oee_shift", 1, 1, T0)
    assert not DagsterReporter(tmp_path / "absent").report("gold.oee_shift", 1, 1, T0)
    assert not (tmp_path / "absent").exists()


def test_a_broken_dagster_does_not_disturb_the_loop(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: [this is no instance\n")
    assert not DagsterReporter(tmp_path).report("gold.oee_shift", 1, 1, T0)
