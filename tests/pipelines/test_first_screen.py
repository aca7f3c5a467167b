"""The demo's first screen from rows as the lake gives them: when it is ready, both clocks, the table and the JSON object."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from factolake.config import load_plant
from pipelines.first_screen import Screen, clock_sentences, kpi_rows, loss_rows, percent

MODEL = load_plant(Path(__file__).parents[2] / "conf" / "plant.toml")
START = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)
HOUR_US = 3_600_000_000


def shift(equipment: str, level: str = "WorkUnit", **values: object) -> dict[str, object]:
    row = {
        "line": "L1",
        "equipment": equipment,
        "equipment_level": level,
        "production_day": START.date(),
        "shift": "early",
        "from_ts": START,
        "to_ts": START + dt.timedelta(hours=8),
        "is_complete": True,
        "oee": 0.8,
        "oee_reason": None,
        "availability": 0.9,
        "effectiveness": 0.95,
        "quality_ratio": 0.99,
        "coverage": 1.0,
        "pq": 900,
        "gq": 890,
        "sq": 10,
        "pbt_us": 7 * HOUR_US,
        "unknown_us": 0,
    }
    return {**row, **values}


def clock(system: str, lag_s: float, **values: object) -> dict[str, object]:
    happened = dt.datetime(2026, 3, 2, 8, 12, tzinfo=dt.UTC)
    row = {"machine": "L1-M3", "event_kind": "fault", "happened_ts": happened, "system": system, "is_replayed": False}
    return {**row, "known_ts": happened + dt.timedelta(seconds=lag_s), "lag_us": round(lag_s * 1_000_000), **values}


MACHINES = MODEL.lines["L1"].machines
LOSSES = [{"loss": "fault", "duration_us": HOUR_US}, {"loss": "setup", "duration_us": 0}, {"loss": "good", "duration_us": 6 * HOUR_US}]
SCREEN = Screen(
    [*(shift(machine) for machine in MACHINES), shift("L1", "ProductionLine")],
    LOSSES,
    [clock("legacy-mes", 2400), clock("factolake", 1.8)],
    {"sent": 100, "bronze": 98, "dead_letter": 2, "gaps": 0, "log_id": "x"},
)


def test_a_whole_covered_shift_of_every_machine_is_ready():
    assert SCREEN.is_ready(MODEL)


@pytest.mark.parametrize(
    "screen",
    [
        replace(SCREEN, shifts=SCREEN.shifts[1:]),
        replace(SCREEN, shifts=SCREEN.shifts[:-1]),
        replace(SCREEN, shifts=[*SCREEN.shifts[:-1], shift("L1", "ProductionLine", coverage=0.9)]),
        replace(SCREEN, losses=[]),
    ],
    ids=["a machine lacks", "the line lacks", "too little seen", "no losses yet"],
)
def test_anything_less_is_not(screen):
    assert not screen.is_ready(MODEL)


def test_coverage_weighs_machines_by_their_planned_time():
    rows = [shift("L1-M1", pbt_us=HOUR_US, unknown_us=HOUR_US), shift("L1-M2", pbt_us=3 * HOUR_US), shift("L1", "ProductionLine", unknown_us=HOUR_US)]
    assert Screen(rows, [], [], {}).coverage == 0.75


def test_nothing_planned_has_no_coverage():
    assert Screen([], [], [], {}).coverage is None


def test_both_clocks_stand_in_one_sentence_in_plant_time():
    assert clock_sentences(SCREEN, MODEL) == ["09:12 L1-M3 stopped (fault); FactoLake knew after 1.8 s; legacy-mes at 09:52, 40 min"]


def test_history_played_fast_is_said_to_be_so():
    (sentence,) = clock_sentences(replace(SCREEN, clocks=[clock("factolake", 0.4, is_replayed=True), clock("legacy-mes", 2400)]), MODEL)
    assert "0.4 s from arrival (history, played fast)" in sentence


def test_the_table_begins_with_the_line_and_gives_reasons_for_what_is_empty():
    screen = replace(SCREEN, shifts=[shift("L1-M1", oee=None, oee_reason="no_nameplate"), shift("L1", "ProductionLine")])
    first, second = kpi_rows(screen)
    assert (first["equipment"], first["OEE"]) == ("L1", "80.0 %")
    assert second["OEE"] == "- (no_nameplate)"


def test_losses_are_minutes_and_shares_without_empty_parts():
    assert loss_rows(SCREEN) == [{"part": "fault", "minutes": 60.0, "share": "14.3 %"}, {"part": "good", "minutes": 360.0, "share": "85.7 %"}]


def test_the_json_object_has_exactly_the_promised_keys():
    told = SCREEN.document(MODEL, 12.345)
    assert list(told) == ["lines", "oee", "coverage", "ledger", "alerts", "seconds_to_first_kpi"]
    assert told["lines"] == [{"line": "L1", "path": "acme/bremen/assembly/L1"}]
    assert told["ledger"] == {"sent": 100, "bronze": 98, "dead_letter": 2, "gaps": 0}
    assert told["seconds_to_first_kpi"] == 12.3
    assert [row["equipment"] for row in told["oee"]] == [*MACHINES, "L1"]


def test_no_ratio_is_a_dash():
    assert percent(None) == "-"
