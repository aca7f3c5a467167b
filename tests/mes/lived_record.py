"""A record as it looks in the middle of a shift, for pages that are looked at: orders under way, lots, checks, holds, maintenance, lake tables."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from django.utils import timezone
from machine_alerts import SIGNALS, alert_row
from mes_rows import hour_row, make_row, shift_row, state_row
from record_plant import LINE, M1, M2, M3, do

from factolake.contracts.ops import PLANS
from factolake.domain.action import Role
from factolake.mes.downtime.models import Stop
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.services import act, service
from factolake.mes.scheduling.models import ScheduleVersion
from factolake.mes.signals.takeover_run import turn as take_alerts
from factolake.mes.sync.schema import BOOKMARKS, TABLES, VERSION, connect, prepare
from factolake.mes.sync.targets import FEEDS
from factolake.mes.sync.trends import TREND

BERLIN = ZoneInfo("Europe/Berlin")
"""The shipped plant's clock."""
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000
LOTS = ("L-1001-A", "L-1001-B", "L-1001-C")


def live(url: str, now: datetime | None = None) -> None:
    """Fill the record; everything happened in the hours before `now`."""
    at = (now or timezone.now()).astimezone(UTC)
    _orders(at)
    _schedule(at)
    _stops(at)
    _quality(at)
    _maintenance(at)
    shift_start = at.replace(minute=0, second=0, microsecond=0) - 5 * HOUR
    lake_rows(url, "ops.plans", [_try(at)])
    lake_rows(url, "gold.oee_shift", [shift_row(LINE, gq=620, equipment_level="ProductionLine", **_shift(shift_start, at))])
    lake_rows(url, "gold.oee_hour", [_hour(shift_start, n, at) for n in range(6)])
    _machine_alerts(url, at)
    lake_rows(url, "silver.machine_states", [row for n, station in enumerate(_stations()) for row in _states(station, n, shift_start, at)])


