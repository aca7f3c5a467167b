"""Alerts by e-mail: what waits is sent until the mail server takes it. A crash in between sends again, under the same Message-ID.

A server that does not answer, or asks to try later, ends the pass for a while, without end; one that refuses a mail for good is asked a few times.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q

from factolake.mes.alerts.kinds import KINDS
from factolake.mes.alerts.models import AlertMail, AlertNotice, Contact, MailState
from factolake.mes.alerts.telling import told_as

TRIES_MAX = 6
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
_BATCH = 50
_SUBJECT = 120


def send_once(now: datetime) -> tuple[int, int]:
    """Send what is due; returns how many were taken and how many were not. One process sends."""
    due = Q(next_try_ts__lte=now) | Q(next_try_ts__gt=now + LONGEST_WAIT)  # one further off is from before the clock was set back
    waiting = AlertMail.objects.filter(due, state=MailState.WAITING.value).select_related("notice__alert__raised_by", "notice__person__contact")
    mails = list(waiting.order_by("pk")[:_BATCH])
    if not mails or not settings.FACTOMES_MAIL_FROM:
        return 0, 0
    connection = get_connection()
    left, taken = list(mails), 0
    try:
        connection.open()
        while left:
            taken += _send(connection, left[0], now)
            left.pop(0)
    except (OSError, SMTPException) as error:
        _later(left, now, f"the mail server does not answer: {error}")
    finally:
        connection.close()
    return taken, len(mails) - taken


def message(notice: AlertNotice, address: str) -> EmailMessage:
    """The mail of a notice: what, where, since when, how it stands now."""
    alert = notice.alert
    title = KINDS[told_as(alert)].title
    subject = f"[FactoMES] {alert.severity}: {' '.join(alert.text.split())}"
    lines = [
        f"{title}: {alert.text}",
        f"Where: {alert.place_path or 'the whole enterprise'}",
        f"Since: {alert.raised_ts:%Y-%m-%d %H:%M} UTC, raised by {alert.raised_by.name}" + (f", seen {alert.count} times" if alert.count > 1 else ""),
        f"Now: {alert.state}" + (f", told in step {notice.step + 1}" if notice.step else ""),
        "",
        f"{settings.FACTOMES_ADDRESS}/alerts/{alert.pk}" if settings.FACTOMES_ADDRESS else f"Alert {alert.pk} on the page Alerts.",
    ]
    host = settings.FACTOMES_MAIL_FROM.rpartition("@")[2]
    headers = {"Message-ID": f"<alert-{alert.pk}-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(subject[:_SUBJECT], "\n".join(lines), settings.FACTOMES_MAIL_FROM, [address], headers=headers)


def _address(mail: AlertMail) -> str:
    contact: Contact | None = getattr(mail.notice.person, "contact", None)
    return contact.email if contact is not None else ""


def _send(connection: BaseEmailBackend, mail: AlertMail, now: datetime) -> bool:
    """Whether the server took it; what it says against this one mail is written down. Raises OSError or SMTPException when it does not answer."""
    address = _address(mail)
    if not address:
        _give_up(mail, "the person has no address any more")
        return False
    try:
        connection.send_messages([message(mail.notice, address)])
    except SMTPRecipientsRefused as error:
        _refused(mail, now, max(code for code, _ in error.recipients.values()), str(error))
        return False
    except SMTPResponseException as error:
        _refused(mail, now, error.smtp_code, str(error))
        return False
    except (ValueError, AttributeError) as error:  # UnicodeError too: what Django's and Python's readers of addresses raise for one that is none
        _give_up(mail, f"no mail can be made for this address: {error}")
        return False
    AlertMail.objects.filter(pk=mail.pk).update(state=MailState.SENT.value, sent_ts=now, last_error="")
    return True


def _refused(mail: AlertMail, now: datetime, code: int, why: str) -> None:
    """Later where the server says so (4xx), and where it does not, only a few times."""
    if code >= 500 and mail.tries + 1 >= TRIES_MAX:
        _give_up(mail, why)
    else:
        _later([mail], now, why)


def _later(mails: Iterable[AlertMail], now: datetime, why: str) -> None:
    for mail in mails:
        wait = min(FIRST_WAIT * 2 ** min(mail.tries, 20), LONGEST_WAIT)
        AlertMail.objects.filter(pk=mail.pk, state=MailState.WAITING.value).update(tries=mail.tries + 1, next_try_ts=now + wait, last_error=why[:500])


def _give_up(mail: AlertMail, why: str) -> None:
    AlertMail.objects.filter(pk=mail.pk).update(state=MailState.DEAD.value, tries=mail.tries + 1, last_error=why[:500])
