"""Tables of the core: what was asked with an idempotency key, and what waits for the lake."""

from django.db import models


class IdempotencyKey(models.Model):
    """An action asked with a key and done: asked again with the same key and body it answers the same and does nothing."""

    actor = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who asked.")
    key = models.CharField(max_length=200, db_comment="The caller's own key.")
    fingerprint = models.CharField(max_length=64, db_comment="SHA-256 of action and payload, hex.")
    answer = models.TextField(db_comment="What was answered, as JSON.")
    at_ts = models.DateTimeField(db_comment="When it was done (UTC).")

    class Meta:
        """A key is one person's."""

        constraints = (models.UniqueConstraint(fields=("actor", "key"), name="idempotency_key_once"),)


class OutboxEvent(models.Model):
    """A change of the record on its way to the lake. Written in the transaction of the change; `id` is the order of the commits."""

    id = models.BigAutoField(primary_key=True, db_comment="Place in the order of commits; the message number in the lake.")
    at_ts = models.DateTimeField(db_comment="When it happened (UTC).")
    kind = models.CharField(max_length=64, db_comment="What changed, e.g. mes.order.")
    object_id = models.CharField(max_length=200, db_comment="Key of the row.")
    payload = models.TextField(db_comment="The row after the change and the action that changed it, as JSON.")
    sent_ts = models.DateTimeField(null=True, db_comment="When it was safe in the spool (UTC); null while it waits.")

    class Meta:
        """What waits is found without reading what was sent."""

        indexes = (models.Index(fields=("id",), name="outbox_waiting", condition=models.Q(sent_ts=None)),)


class OutboxHistory(models.Model):
    """The one row that names this database's history of events: a database set back to a backup gets another, so that numbers never come twice."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.BigIntegerField(db_comment="When the history began: microseconds since 1970, UTC; the epoch of the events in the lake.")
