"""What an alert reminds of, what to check first, and how long such stops took."""

from datetime import timedelta

import pytest

from factolake.domain.alert import Alert, Band, Check, CheckSource, Contribution, PastEvent
from models.timeseries.similar import CheckRule, Verdict, dressed, similar_events, similarity, stake, suggested_check
from tests.models.timeseries.alerts import ONSET, alert, any_alert, bare

USUAL = Band(10.0, 20.0)


def part(signal: str, share: float, side: int = 1) -> Contribution:
    return Contribution(signal, signal, 15.0 + 10 * side, None, USUAL, share)


def past(days: int, *contributions: Contribution) -> Alert:
    onset = ONSET - timedelta(days=days)
    return alert(onset_ts=onset, raised_ts=onset + timedelta(hours=1), contributions=contributions, similar=())


NOW = alert(contributions=(part("current", 0.8), part("heat", 0.2)), similar=(), check=None, stake=None)
WORN, JAMMED, OTHER = past(30, part("current", 0.7), part("heat", 0.3)), past(20, part("current", 0.9, -1)), past(10, part("flow", 1.0))
VERDICTS = {
    WORN.alert_id: Verdict(False, "belt worn", "new belt", 40.0),
    JAMMED.alert_id: Verdict(True),
    OTHER.alert_id: Verdict(False, "filter full", "new filter", 15.0),
}


def test_shares_and_sides_make_alerts_alike() -> None:
    one = (part("a", 0.6), part("b", 0.4))
    assert similarity(one, one) == pytest.approx(1.0)
    assert similarity(one, (part("a", 0.3), part("b", 0.2))) == pytest.approx(1.0)
    assert similarity(one, (part("c", 1.0),)) == similarity(one, ()) == similarity((), ()) == 0.0
    assert similarity((part("a", 1.0),), (part("a", 1.0, -1),)) == 0.0
    assert similarity((part("a", 1.0),), (part("a", 1.0, 0),)) == 0.5
    assert similarity(one, (part("a", 0.6), part("b", 0.4, -1))) == pytest.approx(0.36 / 0.52)


def test_similarity_is_mutual_and_a_share_of_one() -> None:
    found = [any_alert(seed).contributions for seed in range(40)]
    for one in found:
        for other in found:
            assert 0.0 <= similarity(one, other) <= 1.0
            assert similarity(one, other) == pytest.approx(similarity(other, one))


def test_the_most_alike_come_first_with_what_people_said() -> None:
    (event,) = similar_events(NOW, [OTHER, JAMMED, WORN], VERDICTS)
    assert event == PastEvent(WORN.alert_id, WORN.onset_ts, similarity(NOW.contributions, WORN.contributions), "belt worn", "new belt", False, 40.0)
    older = past(40, *WORN.contributions)
    assert [one.event_id for one in similar_events(NOW, [older, WORN], {})] == [WORN.alert_id, older.alert_id]
    assert [one.event_id for one in similar_events(NOW, [older, WORN], {}, most=1)] == [WORN.alert_id]
    assert [one.false_alarm for one in similar_events(NOW, [older], {})] == [None]


def test_nothing_is_learned_from_what_came_later() -> None:
    during = alert(onset_ts=ONSET - timedelta(minutes=30), raised_ts=ONSET, contributions=NOW.contributions, similar=())
    assert similar_events(NOW, [NOW, during], {}) == ()


def test_the_plants_table_comes_before_what_helped() -> None:
    worn = PastEvent("a", ONSET - timedelta(days=1), 0.9, "belt worn", "new belt", False)
    false = PastEvent("b", ONSET - timedelta(days=1), 0.9, "belt worn", "nothing", True)
    by_cause, by_signal, by_side = (
        CheckRule("tension", cause="belt worn"),
        CheckRule("fan", signal="heat"),
        CheckRule("jam", signal="current", side=-1),
    )
    assert suggested_check(NOW, [worn], [by_signal, by_cause]) == Check("tension")
    assert suggested_check(NOW, [false], [by_signal, by_cause]) == Check("fan")
    assert suggested_check(NOW, [], [by_side, by_signal]) == Check("fan")
    assert suggested_check(NOW, [worn], [by_side]) == Check("new belt", CheckSource.PAST_FIX)
    assert suggested_check(NOW, [false], [by_side]) is None
    assert suggested_check(bare(), [], [by_cause, by_signal]) is None


@pytest.mark.parametrize(
    "wrong",
    [{}, {"cause": "a", "signal": "b"}, {"cause": "a", "side": 1}, {"signal": "b", "side": 2}],
    ids=["neither", "both", "a side alone", "no side"],
)
def test_a_line_of_the_table_is_for_a_cause_or_a_signal(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="check 'look' is for"):
        CheckRule("look", **wrong)  # type: ignore[arg-type]


def test_minutes_at_stake_leave_out_the_rare_stops_where_there_are_many() -> None:
    assert stake("jam", []) is None
    few, many = stake("jam", [10.0, 90.0]), stake("jam", [float(minute) for minute in range(101)])
    assert few is not None and (few.median_min, few.low_min, few.high_min, few.stops) == (50.0, 10.0, 90.0, 2)
    assert many is not None and (many.median_min, many.stops) == (50.0, 101)
    assert (many.low_min, many.high_min) == pytest.approx((10.0, 90.0))


def test_an_alert_keeps_its_id_when_it_is_dressed() -> None:
    full = dressed(NOW, [OTHER, JAMMED, WORN], VERDICTS, [CheckRule("tension", cause="belt worn")], {"belt worn": [40.0], "filter full": [15.0]})
    assert full.alert_id == NOW.alert_id
    assert [one.event_id for one in full.similar] == [WORN.alert_id]
    assert full.check == Check("tension") and full.stake == stake("belt worn", [40.0])
    assert dressed(NOW, [], VERDICTS, [], {"belt worn": [40.0]}) == NOW
