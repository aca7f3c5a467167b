"""Bronze to silver and quarantine: every kind of bad input ends as a counted row with a reason, every good one arrives once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.config import load_plant
from factolake.contracts import bronze, ops, silver
from factolake.contracts.formats.arrow import arrow_schema, fit
from factolake.contracts.formats.spark import to_frame
from factolake.refine.plant_frames import plant_frames
from factolake.refine.readings import near_hours, quarantine, readings
from factolake.refine.refinement import Inputs

T0 = datetime(2026, 11, 22, 10, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "conf"


def message(tag: str, seq: int, ts: datetime | None, **fields: object) -> dict[str, object]:
    row: dict[str, object] = {
        "source_id": "line1-opcua",
        "epoch": 1,
        "seq": seq,
        "idx": 0,
        "tag": tag,
        "value_kind": "f64",
        "status": 0,
        "flags": 0,
        "source_ts": ts,
        "server_ts": ts,
        "gateway_ts": T0 + timedelta(hours=2),
        "log_id": "log",
        "log_offset": seq,
        "ingest_ts": T0,
        "ingest_date": T0.date(),
    }
    return {**row, **fields}


class Bench:
    """Runs both transforms on a list of messages against what silver already holds."""

    def __init__(self, spark, plant: str = "plant.toml") -> None:
        self.spark = spark
        self.plant = plant_frames(spark, load_plant(EXAMPLES / plant))
        self.silver = arrow_schema(silver.READINGS).empty_table()

    def inputs(self, rows: list[dict[str, object]]) -> Inputs:
        feed = pa.Table.from_pylist(rows, arrow_schema(bronze.READINGS))
        feed = feed.append_column("_change_type", pa.array(["insert"] * len(rows))).append_column("_commit_version", pa.array([1] * len(rows)))
        frames = {
            bronze.READINGS.name: to_frame(self.spark, feed),
            silver.READINGS.name: to_frame(self.spark, self.silver),
            ops.QUARANTINE.name: to_frame(self.spark, arrow_schema(ops.QUARANTINE).empty_table()),
        }
        return Inputs(self.spark, frames, self.plant.machines, self.plant, T0)

    def refine(self, *rows: dict[str, object]) -> list[dict[str, object]]:
        made = readings(self.inputs(list(rows))).toArrow()
        made = fit(silver.READINGS, made.append_column("as_of", pa.array([T0] * made.num_rows, pa.timestamp("us", tz="UTC"))))
        self.silver = pa.concat_tables([self.silver, made])
        return sorted(made.to_pylist(), key=lambda row: (row["machine"], row["seq"], row["idx"]))

    def refused(self, *rows: dict[str, object]) -> dict[int, str]:
        return {row["seq"]: row["rule"] for row in quarantine(self.inputs(list(rows))).toArrow().to_pylist()}


@pytest.fixture
def bench(spark) -> Bench:
    return Bench(spark)


def test_a_value_is_mapped_to_its_signal_and_unit(bench: Bench) -> None:
    (row,) = bench.refine(message("L1-M1.Coolant.Temperature", 1, T0, value_f64=68.0))
    assert (row["machine"], row["signal"], row["unit"], row["value"]) == ("L1-M1", "coolant_temp", "CEL", pytest.approx(20.0))
    assert (row["ts"], row["hour_ts"], row["quality"]) == (T0, T0, "good")


def test_state_words_and_counters_keep_their_exact_value(bench: Bench) -> None:
    state, count = bench.refine(
        message("L1-M1.State", 1, T0, value_kind="i64", value_i64=3),
        message("L1-M1.Count.Good", 2, T0, value_kind="i64", value_i64=2**53 + 1),
    )
    assert (state["value_text"], state["value"]) == ("3", None)
    assert count["value_i64"] == 2**53 + 1


def test_a_state_sent_as_a_float_has_the_word_of_its_number(bench: Bench) -> None:
    floats = [3.0, -2.0, 2.5, float("inf"), float("-inf"), float("nan")]
    rows = [message("L1-M1.State", n, T0 + timedelta(seconds=n), value_f64=value) for n, value in enumerate(floats)]
    assert [row["value_text"] for row in bench.refine(*rows)] == ["3", "-2", "2.5", "Infinity", "-Infinity", "NaN"]


def test_every_bad_input_is_refused_with_its_rule_and_the_good_ones_pass(bench: Bench) -> None:
    rows = [
        message("L1-M1.Vibrations", 1, T0, value_f64=1.0),
        message("L1-M1.Vibration", 2, T0, value_f64=float("nan")),
        message("L1-M1.Vibration", 3, T0, value_f64=float("-inf")),
        message("L1-M1.Vibration", 4, T0, value_kind="text", value_text="fast"),
        message("L1-M1.Vibration", 5, T0 + timedelta(hours=3), value_f64=1.0),
        message("L1-M1.Vibration", 6, datetime(1970, 1, 1, tzinfo=UTC), value_f64=1.0),
        message("L1-M1.Vibration", 7, None, value_f64=1.0),
        message("L1-M1.Vibration", 8, T0, value_f64=1e9),
        message("L1-M1.Count.Good", 9, T0, value_f64=7.9),
        message("L1-M1.Count.Good", 10, T0, value_kind="i64", value_i64=-12),
        message("L1-M1.Vibration", 11, T0, value_kind="text", value_text=" 2.5 "),
        message("L1-M1.Vibration", 12, T0 + timedelta(seconds=1), value_f64=-0.0),
    ]
    assert bench.refused(*rows) == {
        1: "unknown_tag",
        2: "not_finite",
        3: "not_finite",
        4: "wrong_type",
        5: "future_stamp",
        6: "too_old",
        7: "no_stamp",
        8: "out_of_range",
        9: "wrong_type",
        10: "wrong_type",
    }
    assert [(row["seq"], row["value"]) for row in bench.refine(*rows)] == [(11, 2.5), (12, 0.0)]


def test_counters_no_64_bits_can_hold_are_refused_and_stop_nobody(bench: Bench) -> None:
    def count(seq: int, **fields: object) -> dict[str, object]:
        return message("L1-M1.Count.Good", seq, T0 + timedelta(seconds=seq), **fields)

    rows = [
        count(1, value_kind="u64", value_u64=Decimal(2**64 - 1)),
        count(2, value_f64=2.0**63),
        count(3, value_f64=-1e300),
        count(4, value_kind="text", value_text="9223372036854775808"),
        count(5, value_kind="i64", value_i64=2**63 - 1),
        count(6, value_f64=2.0**62),
    ]
    assert bench.refused(*rows) == {1: "wrong_type", 2: "wrong_type", 3: "wrong_type", 4: "wrong_type"}
    assert [(row["seq"], row["value_i64"]) for row in bench.refine(*rows)] == [(5, 2**63 - 1), (6, 2**62)]


@pytest.mark.parametrize("word", ["5F", "1d", "0x1p3", "1_000", "1,5", "e3", ".", "+", "1e", "nano"])
def test_a_word_that_looks_like_a_number_to_java_is_no_number(bench: Bench, word: str) -> None:
    assert bench.refused(message("L1-M1.Vibration", 1, T0, value_kind="text", value_text=word)) == {1: "wrong_type"}


def test_a_source_that_names_another_unit_than_declared_is_refused(bench: Bench) -> None:
    # The coolant is declared in degrees Fahrenheit (FAH, °F); an unknown word proves nothing, a bad status is no value to judge.
    units = ["FAH", "°F", None, "degr. F", "CEL", "°C", "BAR"]
    rows = [message("L1-M1.Coolant.Temperature", n, T0 + timedelta(seconds=n), value_f64=68.0, unit_raw=unit) for n, unit in enumerate(units)]
    rows.append(message("L1-M1.Coolant.Temperature", 9, T0, value_kind="null", status=0x80310000, unit_raw="CEL"))
    assert bench.refused(*rows) == {4: "wrong_unit", 5: "wrong_unit", 6: "wrong_unit"}
    assert [row["seq"] for row in bench.refine(*rows)] == [0, 1, 2, 3, 9]
    (bad,) = (row for row in quarantine(bench.inputs(rows)).toArrow().to_pylist() if row["seq"] == 4)
    assert bad["detail"] == "tag L1-M1.Coolant.Temperature sends CEL, the plant file says FAH"


def test_numbers_as_text_are_read_however_they_are_written(bench: Bench) -> None:
    texts = ["12.", ".5", "+7", "-0.5e1", "3E+0", "\t4 "]
    rows = [message("L1-M1.Coolant.Temperature", n, T0, value_kind="text", value_text=t) for n, t in enumerate(texts)]
    found = [row["value"] * 9 / 5 + 32 for row in bench.refine(*rows)]
    assert found == pytest.approx([12.0, 0.5, 7.0, -5.0, 3.0, 4.0])
    never = [message("L1-M1.Vibration", n, T0, value_kind="text", value_text=t) for n, t in enumerate(["NaN", "-inf", "Infinity", "1e400"])]
    assert set(bench.refused(*never).values()) == {"not_finite"}


def test_a_number_too_large_for_our_unit_is_refused(spark, bench: Bench) -> None:
    signals = [
        replace(s, source_unit="KWH", unit="WHR", low=None, high=None) if s.tag == "L1-M1.Coolant.Temperature" else s
        for s in bench.plant.model.signals
    ]
    bench.plant = plant_frames(spark, replace(bench.plant.model, signals=tuple(signals)))
    rows = [message("L1-M1.Coolant.Temperature", n, T0, value_f64=value) for n, value in enumerate([1e308, -1e306, 1.5])]
    assert bench.refused(*rows) == {0: "not_finite", 1: "not_finite"}
    assert [row["value"] for row in bench.refine(*rows)] == [1500.0]


def test_a_bad_status_is_no_error_but_a_row_without_value(bench: Bench) -> None:
    row_of = {"value_f64": 5.0, "status": 0x80310000}
    bad, doubtful = bench.refine(message("L1-M1.Vibration", 1, T0, **row_of), message("L1-M1.Power", 2, T0, value_f64=5.0, status=0x40000000))
    assert (bad["quality"], bad["value"]) == ("bad", None)
    assert (doubtful["quality"], doubtful["value"]) == ("uncertain", 5.0)


def test_a_message_landed_twice_is_one_row_in_and_across_runs(bench: Bench) -> None:
    row = message("L1-M1.Power", 1, T0, value_f64=5.0)
    assert len(bench.refine(row, {**row, "log_offset": 9})) == 1
    assert bench.refine({**row, "log_offset": 10}) == []


def test_a_sample_sent_again_under_a_new_epoch_is_dropped_but_a_new_sample_is_not(bench: Bench) -> None:
    bench.refine(message("L1-M1.Power", 1, T0, value_f64=5.0))
    again = message("L1-M1.Power", 1, T0, value_f64=5.0, epoch=2)
    later = message("L1-M1.Power", 2, T0 + timedelta(seconds=1), value_f64=5.0, epoch=2)
    assert [row["seq"] for row in bench.refine(again, later)] == [2]


def test_equal_samples_of_one_epoch_all_stay(bench: Bench) -> None:
    words = [message("L1-M1.State", seq, T0, value_kind="i64", value_i64=value) for seq, value in enumerate((1, 3, 1))]
    assert [row["value_text"] for row in bench.refine(*words)] == ["1", "3", "1"]


def test_a_connection_heartbeat_reaches_every_machine_of_its_source(bench: Bench) -> None:
    rows = bench.refine(message("", 1, None, value_kind="null", flags=4, server_ts=T0))
    assert [row["machine"] for row in rows] == [f"L1-M{n}" for n in range(1, 7)]
    assert {(row["signal"], row["kind"], row["ts"]) for row in rows} == {("connection", "heartbeat", T0)}


def test_known_hours_reach_one_hour_to_both_sides_and_ignore_impossible_stamps() -> None:
    no_end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    stamps = [T0, datetime(1970, 1, 1, tzinfo=UTC), no_end, datetime(1, 1, 1, tzinfo=UTC)]
    rows = pa.Table.from_pylist([message("x", n, ts) for n, ts in enumerate(stamps)], arrow_schema(bronze.READINGS))
    assert near_hours(rows) == {T0.replace(hour=hour, minute=0, second=0) for hour in (9, 10, 11)}
    assert near_hours(rows.slice(0, 0)) == set()


class SequenceBench(Bench):
    """The same on the recorded-machines plant, whose sources are ordered by sequence."""

    def __init__(self, spark) -> None:
        super().__init__(spark, "examples/nist.toml")
        signals = [s for s in self.plant.model.signals if s.machine == "Mazak01" and s.kind == "state"]
        self.signal = signals[0]

    def words(self, *stamped: tuple[int, float, str]) -> list[tuple[int, float]]:
        """(seq, seconds after T0, word) in, (seq, seconds of ts) out."""
        rows = [
            message(self.signal.tag, seq, T0 + timedelta(seconds=s), value_kind="text", value_text=word, source_id=self.signal.source_id)
            for seq, s, word in stamped
        ]
        return [(row["seq"], (row["ts"] - T0).total_seconds()) for row in self.refine(*rows)]


def test_a_sequence_source_that_steps_back_keeps_its_order_within_and_across_runs(spark) -> None:
    #  file order   UNAVAILABLE 10.3   STOPPED 9.9   READY 12      | next run: ACTIVE 11.5
    #  event time               10.3           10.3        12      |                  12
    bench = SequenceBench(spark)
    assert bench.words((1, 10.3, "UNAVAILABLE"), (2, 9.9, "STOPPED"), (3, 12, "READY")) == [(1, 10.3), (2, 10.3), (3, 12)]
    assert bench.words((4, 11.5, "ACTIVE")) == [(4, 12)]


def test_a_step_back_across_the_hour_border_stays_behind_its_predecessor(spark) -> None:
    bench = SequenceBench(spark)
    assert bench.words((1, 0.2, "UNAVAILABLE"), (2, -0.5, "STOPPED")) == [(1, 0.2), (2, 0.2)]


def test_a_clock_set_back_by_more_than_an_hour_is_a_new_clock(spark) -> None:
    bench = SequenceBench(spark)
    assert bench.words((1, 7200, "ACTIVE"), (2, 10, "STOPPED"), (3, 5, "READY")) == [(1, 7200), (2, 10), (3, 10)]
