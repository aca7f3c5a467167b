"""Alerts of machines in the record. What the machine did, and how unusual it was, is the lake's; whether the alert was right is the person's."""

from enum import StrEnum

from django.db import models
from django.db.models import Q, QuerySet

from factolake.domain.alert import AlertKind, Severity
from factolake.mes.core.record import Record


class MachineAlertState(StrEnum):
    """Where the alert stands, as the lake says."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """Whether the alert was right: there was something to find, or nothing."""

    TRUE = "true"
    FALSE = "false"


class MachineAlert(Record):
    """A stretch in which a machine behaved other than usual, and what people found. The verdict is theirs: the lake never changes it."""

    NOUN = "machine_alert"
    PLACE = "equipment__path"

    alert_id = models.CharField(max_length=16, primary_key=True, db_comment="The same for the same model, machine and onset.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Which machine.")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in AlertKind], db_comment="What the model says of it.")
    severity = models.CharField(max_length=8, choices=[(s.value, s.value) for s in Severity], db_comment="How far from usual, at its gravest.")
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in MachineAlertState], db_comment="Where it stands, as the lake says.")
    onset_ts = models.DateTimeField(db_comment="Since when it is unusual (UTC).")
    raised_ts = models.DateTimeField(db_comment="When the model was sure (UTC).")
    ended_ts = models.DateTimeField(null=True, db_comment="When it was over or taken back (UTC); null: it is open.")
    strength = models.FloatField(db_comment="Largest score that lasted; 1 is the model's threshold.")
    first_signal = models.TextField(blank=True, db_comment="Signal with the largest share; empty: not known.")
    signals = models.TextField(blank=True, db_comment="Signals that took part, largest share first, with blanks between.")
    text_en = models.TextField(db_comment="In words, in English.")
    text_de = models.TextField(db_comment="In words, in German.")
    check_text = models.TextField(blank=True, db_comment="What to look at first; empty: nothing is known.")
    evidence = models.TextField(db_comment="The whole alert as JSON: contributions, usual bands, similar events, minutes at stake, model.")
    verdict = models.CharField(
        max_length=8, blank=True, choices=[(v.value, v.value) for v in Verdict], db_comment="Whether it was right; empty: nobody has said."
    )
    verdict_reason = models.TextField(blank=True, db_comment="Why they say so.")
    cause = models.CharField(max_length=240, blank=True, db_comment="What it was.")
    fix = models.CharField(max_length=240, blank=True, db_comment="What helped.")
    minutes = models.FloatField(null=True, db_comment="How long the machine stood because of it (min); null: not said.")
    judged_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who said so.")
    judged_ts = models.DateTimeField(null=True, db_comment="When (UTC).")
    request = models.ForeignKey(
        "maintenance.MaintenanceRequest", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Maintenance that was asked for."
    )
    proposal = models.ForeignKey(
        "approvals.Proposal", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Proposal to ask for it; null: none was made."
    )
    lake_version = models.BigIntegerField(db_comment="Version of the lake's table it was last taken from.")

    class Meta:
        """A machine's alerts in time, and the open ones, are found at once."""

        indexes = (
            models.Index(fields=("equipment", "raised_ts"), name="machine_alert_of_equipment"),
            models.Index(fields=("raised_ts",), name="machine_alert_open", condition=Q(state="open")),
        )

    @property
    def stands(self) -> bool:
        """Whether it is still to be looked at: open, and nobody has said that it was a false alarm."""
        return still_stands(self.state, self.verdict)

    @property
    def may_lead_to_maintenance(self) -> bool:
        """Whether maintenance may be asked for because of it: it was not taken back, and is not called a false alarm."""
        return self.state != MachineAlertState.WITHDRAWN.value and self.verdict != Verdict.FALSE.value


def still_stands(state: str, verdict: str) -> bool:
    """Whether an alert in `state`, of which people say `verdict`, is still to be looked at; `standing` asks the database the same."""
    return state == MachineAlertState.OPEN.value and verdict != Verdict.FALSE.value


def standing() -> "QuerySet[MachineAlert]":
    """Alerts that are still to be looked at."""
    return MachineAlert.objects.filter(state=MachineAlertState.OPEN.value).exclude(verdict=Verdict.FALSE.value)
