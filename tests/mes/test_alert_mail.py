"""Alerts by e-mail and webhook: sent from rows until a real server takes them, at least once, and told what they are worth when it does not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.test import override_settings
from http_erp import Answer, http_erp
from record_plant import LINE, M1, NOW, do
from smtp_server import Judge, Mailbox, smtp_server

from factolake.config.settings import MesSettings, Settings
from factolake.errors import ConfigError
from factolake.mes.alerts.mail import TRIES_MAX, send_once
from factolake.mes.alerts.models import AlertMail, Contact
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.models import OutboxEvent
from factolake.mes.core.refusals import Invalid
from factolake.mes.exchange.webhooks import deliver_webhooks_once
from factolake.mes.project.configure import django_values

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
FROM = "factomes@plant.example"
LATER = NOW + timedelta(days=1)
MINUTE = timedelta(minutes=1)


@contextmanager
def mailing(judge: Judge = lambda _: "250 ok") -> Iterator[Mailbox]:
    with smtp_server(judge) as box, to_port(box.port):
        yield box


def to_port(port: int) -> override_settings:
    server = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": port}
    return override_settings(FACTOMES_MAIL_FROM=FROM, FACTOMES_ADDRESS="https://mes.example", EMAIL_USE_TLS=False, **server)


def addresses(**more: str) -> None:
    for person in ("maintenance", "operator", "quality"):
        do("admin", "person.set_email", person, email=f"{person}@plant.example", **more)


def danger(text: str = "") -> int:
    return int(str(do("planner", "alert.create", equipment_id=M1, danger="person_hurt", text=text, at=NOW + MINUTE)["id"]))


@on_both
def test_everybody_told_gets_one_mail_that_says_what_where_and_how_it_stands() -> None:
    with mailing() as box:
        addresses()
        number = danger("hand in the press\r\nBcc: everybody@example.com")
        do("maintenance", "alert.acknowledge", str(number))
        assert send_once(LATER) == (3, 0)
        assert send_once(LATER) == (0, 0)
    assert sorted(mail["To"] for mail in box.mails) == [f"{each}@plant.example" for each in ("maintenance", "operator", "quality")]
    mail = box.mails[0]
    assert (mail["From"], mail["Bcc"], mail["Auto-Submitted"]) == (FROM, None, "auto-generated")
    assert mail["Subject"].startswith("[FactoMES] safety: Person hurt at")
    body = mail.get_content()
    for said in (
        "hand in the press Bcc: everybody@example.com",
        "acme/bremen/assembly/L1/L1-M1",
        "acknowledged",
        f"https://mes.example/alerts/{number}",
    ):
        assert said in body, said
    assert len({mail["Message-ID"] for mail in box.mails}) == 3
    assert set(AlertMail.objects.values_list("state", flat=True)) == {"sent"}


@on_both
def test_a_crash_between_the_server_and_the_row_sends_again_under_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailing() as box:
        do("admin", "person.set_email", "quality", email="quality@plant.example")
        danger()
        send = EmailBackend.send_messages

        def killed(self: EmailBackend, messages: list[EmailMessage]) -> None:
            send(self, messages)
            raise KeyboardInterrupt

        with monkeypatch.context() as crash:
            crash.setattr(EmailBackend, "send_messages", killed)
            with pytest.raises(KeyboardInterrupt):
                send_once(LATER)
        assert AlertMail.objects.get().state == "waiting"
        assert send_once(LATER) == (1, 0)
    assert len({mail["Message-ID"] for mail in box.mails}) == 1
    assert len(box.mails) == 2


@on_both
def test_a_server_that_is_away_is_waited_for_without_end_and_no_mail_is_lost() -> None:
    with to_port(1):
        addresses()
        danger()
        now = LATER
        for _ in range(2 * TRIES_MAX):
            assert send_once(now)[0] == 0
            assert send_once(now + timedelta(seconds=1)) == (0, 0)
            now += timedelta(minutes=15)
    assert set(AlertMail.objects.values_list("state", flat=True)) == {"waiting"}
    assert "does not answer" in AlertMail.objects.all()[0].last_error
    with mailing() as box:
        assert send_once(now) == (3, 0)
    assert len(box.mails) == 3


@on_sqlite
def test_mails_wait_no_longer_than_they_should_when_the_clock_is_set_back() -> None:
    with to_port(1):
        addresses()
        danger()
        send_once(LATER)
    with mailing():
        assert send_once(LATER - timedelta(days=1) + 2 * MINUTE) == (3, 0)


@on_sqlite
def test_a_refused_recipient_keeps_nobody_else_and_is_given_up_in_the_end() -> None:
    with mailing(lambda to: "550 no such box" if to.startswith("maintenance") else "250 ok") as box:
        addresses()
        danger()
        assert send_once(LATER) == (2, 1)
        for number in range(1, TRIES_MAX):
            assert send_once(LATER + number * 15 * MINUTE) == (0, 1)
        assert send_once(LATER + timedelta(days=9)) == (0, 0)
    dead = AlertMail.objects.get(state="dead")
    assert (dead.tries, "no such box" in dead.last_error, len(box.mails)) == (TRIES_MAX, True, 2)


@on_sqlite
def test_an_address_that_is_none_keeps_no_other_mail() -> None:
    with mailing() as box:
        addresses()
        Contact.objects.filter(person="maintenance").update(email="a)@[1")  # from before addresses were looked at so closely
        danger()
        assert send_once(LATER) == (2, 1)
    assert (AlertMail.objects.get(state="dead").notice.person_id, len(box.mails)) == ("maintenance", 2)


@on_sqlite
def test_a_server_that_asks_for_patience_or_hangs_up_is_asked_again() -> None:
    answers = iter(["451 later", "", "250 ok"])
    with mailing(lambda _: next(answers)) as box:
        do("admin", "person.set_email", "quality", email="quality@plant.example")
        danger()
        assert [send_once(LATER + number * MINUTE)[0] for number in range(3)] == [0, 0, 1]
    assert len({mail["Message-ID"] for mail in box.mails}) == 1


@on_sqlite
def test_people_get_mail_from_the_severity_on_that_they_want_and_only_while_they_have_an_address() -> None:
    with mailing() as box:
        addresses(mail_from="safety")
        do("quality", "alert.create", equipment_id=LINE, kind="message", text="meeting at noon")
        assert AlertMail.objects.count() == 0
        danger()
        do("admin", "person.set_email", "operator", email="")
        assert send_once(LATER) == (2, 1)
    assert sorted(mail["To"] for mail in box.mails) == ["maintenance@plant.example", "quality@plant.example"]
    with pytest.raises(Exception, match="gets no mail"):
        do("admin", "person.set_email", "erp", email="erp@plant.example")
    with pytest.raises(Exception, match="email"):
        do("admin", "person.set_email", "operator", email="a@b\nBcc: c@d")


@on_sqlite
def test_without_a_mail_server_nothing_waits_for_one() -> None:
    addresses()
    danger()
    assert (AlertMail.objects.count(), send_once(LATER)) == (0, (0, 0))


@on_sqlite
def test_addresses_are_in_neither_audit_nor_outbox() -> None:
    addresses()
    assert Contact.objects.count() == 3
    for table, column in ((AuditEntry, "payload"), (AuditEntry, "changes"), (OutboxEvent, "payload")):
        assert not table.objects.filter(**{f"{column}__contains": "plant.example"}).exists()


@on_both
def test_a_webhook_is_told_of_each_alert() -> None:
    got: list[dict[str, object]] = []

    def take(_: dict[str, str], body: bytes) -> Answer:
        got.append(json.loads(body))
        return 204, {}, b""

    with http_erp(take) as url, override_settings(FACTOMES_WEBHOOK_HOSTS=(url.split("/")[2],)):
        do("engineer", "webhook.create", url=url, nouns="alert", secret="s" * 32)
        danger()
        do("operator", "maintenance_request.create", equipment_id=M1, description="noise")  # raised by what another action did
        assert deliver_webhooks_once(LATER) == (2, 0)
    assert [(each["kind"], each["row"]["kind"]) for each in got] == [("alert", "safety"), ("alert", "help")]  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"mail_from": FROM}, "mail_from together with smtp_host"),
        ({"smtp_host": "mail"}, "mail_from together with smtp_host"),
        ({"mail_from": FROM, "smtp_host": "mail", "smtp_user": "factomes"}, "smtp_user together with smtp_password_file"),
        (
            {"mail_from": FROM, "smtp_host": "mail", "smtp_user": "f", "smtp_password_file": Path("x"), "smtp_security": "none"},
            "a password is not sent in the clear",
        ),
    ],
)
def test_half_a_mail_server_is_refused(given: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        MesSettings.model_validate(given)


def test_the_mail_servers_password_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    mes = MesSettings(mail_from=FROM, smtp_host="mail", smtp_user="f", smtp_password_file=file)
    settings = Settings(home=tmp_path, mes=mes)
    with pytest.raises(ConfigError, match="smtp_password_file"):
        django_values(settings)
    file.write_text("open sesame\n")
    values = django_values(settings)
    assert (values["EMAIL_HOST_PASSWORD"], values["EMAIL_USE_TLS"], values["EMAIL_USE_SSL"], values["EMAIL_PORT"]) == (
        "open sesame",
        True,
        False,
        587,
    )


@on_sqlite
@pytest.mark.parametrize("address", ["x@plant..example", "x@.de", "a[b@c.d", "x@[1", f"x@{'h' * 64}.de"])
def test_an_address_no_mail_can_be_sent_to_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="no mail can be sent"):
        do("admin", "person.set_email", "operator", email=address)