def lake_rows(url: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows of a lake table into its `lake_*` table, as the sync does."""
    feed = next(each for each in FEEDS if each.source.name == table)
    engine = connect(url)
    with engine.begin() as opened:
        prepare(opened)
        opened.execute(sa.insert(TABLES[feed.target.name]), [{**feed.project(dict(row)), VERSION: 1} for row in rows])
    engine.dispose()


def _stations() -> list[str]:
    return list(Equipment.objects.filter(level="WorkUnit").order_by("position").values_list("pk", flat=True))


def _orders(at: datetime) -> None:
    def then(minutes: float) -> datetime:
        return at - timedelta(minutes=minutes)

    for material, text in (("GH-100", "Gear housing, machined"), ("STEEL-42", "Steel blank Ø 42 mm"), ("SCREW-M6", "Screw M6x20")):
        do("planner", "material.create", material_id=material, description=text, at=then(600))
    steps = ((M1, 24.0, "Turning"), (M2, 30.0, "Milling"), (M3, 26.0, "Assembly"))
    for n, (machine, run_s, text) in enumerate(steps, 1):
        values = {"number": n * 10, "equipment_id": machine, "planned_run_s": run_s, "planned_setup_s": 300, "description": text}
        do("engineer", "routing_step.create", material_id="GH-100", at=then(590), **values)
    for n in range(1, 8):
        due = (at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=8 * n)).isoformat()
        values = {"quantity": 120 * n, "line_id": LINE, "due_ts": due, "customer": "Müller Getriebe GmbH", "sales_order": f"4711/{n}0"}
        do("planner", "order.create", order_id=f"PO-100{n}", material_id="GH-100", priority=n, at=then(580 - n), **values)
        if n < 6:
            do("planner", "order.release", f"PO-100{n}", at=then(580 - n))
    do("operator", "operation.start", "PO-1001.10", at=then(280))
    for lot, material, amount in (("ST-2231", "STEEL-42", 500), ("ST-2232", "STEEL-42", 300), ("SC-9", "SCREW-M6", 5000)):
        values = {"quantity": amount, "equipment_id": LINE, "supplier_lot": f"X{lot}", "pallet": f"P-{lot}"}
        do("planner", "lot.create", lot_id=lot, material_id=material, at=then(300), **values)
    do("operator", "operation.report", "PO-1001.10", good=62, scrap=3, cause_id="dimension", lot_id=LOTS[0], at=then(150))
    do("operator", "operation.report", "PO-1001.10", good=50, lot_id=LOTS[1], at=then(90))
    for lot in ("ST-2231", "ST-2232", "SC-9"):
        do("operator", "operation.consume", "PO-1001.10", lot_id=lot, quantity=20, into_lot_id=LOTS[0], at=then(89))
    do("operator", "operation.consume", "PO-1001.10", lot_id="ST-2232", quantity=20, into_lot_id=LOTS[1], at=then(88))
    do("operator", "operation.complete", "PO-1001.10", at=then(80))
    do("operator", "operation.start", "PO-1001.20", at=then(75))
    do("operator", "operation.report", "PO-1001.20", good=31, scrap=2, cause_id="surface", lot_id=LOTS[2], at=then(30))
    do("operator", "operation.consume", "PO-1001.20", lot_id=LOTS[0], quantity=30, into_lot_id=LOTS[2], at=then(29))
    do("operator", "operation.start", "PO-1002.10", at=then(20))
    do("operator", "operation.report", "PO-1002.10", good=38, at=then(3))
    do("quality", "order.hold", "PO-1005", reason="wrong drawing", at=then(70))
    payload = {"reason": "one customer fewer"}
    do("quality", "proposal.create", action="order.cancel", key="PO-1004", payload=payload, reason="the customer has called it off", at=then(15))


def _schedule(at: datetime) -> None:
    """An accepted plan of what comes next, in hours from now."""
    hours = (
        ("PO-1001.30", M3, 0.5, 1.5), ("PO-1003.10", M1, 2, 4.5), ("PO-1002.20", M2, 2, 4), ("PO-1002.30", M3, 4, 6), ("PO-1003.20", M2, 4.5, 7.5),
        ("PO-1003.30", M3, 7.5, 10.5), ("PO-1004.10", M1, 4.5, 8), ("PO-1004.20", M2, 8, 12), ("PO-1004.30", M3, 12, 15.5),
    )  # fmt: skip
    entries = [
        {
            "operation_id": operation,
            "equipment_id": machine,
            "planned_start_ts": (at + start * HOUR).isoformat(),
            "planned_end_ts": (at + end * HOUR).isoformat(),
        }
        for operation, machine, start, end in hours
    ]
    for open_one in ScheduleVersion.objects.filter(line=LINE, state="proposed"):
        do("planner", "schedule.reject", open_one.pk, reason="another is better")
    proposed = {"line_id": LINE, "entries": entries, "reason": "the housings first", "source_id": "L1-1"}
    made = do("planner", "schedule.create", at=at - timedelta(minutes=10), **proposed)
    digest = ScheduleVersion.objects.get(pk=made["schedule_id"]).digest
    do("planner", "schedule.accept", str(made["schedule_id"]), digest=digest, at=at - timedelta(minutes=8))


def _try(at: datetime) -> dict[str, object]:
    """What the planner says of that plan."""
    said = {"why": "PO-1003 and PO-1004 have no place in it yet", "told": "9 of 9 get a place in the plan."}
    return make_row(PLANS, plan_id="L1-1", line=LINE, started_ts=at - timedelta(minutes=11), status="feasible", is_published=True, **said)


def break_down(url: str, now: datetime | None = None) -> None:
    """What the lake proposes since the second station stands still, and what its planner says beside that."""
    at = (now or timezone.now()).astimezone(UTC)
    since, until, ends = ((at + hours * HOUR).astimezone(BERLIN).strftime("%a %H:%M") for hours in (-0.75, 2, 16))
    hours = (
        ("PO-1002.20", M2, 3.5, 5.5, f"{M2} is down until {until}"), ("PO-1003.20", M2, 5.5, 8.5, f"PO-1002.20 is at {M2} until then"),
        ("PO-1002.30", M3, 5.5, 7.5, "its step before, PO-1002.20, ends then"),
        ("PO-1003.30", M3, 8.5, 11.5, "its step before, PO-1003.20, ends then"),
        ("PO-1004.20", M2, 8.5, 12.5, f"PO-1003.20 is at {M2} until then"),
        ("PO-1004.30", M3, 12.5, 16, "its step before, PO-1004.20, ends then"),
    )  # fmt: skip
    entries = [
        {
            "operation_id": operation,
            "equipment_id": machine,
            "planned_start_ts": (at + start * HOUR).isoformat(),
            "planned_end_ts": (at + end * HOUR).isoformat(),
            "why": f"{why[:1].upper()}{why[1:]}",
        }
        for operation, machine, start, end, why in hours
    ]
    because = f"6 of 12 operations move, because {M2} is broken down (Spindle makes a noise and gets hot). No order is late."
    proposed = {"line_id": LINE, "entries": entries, "reason": because, "source_id": "L1-2"}
    act(service("lake", "The lake", at), Role.PLANNER, "schedule.create", "", at, **proposed)
    way = {"operation": "PO-1001.20", "equipment": M2, "to": "", "is_taken": False, "then": f"no order is late; the plan ends {ends}"}
    ways = [
        {**way, "kind": "wait", "says": f"PO-1001.20 waits at {M2} for its repair at {until}", "is_taken": True},
        {**way, "kind": "elsewhere", "to": M3, "says": f"the rest of PO-1001.20 (89) is moved to {M3} as PO-1001.20-1"},
        {**way, "kind": "scrap", "says": "PO-1001.20 ends with the 31 that it made, and 89 are not made"},
    ]
    told = {"told": because, "ways": json.dumps(ways), "hindsight": f"Had the stop been known at {since}, no order would have been saved by it."}
    cause = {"cause": "stop", "why": f"{M2} is broken down", "status": "feasible", "is_published": True}
    lake_rows(url, "ops.plans", [make_row(PLANS, plan_id="L1-2", line=LINE, started_ts=at - timedelta(minutes=1), **told, **cause)])


def _stops(at: datetime) -> None:
    for n, (start, end) in enumerate(((95, 80), (40, 28))):
        times = {"from_ts": at - timedelta(minutes=start), "to_ts": at - timedelta(minutes=end), "lake_from_ts": at, "changed_ts": at}
        Stop.objects.create(stop_id=f"{M1}@{n}", equipment_id=M1, is_open=False, machine_state="fault", asks_reason=True, lake_version=1, **times)


def _quality(at: datetime) -> None:
    start = at - 40 * HOUR
    do("quality", "gauge.create", gauge_id="MIC-7", name="Micrometer", equipment_id=LINE, interval_days=365, due_ts="2036-01-01T00:00:00Z", at=start)
    plan = {"equipment_id": M1, "kind": "variable", "unit": "MMT", "nominal": 25, "lower": "24.95", "upper": "25.05", "gauge_id": "MIC-7"}
    sampling = {"sampled_per": "parts", "sampled_every": 50, "sample_size": 5, "holds_on_failure": True}
    bore = do("quality", "inspection_plan.create", characteristic="Bore diameter", at=start, **plan, **sampling)["id"]
    values = {"equipment_id": M1, "kind": "attribute", "sampled_per": "lot", "sample_size": 20, "accept_up_to": 1}
    do("quality", "inspection_plan.create", characteristic="Burr", at=start, **values)
    leak = {"equipment_id": M2, "kind": "variable", "unit": "BAR", "upper": "0.5", "sampled_per": "minutes", "sampled_every": 60}
    do("quality", "inspection_plan.create", characteristic="Leak rate", at=start, **leak)
    for n in range(40):
        drift = 0.012 if n >= 30 else 0.0
        sample = [f"{25 + drift + 0.008 * math.sin(1.7 * n + k) + 0.006 * math.cos(2.9 * n * k):.3f}" for k in range(5)]
        do("operator", "inspection.create", plan_id=bore, values=sample, at=start + (n + 1) * HOUR * 0.9)
    do("operator", "inspection.create", plan_id=bore, values=["25.01", "25.06", "25.02", "25.03", "25.02"], at=at - timedelta(minutes=85))
    do(
        "operator",
        "nonconformance.create",
        equipment_id=M2,
        lot_id=LOTS[2],
        description="Scratches on the sealing face",
        at=at - timedelta(minutes=20),
    )
    event = {"kind": "surface_defect", "severity": "major", "source": "camera-2", "text": "Scratch 4 mm, score 0.93"}
    do("operator", "quality_event.create", equipment_id=M3, at=at - timedelta(minutes=12), **event)


def _maintenance(at: datetime) -> None:
    stopped = (at - timedelta(minutes=44)).isoformat()
    broken = {"description": "Spindle makes a noise and gets hot", "is_stopped": True, "stopped_ts": stopped}
    asked = do("operator", "maintenance_request.create", equipment_id=M2, at=at - timedelta(minutes=41), **broken)
    made = do("maintenance", "maintenance_request.accept", str(asked["id"]), at=at - timedelta(minutes=39))
    do("maintenance", "maintenance_order.arrive", str(made["id"]), at=at - timedelta(minutes=28))
    do(
        "maintenance",
        "maintenance_part.create",
        order_id=made["id"],
        part_id="6205-2RS",
        description="Bearing",
        quantity=2,
        at=at - timedelta(minutes=9),
    )
    do("operator", "maintenance_request.create", equipment_id=M3, description="Cover screw missing on the guard", at=at - timedelta(minutes=16))
    weekly = {"plan_id": "PM-GREASE", "description": "Grease the guides", "every_days": 7, "first_due_ts": (at - HOUR).isoformat()}
    do("engineer", "preventive_plan.create", equipment_id=M1, at=at - 9 * HOUR, **weekly)
    counted = {"plan_id": "PM-TOOL", "description": "Change the insert", "every_cycles": 5000}
    do("engineer", "preventive_plan.create", equipment_id=M1, at=at - 9 * HOUR, **counted)


def _shift(start: datetime, at: datetime) -> dict[str, Any]:
    return {"shift": "early", "production_day": start.date(), "from_ts": start, "to_ts": start + 8 * HOUR, "as_of": at, "sq": 14, "pq": 634}


def _machine_alerts(url: str, at: datetime) -> None:
    """A grave alert of the second station with what its signals did, a slight one of the first, and two that are over, one of them judged."""
    grave = alert_row(M2, severity="high", raised=at - timedelta(minutes=95))
    over = [alert_row(M1, "closed", raised=at - timedelta(days=2)), alert_row(M2, "closed", raised=at - timedelta(days=9))]
    lake_rows(url, "gold.alerts", [grave, alert_row(M3, severity="low", raised=at - timedelta(minutes=25), is_rich=False), *over])
    engine = connect(url)
    with engine.begin() as opened:
        opened.execute(sa.insert(TREND), [row for n, signal in enumerate(SIGNALS) for row in _trend(grave, signal, n, at)])
        told = {"feed": "gold.alerts", "history": "lived", "version": 1, "mismatches": 0, "synced_ts": at}
        opened.execute(sa.insert(BOOKMARKS), told)
    engine.dispose()
    take_alerts(at)
    said = {"verdict": "true", "cause": "Spindle bearing dry", "fix": "Bearing greased", "minutes": 35}
    do("maintenance", "machine_alert.judge", str(over[1]["alert_id"]), at=at, **said)


def _trend(alert: Mapping[str, Any], signal: str, n: int, at: datetime) -> list[dict[str, Any]]:
    """A signal that leaves its usual values at the alert's onset and stays above them."""
    usual, risen, wave = ((9.6, 4.4, 0.9), (49.0, 13.0, 3.5), (7.6, 0.0, 0.3))[n]
    rows = []
    for step in range(62):
        time = at - timedelta(minutes=5 * (62 - step))
        since_min = (time - alert["onset_ts"]) / timedelta(minutes=1)
        mean = usual + wave * math.sin(step * 0.9 + n) * 0.6 + risen * min(max(since_min, 0.0) / 60, 1.0)
        rows.append({"alert_id": alert["alert_id"], "signal": signal, "window_ts": time, "mean": mean, "low": mean - wave, "high": mean + wave})
    return rows


def _hour(start: datetime, n: int, at: datetime) -> dict[str, Any]:
    good = (118, 131, 74, 127, 122, 48)[n]
    busy_us = (1.0, 1.0, 0.75, 1.0, 1.0, 0.4)[n] * HOUR_US
    counts = {"gq": good, "pq": good + 3, "sq": 3, "pbt_us": int(busy_us), "ideal_us": (good + 3) * 26_000_000}
    return hour_row(_stations()[-1], hour_ts=start + n * HOUR, day=start.date(), as_of=at, **counts)


def _states(station: str, n: int, start: datetime, at: datetime) -> list[dict[str, Any]]:
    """Stretches of producing with what comes between them; the second station stands still at the end."""
    rows, time, turn = [], start - HOUR, n
    others = ("starved", "setup", "blocked", "fault", "stopped", "waiting")
    end = at - timedelta(minutes=44) if station == M2 else at + timedelta(minutes=10)
    while time < end:
        for state, minutes in (("producing", 34 + 7 * ((turn * 5) % 6)), (others[turn % len(others)], 3 + (turn * 3) % 11)):
            until = min(time + timedelta(minutes=minutes), end)
            if until > time:
                rows.append(_state(station, state, time, until))
            time = until
        turn += 1
    if station == M2:
        rows.append(_state(station, "fault", end, at + timedelta(minutes=10)))
    return rows


def _state(station: str, state: str, start: datetime, end: datetime) -> dict[str, Any]:
    length_us = (end - start) // timedelta(microseconds=1)
    return state_row(station, 0, state, from_ts=start, to_ts=end, from_day=start.date(), duration_us=length_us, state_raw=state.upper())
