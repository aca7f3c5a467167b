"""Alerts and their history, who was told in which step, the mails on their way, and the plant's own times for each kind."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from factolake.mes.alerts.kinds import AlertKind, Danger, Severity
from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


ALERT_STATES = StateMachine(
    "alert",
    {
        AlertState.OPEN: frozenset({AlertState.ACKNOWLEDGED, AlertState.CLOSED}),
        AlertState.ACKNOWLEDGED: frozenset({AlertState.CLOSED}),
        AlertState.CLOSED: frozenset(),
    },
)


class Alert(Record):
    """Somebody has to know. One cause has one open alert; seen again, it is counted.

    While it is open it is told in steps, the next one at `next_ts`. One that is `part_of` a storm is told by that one only.
    """

    NOUN = "alert"
    PLACE = "place_path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in AlertKind], db_comment="What kind of alert.")
    severity = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Severity], db_comment="How bad.")
    cause_key = models.CharField(max_length=300, db_comment="What it is about, once among the open alerts of its kind.")
    danger = models.CharField(max_length=16, blank=True, choices=[(d.value, d.value) for d in Danger], db_comment="Of a safety alert: what danger.")
    text = models.CharField(max_length=500, db_comment="What is the matter, in a sentence.")
    about = models.CharField(max_length=300, blank=True, db_comment="Noun and key of the row it is about: maintenance_request 7; empty: none.")
    place_path = models.CharField(max_length=240, blank=True, db_comment="Equipment path; empty: the enterprise.")
    count = models.PositiveIntegerField(default=1, db_comment="How often its cause was seen; of a storm, how many alerts are part of it.")
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in AlertState], default=AlertState.OPEN.value, db_comment="Where it stands."
    )
    part_of = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="parts", db_comment="Storm that tells it; null: told itself."
    )
    raised_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who or what raised it.")
    raised_ts = models.DateTimeField(db_comment="When (UTC).")
    last_ts = models.DateTimeField(db_comment="When its cause was last seen (UTC).")
    step = models.PositiveSmallIntegerField(default=0, db_comment="Last step that was told, from 0.")
    next_ts = models.DateTimeField(null=True, db_comment="When the next step is told, unless acknowledged (UTC); null: there is none.")
    acknowledged_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who looks after it.")
    acknowledged_ts = models.DateTimeField(null=True, db_comment="Since when (UTC).")
    closed_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who or what closed it.")
    closed_ts = models.DateTimeField(null=True, db_comment="When (UTC).")
    done = models.TextField(blank=True, db_comment="What was done.")

    class Meta:
        """One cause, one open alert; the open ones and those to be told next are found at once."""

        constraints = (models.UniqueConstraint(fields=("kind", "cause_key"), condition=~Q(state="closed"), name="alert_of_cause_once"),)
        indexes = (
            models.Index(fields=("kind", "raised_ts"), name="alert_of_kind"),
            models.Index(fields=("closed_ts",), name="alert_closed"),
            models.Index(fields=("id",), name="alert_not_closed", condition=~Q(state="closed")),
            models.Index(fields=("next_ts",), name="alert_next_step", condition=Q(state="open", next_ts__isnull=False)),
        )


class EventKind(StrEnum):
    """What happens to an alert."""

    TOLD = "told"
    SEEN_AGAIN = "seen_again"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class AlertEvent(Record):
    """One line of an alert's history. A step is told once."""

    NOUN = "alert_event"
    PLACE = "alert__place_path"
    OWNER = "alert"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="history", db_comment="Which alert.")
    what = models.CharField(max_length=12, choices=[(k.value, k.value) for k in EventKind], db_comment="What happened.")
    step = models.PositiveSmallIntegerField(null=True, db_comment="Step that was told, from 0; null: something else happened.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who or what did it.")
    text = models.CharField(max_length=500, blank=True, db_comment="In a sentence: who was told, what was seen, what was done.")

    class Meta:
        """Once a step; in order."""

        constraints = (models.UniqueConstraint(fields=("alert", "step"), condition=Q(step__isnull=False), name="alert_step_once"),)
        ordering = ("id",)


class AlertNotice(Record):
    """A person was told of an alert in a step: it is in their inbox."""

    NOUN = "alert_notice"
    PLACE = "alert__place_path"
    OWNER = "alert"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="notices", db_comment="Which alert.")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="alert_notices", db_comment="Who was told.")
    step = models.PositiveSmallIntegerField(db_comment="In which step, from 0.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")

    class Meta:
        """Once a step and person; a person's alerts are found at once."""

        constraints = (models.UniqueConstraint(fields=("alert", "step", "person"), name="alert_notice_once"),)
        indexes = (models.Index(fields=("person", "alert"), name="alert_notice_of_person"),)


class MailState(StrEnum):
    """Where a mail stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


class AlertMail(models.Model):
    """A notice on its way by e-mail: bookkeeping, no part of the record. Written with the notice, so that none is lost; sent at least once."""

    NOUN = "alert_mail"

    notice = models.OneToOneField(AlertNotice, primary_key=True, on_delete=models.CASCADE, related_name="mail", db_comment="What is sent.")
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in MailState], default="waiting", db_comment="Where it stands.")
    tries = models.PositiveIntegerField(default=0, db_comment="Tries so far.")
    next_try_ts = models.DateTimeField(db_comment="Not before then (UTC).")
    sent_ts = models.DateTimeField(null=True, db_comment="When the mail server took it (UTC).")
    last_error = models.CharField(max_length=500, blank=True, db_comment="Why the last try failed.")

    class Meta:
        """What waits is found at once."""

        indexes = (models.Index(fields=("next_try_ts",), name="alert_mail_waiting", condition=Q(state="waiting")),)


class AlertRule(Record):
    """The plant's own times of a kind of alert at a place and below; the rule of the nearest place counts."""

    NOUN = "alert_rule"
    PLACE = "scope"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in AlertKind], db_comment="Kind of alert.")
    scope = models.CharField(max_length=240, blank=True, db_comment="Equipment path; empty: everywhere.")
    wait_s = models.PositiveIntegerField(null=True, db_comment="How long a step waits to be acknowledged (seconds); null: as the kind has it.")
    after_s = models.PositiveIntegerField(null=True, db_comment="How long it has to last before it is told (seconds); null: as the kind has it.")
    is_on = models.BooleanField(default=True, db_comment="False: not raised there.")

    class Meta:
        """One a kind and place."""

        constraints = (models.UniqueConstraint(fields=("kind", "scope"), name="alert_rule_once"),)


class Contact(Record):
    """Where a person wants alerts sent. The address is personal: neither audit nor lake sees it."""

    NOUN = "contact"
    SECRETS = frozenset({"email"})

    person = models.OneToOneField("people.Person", primary_key=True, on_delete=models.PROTECT, related_name="contact", db_comment="Whose.")
    email = models.CharField(max_length=254, blank=True, db_comment="Address; empty: no mail.")
    mail_from = models.CharField(
        max_length=8, choices=[(s.value, s.value) for s in Severity], default=Severity.NOTICE.value, db_comment="Lowest severity that is mailed."
    )
