"""Webhooks: addresses that are told of changes, and what still waits for them or was given up."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record


class Webhook(Record):
    """An address that is told when rows of some kinds change. Its secret signs what is sent; nobody sees it again."""

    NOUN = "webhook"
    SECRETS = frozenset({"secret"})

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of making.")
    url = models.CharField(max_length=500, db_comment="Where it is sent; the host is one that the settings allow.")
    nouns = models.CharField(max_length=500, db_comment="Kinds of rows it is told of, separated by blanks: order production; * is all.")
    secret = models.TextField(db_comment="The shared secret, encrypted with a key of this installation.")
    is_active = models.BooleanField(default=True, db_comment="False: it is told nothing more.")


class DeliveryState(StrEnum):
    """Where a delivery stands; what was taken is no longer here."""

    WAITING = "waiting"
    DEAD = "dead"


class WebhookDelivery(models.Model):
    """A change on its way to a webhook: bookkeeping, no part of the record. Dead: given up after many tries, until somebody has it tried again."""

    NOUN = "webhook_delivery"

    id = models.BigAutoField(primary_key=True, db_comment="Order of the changes; the receiver's key against doing it twice.")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_comment="To whom.")
    noun = models.CharField(max_length=64, db_comment="Kind of the row that changed.")
    object_id = models.CharField(max_length=200, db_comment="Its key.")
    body = models.TextField(db_comment="What is sent, JSON.")
    at_ts = models.DateTimeField(db_comment="When it changed (UTC).")
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in DeliveryState], default="waiting", db_comment="waiting or dead.")
    tries = models.PositiveIntegerField(default=0, db_comment="Tries so far.")
    next_try_ts = models.DateTimeField(db_comment="Not before then (UTC).")
    last_error = models.CharField(max_length=500, blank=True, db_comment="Why the last try failed.")

    class Meta:
        """What is due is found at once."""

        indexes = (models.Index(fields=("state", "next_try_ts"), name="webhook_delivery_due"),)
