"""Tablets that stand at a station. The pages keep nothing else of their own."""

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Equipment


class Device(Record):
    """A tablet enrolled at a station: with its token people sign on by badge. Only the token's hash is kept."""

    NOUN = "device"
    PLACE = "equipment__path"
    SECRETS = frozenset({"hash"})

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of enrolment.")
    label = models.CharField(max_length=120, db_comment="What is written on it.")
    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, db_comment="Station it stands at.")
    hash = models.CharField(max_length=64, unique=True, db_comment="SHA-256 of its token, hex.")
    revoked_ts = models.DateTimeField(null=True, db_comment="When it was taken back (UTC).")
