"""When a recording counts as arrived in gold: landed after its end, then two refinery passes.

played ----done|                          (heartbeats go on)
landed ------------|
passes  ....p......p....[p....p]          the first to end may have begun too early, the second cannot
"""

import datetime as dt

from pipelines.demo_progress import RecordingWatch, Sight

START = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def at(seconds: float, *, waiting_s: float = 0.0, pass_ended: float | None = None, done: bool = True) -> Sight:
    now = START + dt.timedelta(seconds=seconds)
    ended = START + dt.timedelta(seconds=pass_ended) if pass_ended is not None else None
    return Sight(now, 1.0, 1.0, 3, now - dt.timedelta(seconds=waiting_s), ended, done, False)


def test_it_has_arrived_after_two_passes_that_ended_after_it_was_landed():
    watch = RecordingWatch()
    looks = [at(0), at(3), at(4, pass_ended=2), at(5, pass_ended=4.5), at(6, pass_ended=4.5), at(7, pass_ended=6.5)]
    assert [watch.arrived(look) for look in looks] == [False, False, False, False, False, True]


def test_records_from_before_its_end_still_in_the_spool_hold_it_back():
    watch = RecordingWatch()
    looks = [at(0), at(5, waiting_s=4, pass_ended=4), at(6, waiting_s=5, pass_ended=5), at(7, waiting_s=6, pass_ended=6)]
    assert not any(watch.arrived(look) for look in looks)


def test_passes_before_the_end_do_not_count():
    watch = RecordingWatch()
    assert not any(watch.arrived(at(second, pass_ended=second - 0.5, done=False)) for second in range(10))
