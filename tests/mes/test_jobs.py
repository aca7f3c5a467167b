"""What FactoMES does by itself: each job when it is due, one that fails is told and keeps no other, and the real ones do their work."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from record_plant import do

from factolake.domain.clock import ManualClock
from factolake.errors import SourceUnavailable
from factolake.mes.audit.models import AuditSeal
from factolake.mes.core import jobs
from factolake.mes.exchange.models import ErpImport

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[datetime]]:
    """Three jobs that note when they ran; the middle one fails in a way of its own each time."""
    ran: dict[str, list[datetime]] = {"first": [], "sick": [], "last": []}
    faults = iter([SourceUnavailable("the ERP is away"), ZeroDivisionError("a fault of ours"), OSError("no space")] * 9)

    def sick(now: datetime) -> None:
        ran["sick"].append(now)
        raise next(faults)

    monkeypatch.setattr(jobs, "JOBS", {})
    jobs.job("first", 2.0, ran["first"].append)
    jobs.job("sick", 2.0, sick)
    jobs.job("last", 5.0, ran["last"].append)
    return ran


def test_each_job_runs_as_often_as_it_is_due(some: dict[str, list[datetime]]) -> None:
    for second in range(11):
        jobs.step(NOW + timedelta(seconds=second))
    assert [(at - NOW).seconds for at in some["first"]] == [0, 2, 4, 6, 8, 10]
    assert [(at - NOW).seconds for at in some["last"]] == [0, 5, 10]


def test_a_job_that_fails_is_told_tried_again_and_keeps_no_other(some: dict[str, list[datetime]]) -> None:
    assert [jobs.step(NOW + timedelta(seconds=2 * turn)) for turn in range(3)] == [["sick"]] * 3
    assert len(some["first"]) == len(some["sick"]) == 3


def test_a_clock_set_back_does_not_stop_the_jobs(some: dict[str, list[datetime]]) -> None:
    jobs.step(NOW)
    jobs.step(NOW - timedelta(days=1))
    assert len(some["first"]) == 2


def test_a_name_is_declared_once(some: dict[str, list[datetime]]) -> None:
    with pytest.raises(ValueError, match="job first is declared twice"):
        jobs.job("first", 1.0, some["first"].append)


@pytest.mark.usefixtures("record")
def test_the_real_jobs_seal_the_audit_and_work_off_a_long_document() -> None:
    rows = "\n".join(f"M-{number}" for number in range(2_500))
    document = do("planner", "erp_import.create", kind="materials", format="csv", source_system="SAP", document=f"material_id\n{rows}\n")
    assert ErpImport.objects.get(pk=document["id"]).state == "running"
    for one in jobs.JOBS.values():
        one.due_ts = None
    jobs.run_jobs(ManualClock(NOW + timedelta(days=1)), threading.Event(), once=True)
    done = ErpImport.objects.get(pk=document["id"])
    assert (done.state, done.imported, done.errors) == ("done", 2_500, 0)
    assert AuditSeal.objects.count() == 1
    assert {"stops", "seal", "erp_import", "webhooks", "preventive_plans"} <= set(jobs.JOBS)


def test_a_job_that_waits_for_somebody_outside_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOBS", {})
    monkeypatch.setattr(jobs, "TICK_S", 0.01)
    stop, released, ran = threading.Event(), threading.Event(), []

    def here(now: datetime) -> None:
        ran.append(now)
        if len(ran) == 3:
            released.set()
            stop.set()

    def silent(now: datetime) -> None:
        assert released.wait(30), "the other job did not run meanwhile"
        ran.append(now)

    jobs.job("silent", 60.0, silent, outside=True)
    jobs.job("here", 0.0, here)
    jobs.run_jobs(ManualClock(NOW), stop)
    assert len(ran) == 4
