"""Rows that an action holds do not make others wait in a circle."""

import threading

import pytest
from django.db import connections, transaction
from record_plant import NOW, at_once_before_any_commits, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.call import locked
from factolake.mes.core.models import IdempotencyKey
from factolake.mes.people.models import Person


@pytest.mark.postgres
@pytest.mark.parametrize("record", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("record")
def test_a_row_that_points_at_a_held_one_is_committed_at_once() -> None:
    committed = threading.Event()

    def point_at_it() -> None:
        try:
            IdempotencyKey.objects.create(actor_id="viewer", key="k", fingerprint="", answer="{}", at_ts=NOW)
            committed.set()
        finally:
            connections.close_all()

    with transaction.atomic():
        assert locked(Person, "viewer") is not None
        other = threading.Thread(target=point_at_it)
        other.start()
        was_in_time = committed.wait(30)
    other.join()
    assert was_in_time


@pytest.mark.usefixtures("record")
def test_the_same_request_twice_at_once_happens_once_and_both_hear_the_same() -> None:
    operation = order()
    answers = at_once_before_any_commits([lambda: do("operator", "operation.start", operation, once="one-tap")] * 2)
    assert answers[0] == answers[1]
    assert AuditEntry.objects.filter(action="operation.start").count() == 1
