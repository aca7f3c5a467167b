"""Charts and codes as values: where things are drawn, and that two independent programs read the codes as what was meant."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import zxingcpp

from factolake.mes.pages.codes import Code, datamatrix, qr
from factolake.mes.pages.control_chart import draw
from factolake.mes.pages.scales import Scale, ticks
from factolake.mes.pages.shift_chart import COLUMNS, Hour, Interval, Shift, draw_bands, draw_counts, time_marks

START = datetime(2026, 3, 2, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHIFT = Shift("early", START, START + 8 * HOUR, START + 4 * HOUR)
COLOURS = {"producing": "good", "fault": "bad"}
IDS = ("PO-1001.10", "L-0000777", "A/B:C 'x'", "L" * 80, "12345678901234567890", "(00)340123450000000018", "Läufer 零件-1")


def image(code: Code, scale: int = 4) -> Any:
    """The drawn path as a picture: black where it says so, white elsewhere."""
    dots = np.full((code.size, code.size), 255, dtype=np.uint8)
    for x, y, run in re.findall(r"M(\d+) (\d+)\.5h(\d+)", code.path):
        dots[int(y), int(x) : int(x) + int(run)] = 0
    return np.kron(dots, np.ones((scale, scale), dtype=np.uint8))


@pytest.mark.parametrize("text", IDS)
def test_a_qr_code_reads_as_what_was_meant(text: str) -> None:
    found = zxingcpp.read_barcodes(image(qr(text)))
    assert [(each.text, each.format) for each in found] == [(text, zxingcpp.BarcodeFormat.QRCode)]


@pytest.mark.parametrize("text", [text for text in IDS if text.isascii()])
def test_a_datamatrix_reads_as_what_was_meant(text: str) -> None:
    made = datamatrix(text)
    assert made is not None
    found = zxingcpp.read_barcodes(image(made))
    assert [(each.text, each.format) for each in found] == [(text, zxingcpp.BarcodeFormat.DataMatrix)]


def test_what_a_code_cannot_hold_is_no_code() -> None:
    assert datamatrix("Läufer") is None
    assert datamatrix("x" * 4000) is None
    for text in ("", "x" * 4000):
        with pytest.raises(ValueError, match=r"id"):
            qr(text)


def test_marks_of_a_scale_are_round_and_within_it() -> None:
    assert ticks(24.991, 25.031, 5) == (25.0, 25.01, 25.02, 25.03)
    assert ticks(-1, 1, 4) == (-1.0, -0.5, 0.0, 0.5, 1.0)
    assert ticks(3, 3, 5) == (3,)
    with pytest.raises(ValueError, match="goes up"):
        Scale(1, 1, 0, 10)


def chart(**changed: Any) -> dict[str, Any]:
    values = {"kind": "individuals", "points": [1.0, 2.0, 9.0], "centre": 4.0, "lower": [0.0] * 3, "upper": [8.0] * 3, "sigma": 1.0}
    return {**values, "signals": [{"rule": 1, "name": "beyond_limit", "indices": [2]}], **changed}


def checks(number: int) -> list[dict[str, Any]]:
    return [{"inspection_id": n, "at_ts": f"2026-03-02T05:{n:02}:00Z", "result": "passed"} for n in range(number)]


def test_a_control_chart_marks_the_points_of_a_broken_rule_and_keeps_the_order_of_heights() -> None:
    drawn = draw(chart(), checks(3))
    assert [bool(mark.rules) for mark in drawn.marks] == [False, False, True]
    assert drawn.out[0].rules == ("beyond a limit",)
    assert drawn.marks[0].y > drawn.marks[1].y > drawn.marks[2].y
    assert all(0 <= mark.y <= drawn.height and drawn.left <= mark.x <= drawn.right for mark in drawn.marks)
    upper = float(drawn.upper.split()[1])
    assert drawn.marks[2].y < upper < drawn.marks[1].y
    assert [text.text for text in drawn.limits] == ["upper limit 8", "centre 4", "lower limit 0"]


def test_a_moving_range_belongs_to_the_check_that_ends_it_and_uneven_limits_are_steps() -> None:
    drawn = draw(chart(kind="mr", points=[1.0, 2.0], lower=[0.0] * 2, upper=[8.0] * 2, signals=[]), checks(3))
    assert [mark.check["inspection_id"] for mark in drawn.marks] == [1, 2]
    stepped = draw(chart(upper=[8.0, 9.5, 9.5], signals=[]), checks(3))
    assert (stepped.upper.count("V"), stepped.lower.count("V")) == (1, 0)


def test_labels_of_limits_that_meet_are_moved_apart() -> None:
    drawn = draw(chart(points=[4.0, 4.0, 4.0], lower=[4.0] * 3, upper=[4.0] * 3, signals=[]), checks(3))
    places = [each.at for each in drawn.limits]
    assert all(below - above >= 14 for above, below in pairwise(places))


def test_good_parts_are_summed_up_and_the_target_rests_in_a_break() -> None:
    hours = [Hour(START, 100, 110, 3600, 110 * 30.0), Hour(START + HOUR, 90, 90, 0, 90 * 30.0), Hour(START + 2 * HOUR, 10, 10, 1800, 300.0)]
    drawn = draw_counts(SHIFT, hours)
    assert [(at - START, made, target) for at, made, target in drawn.rows] == [(HOUR, 100, 120), (2 * HOUR, 190, 120), (3 * HOUR, 200, 180)]
    assert (drawn.made, drawn.wanted) == (200, 180)
    without = draw_counts(SHIFT, [Hour(START, 5, 5, 3600, None)])
    assert (without.target, without.wanted, without.rows[0][2]) == ("", None, None)
    assert draw_counts(SHIFT, []).made == 0


def test_an_hour_under_way_ends_where_the_lake_knows_no_further() -> None:
    known = Shift("early", START, START + 8 * HOUR, START + HOUR / 2)
    assert draw_counts(known, [Hour(START, 5, 5, 1800, 150.0)]).rows[0][0] == START + HOUR / 2


def test_a_band_has_each_state_in_its_time_and_nothing_beyond_what_is_known() -> None:
    #   05:00 producing .. 06:00 fault .. 06:30 producing ............. 12:00 (known until 09:00)
    did = [Interval(START - HOUR, START + HOUR, "producing"), Interval(START + HOUR, START + 1.5 * HOUR, "fault")]
    did.append(Interval(START + 1.5 * HOUR, START + 7 * HOUR, "producing"))
    band = draw_bands(SHIFT, [("Loader", did), ("Press", [])], COLOURS).bands[0]
    assert band.minutes == (("producing", 210), ("fault", 30))
    paths = dict(band.stretches)
    assert (paths["good"].count("M"), paths["bad"].count("M")) == (2, 1)
    x, width = map(float, re.search(r"M([\d.]+) \d+h([\d.]+)", paths["bad"]).groups())  # type: ignore[union-attr]
    per_hour = (928 - 152) / 8
    assert (round(x - 152), round(width)) == (round(per_hour), round(per_hour / 2))


def test_a_thousand_short_states_are_no_more_than_the_columns() -> None:
    did = [Interval(START + timedelta(seconds=14 * n), START + timedelta(seconds=14 * n + 14), ("producing", "fault")[n % 2]) for n in range(1000)]
    band = draw_bands(SHIFT, [("Loader", did)], COLOURS).bands[0]
    assert sum(path.count("M") for _, path in band.stretches) <= COLUMNS
    assert sum(minutes for _, minutes in band.minutes) == 1000 * 14 // 60 + 1


def test_times_under_a_shift_are_few_enough_to_read() -> None:
    for hours in (1, 8, 9, 12, 24, 72):
        marks = time_marks(Shift("x", START, START + hours * HOUR, START))
        assert 2 <= len(marks) <= 10, hours
