"""Doctor's judgement: what is said of a source, a part, the spool and a table, given the facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.doctor import (
    Facts,
    PartFacts,
    SignalFacts,
    SourceFacts,
    SpoolFacts,
    TableFacts,
    diagnose,
    judge_part,
    judge_source,
    judge_spool,
    judge_table,
    span,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


SOURCE = SourceFacts("line1", "connected", ago(3600), "", ago(2), 0, ago(1))
PART = PartFacts("edge", True, 4711, ago(3600))
SPOOL = SpoolFacts(0, 0.0, 100, 100)
TABLE = TableFacts("gold.oee_hour", 10.0, None, None)
FACTS = Facts(NOW, "/data", (SOURCE,), ("line1",), (PART,), SPOOL, (TABLE,), 50 * 1024**3)


def test_all_well_is_healthy():
    assert diagnose(FACTS).state == "healthy"


def test_a_connected_source_without_change_for_forty_minutes_says_so_and_since_when():
    finding = judge_source(replace(SOURCE, last_value=ago(2400)), NOW)
    assert (finding.state, finding.since) == ("degraded", ago(2400))
    assert finding.cause == "connected, no change for 40 min"


def test_a_closed_session_for_forty_minutes_is_another_sentence():
    finding = judge_source(replace(SOURCE, state="disconnected", since=ago(2400), cause="session closed by the server"), NOW)
    assert (finding.state, finding.cause) == ("down", "session closed by the server for 40 min")


def test_an_old_health_file_means_a_dead_gateway_whatever_it_says():
    finding = judge_source(replace(SOURCE, written=ago(120)), NOW)
    assert finding.state == "down"
    assert "the gateway has said nothing for 2 min" in finding.cause


@pytest.mark.parametrize(("produced_s", "stuck"), [(299.0, []), (300.0, []), (300.000001, ["L1-M3 good_count"])])
def test_a_signal_is_stuck_beyond_its_limit_and_stands_with_the_sources(produced_s, stuck):
    report = diagnose(replace(FACTS, signals=(SignalFacts("L1-M3", "good_count", ago(3600), produced_s, 300.0),)))
    assert [row["name"] for row in report.document()["sources"]] == ["line1", *stuck]
    assert report.state == ("degraded" if stuck else "healthy")


def test_a_recording_at_its_end_is_quiet_and_healthy():
    assert judge_source(replace(SOURCE, last_value=ago(2400), recorded=True), NOW).state == "healthy"


def test_unreadable_nodes_degrade_a_connected_source():
    finding = judge_source(replace(SOURCE, nodes_bad=3), NOW)
    assert (finding.state, "3 nodes" in finding.cause) == ("degraded", True)


def test_a_source_the_gateway_never_reported_is_down():
    report = diagnose(replace(FACTS, expected_sources=("line1", "line2")))
    assert [(f.name, f.state) for f in report.findings if f.name == "line2"] == [("line2", "down")]


@pytest.mark.parametrize(
    ("part", "state", "word"),
    [
        (PART, "healthy", "process 4711"),
        (replace(PART, pid=None), "down", "factolake up"),
        (replace(PART, pid=None, supervisor_state="backoff", supervisor_cause="exit code 1: no spool"), "down", "no spool"),
        (replace(PART, pid=None, supervisor_state="failed", supervisor_cause="exit code 78: bad key"), "down", "stays down"),
        (replace(PART, restarts=2), "healthy", "restarts: 2"),
    ],
)
def test_a_part_is_judged_by_its_living_process_and_the_supervisor(part, state, word):
    finding = judge_part(part)
    assert finding.state == state
    assert word in finding.cause


def test_a_part_nobody_wants_is_not_missed():
    assert diagnose(replace(FACTS, parts=(PART, PartFacts("engine", False, None, None)))).state == "healthy"


@pytest.mark.parametrize(
    ("spool", "state", "word"),
    [
        (SPOOL, "healthy", "all 100"),
        (SpoolFacts(5, 2.0, 105, 100), "healthy", "5 records wait"),
        (SpoolFacts(5, 90.0, 105, 100), "degraded", "90 s"),
        (SpoolFacts(5, 90.0, 5, None), "degraded", "5 records wait"),
        (SpoolFacts(0, 0.0, 7, 100), "down", "replaced"),
    ],
)
def test_the_spool_is_judged_by_what_waits_and_how_long(spool, state, word):
    finding = judge_spool(spool, NOW)
    assert finding.state == state
    assert word in finding.cause


@pytest.mark.parametrize(("late_s", "state"), [(5, "healthy"), (39, "healthy"), (41, "degraded")])
def test_a_table_is_late_beyond_four_times_its_target(late_s, state):
    finding = judge_table(TableFacts("gold.oee_hour", 10.0, "silver.counts", ago(late_s)), NOW)
    assert finding.state == state
    assert "behind silver.counts (target 10 s)" in finding.cause


def test_little_disk_space_degrades():
    assert diagnose(replace(FACTS, disk_free_bytes=100 * 1024**2)).state == "degraded"


def test_the_report_lists_sources_and_parts_with_state_since_and_cause():
    document = diagnose(FACTS).document()
    assert [row["name"] for row in document["sources"]] == ["line1"]
    assert {"edge", "spool", "gold.oee_hour", "disk"} == {row["name"] for row in document["parts"]}
    assert all({"state", "since", "cause"} <= row.keys() for row in (*document["sources"], *document["parts"]))


@pytest.mark.parametrize(("seconds", "words"), [(12, "12 s"), (2400, "40 min"), (12_600, "3.5 h"), (259_200, "3 days")])
def test_spans_are_in_words(seconds, words):
    assert span(seconds) == words
