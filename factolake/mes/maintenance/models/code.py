"""Failure codes after ISO 14224: mode, mechanism, cause and detection method are four different questions, so four kinds and four columns."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record


class CodeKind(StrEnum):
    """Which question a code answers."""

    MODE = "mode"
    MECHANISM = "mechanism"
    CAUSE = "cause"
    DETECTION = "detection"


class FailureCode(Record):
    """One code. Seeded after ISO 14224 and the plant's to edit, since codes depend on the class of equipment."""

    NOUN = "failure_code"

    code_id = models.CharField(max_length=32, primary_key=True, db_comment="Kind and code: mode.BRD, mechanism.2.4.")
    kind = models.CharField(max_length=12, choices=[(k.value, k.value) for k in CodeKind], db_comment="Which question it answers.")
    code = models.CharField(max_length=16, db_comment="The code alone: BRD, 2.4.")
    name = models.CharField(max_length=120, db_comment="In words.")
    source = models.CharField(max_length=32, blank=True, db_comment="Where it is from: ISO 14224; empty is the plant.")
    is_active = models.BooleanField(default=True, db_comment="False: no longer offered.")

    class Meta:
        """A code once a kind."""

        constraints = (models.UniqueConstraint(fields=("kind", "code"), name="failure_code_once"),)
