"""Too often, and with parts missing: whoever floods waits, the others work on, what cannot be checked does not happen (S37, S39, S50, F100)."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache.backends import base, locmem
from django.db import connection
from django.utils import timezone
from pages_client import PASSWORD, QUICK, Pages, give_password, refusal
from record_databases import use_database
from record_plant import NOW, Api, do, order

from factolake.config.settings import Settings
from factolake.mes.approvals.after_crash import STARTER, stop_agents
from factolake.mes.approvals.models import KillSwitch
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core import rate
from factolake.mes.core.refusals import NotAllowed
from factolake.mes.pages.jobs import prune
from factolake.mes.production.models import Order
from pipelines.mes_part import RUNNING, is_after_crash

pytestmark = pytest.mark.usefixtures("record")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time the limits see, and the cache that counts for them; the test moves it."""
    now = [1_000_000.0]
    monkeypatch.setattr(rate._Counted, "timer", lambda self: now[0])
    for kept in (base, locmem):
        monkeypatch.setattr(kept, "time", SimpleNamespace(time=lambda: now[0]))
    return now


def test_a_program_that_floods_waits_and_nobody_else_does(clock: list[float]) -> None:
    most = int(rate.API_RATE.partition("/")[0])
    flooding, other = Api("planner"), Api("quality")
    answers = [flooding.get("/nothing" if number % 2 else "/orders?limit=1").status_code for number in range(2 * most + 4)]
    assert answers.count(200) == most
    assert answers.count(429) == 2
    answer = flooding.get("/orders")
    assert (answer.status_code, answer["Retry-After"], answer.json()["title"]) == (429, "1", "TooOften")
    assert "wait 1 s" in answer.json()["detail"]
    assert other.get("/orders").status_code == 200
    assert Pages("planner").get("/orders/").status_code == 200
    clock[0] += 1.01
    assert flooding.get("/orders").status_code == 200


def test_a_flooding_program_has_no_effect_while_it_waits(clock: list[float]) -> None:
    order("PO-1")
    program = Api("planner")
    for _ in range(int(rate.API_RATE.partition("/")[0])):
        program.get("/orders/none")
    before = AuditEntry.objects.count()
    assert program.post("/orders/PO-1/hold", {"reason": "x"}).status_code == 429
    assert AuditEntry.objects.count() == before


def test_many_tries_to_sign_in_as_one_person_wait_and_others_come_in(clock: list[float]) -> None:
    with QUICK:
        give_password("quality")
        pages, most = Pages(), int(rate.SIGN_IN_RATE.partition("/")[0])
        for name in ("planner", "no-such-person"):
            answers = [pages.post("/login", username=name, password="wrong") for _ in range(most + 1)]
            assert [answer.status_code for answer in answers] == [403] * most + [429]
            assert (answers[-1]["Retry-After"], refusal(answers[-1])) == ("60", "that was tried too often; wait 60 s and try again")
        assert Pages().post("/login", username=" PLANNER ", password="wrong").status_code == 429
        assert Pages().post("/login", username="quality", password=PASSWORD).status_code == 302
        clock[0] += 61
        assert pages.post("/login", username="planner", password="wrong").status_code == 403


def test_with_the_database_away_nothing_happens_and_that_is_said(record: str, tmp_path: Path) -> None:
    key = order("PO-1")
    do("planner", "order.hold", "PO-1", reason="x")
    program, pages = Api("planner"), Pages("planner")
    use_database(f"sqlite:///{tmp_path}/no/such/folder/mes.sqlite")
    answers = [program.get("/orders"), program.post("/orders/PO-1/resume"), program.post("/kill-switches", {"scope": "global", "reason": "x"})]
    for answer in answers:
        assert (answer.status_code, answer.json()["title"], answer["Retry-After"]) == (503, "Unavailable", "5")
    broken = pages.get("/orders/")
    assert broken.status_code in (500, 503)
    assert "Traceback" not in broken.content.decode()
    assert "no/such/folder" not in broken.content.decode()
    use_database(record)
    assert (Order.objects.get(pk="PO-1").state, KillSwitch.objects.count(), key) == ("held", 0, "PO-1.10")


def test_after_a_crash_agents_stand_still_until_somebody_has_looked() -> None:
    order("PO-1")
    proposal = do("agent", "proposal.create", action="order.cancel", key="PO-1", payload={"reason": "no customer"})
    stop_agents(NOW + timedelta(hours=1))
    stop_agents(NOW + timedelta(hours=2))
    with pytest.raises(NotAllowed, match="stopped by the kill switch global"):
        do("agent", "order.hold", "PO-1", reason="x")
    with pytest.raises(Exception, match="cancelled"):
        do("approver", "proposal.approve", proposal["proposal_id"], digest=proposal["digest"])
    assert list(AuditEntry.objects.filter(action="kill_switch.create").values_list("actor", "via")) == [(STARTER, "start")] * 2
    do("planner", "order.hold", "PO-1", reason="people go on")
    do("planner", "order.resume", "PO-1")
    do("engineer", "kill_switch.release", "global", reason="looked at")
    do("agent", "order.hold", "PO-1", reason="x")


def test_only_an_end_that_nobody_asked_for_counts_as_a_crash(tmp_path: Path) -> None:
    installed = Settings(home=tmp_path)
    installed.mes_dir.mkdir(parents=True)
    assert not is_after_crash(installed)
    assert is_after_crash(installed)
    (installed.mes_dir / RUNNING).unlink()
    assert not is_after_crash(installed)


def test_the_log_of_signing_in_does_not_grow_for_ever() -> None:
    now = timezone.now()
    with QUICK:
        give_password("planner")
        Pages().post("/login", username="planner", password="wrong")
        Pages().post("/login", username="quality", password="wrong")
        Pages().post("/login", username="planner", password=PASSWORD)
    AccessLog.objects.create(username="old", ip_address="127.0.0.1", attempt_time=now, user_agent="", http_accept="", path_info="/login")
    with connection.cursor() as cursor:  # the column is set by itself when a row is made
        old = (now - timedelta(days=91)).strftime("%Y-%m-%d %H:%M:%S")
        cursor.execute("UPDATE axes_accesslog SET attempt_time = %s WHERE username = 'old'", [old])
    Session.objects.filter(expire_date__gt=now).update(expire_date=now - timedelta(seconds=1))
    assert prune(now) == 1
    assert set(AccessLog.objects.values_list("username", flat=True)) == {"planner"}
    assert AccessAttempt.objects.count() == 1
    assert Session.objects.count() == 0
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
