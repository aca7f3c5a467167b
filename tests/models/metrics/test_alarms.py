"""Alarms are counted in the rows asked for, and only one that begins after the fault is a detection."""

import math

import numpy as np

from models.metrics.alarms import delay_rows, rate

# row      0 1 2 3 4 5 6 7
# fault          ^ begins at row 3
ALARMS = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=bool)


def test_the_rate_is_of_the_rows_asked_for() -> None:
    assert rate(ALARMS, 0, 3) == 1 / 3 and rate(ALARMS, 3, 8) == 3 / 5
    assert math.isnan(rate(ALARMS, 3, 3))


def test_an_alarm_that_was_there_before_the_fault_detects_nothing() -> None:
    assert delay_rows(ALARMS, 3) == 3.0
    assert delay_rows(ALARMS, 2) == 0.0
    assert math.isnan(delay_rows(ALARMS[:6], 3))


def test_an_alarm_in_the_first_row_begins_there() -> None:
    assert delay_rows(np.array([True, True]), 0) == 0.0
