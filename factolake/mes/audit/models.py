"""Tables of the audit chain. Entries are only ever added: the database itself refuses to change or delete one."""

from django.db import models


class AuditEntry(models.Model):
    """One action that happened: who, what, on which thing, what changed, why. Every column but `hash` is bound by the hash."""

    number = models.BigIntegerField(primary_key=True, db_comment="1, 2, 3 and on, without holes.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    actor = models.CharField(max_length=64, db_comment="Who: id of the person, service or agent.")
    actor_kind = models.CharField(max_length=16, db_comment="human, service or agent.")
    action = models.CharField(max_length=64, db_comment="What was done, e.g. order.release.")
    subject = models.CharField(max_length=240, db_comment="The thing it was done to, e.g. order PO-7; empty where it made its own.")
    place = models.CharField(max_length=240, db_comment="Equipment path of the thing.")
    payload = models.TextField(db_comment="What was asked, canonical JSON (RFC 8785); secrets are left out.")
    changes = models.TextField(db_comment="Rows before and after, canonical JSON (RFC 8785).")
    reason = models.TextField(db_comment="Why, in the actor's words; may be empty.")
    via = models.CharField(max_length=16, db_comment="Way it came: page, api, command, sync, import.")
    request_id = models.CharField(max_length=64, db_comment="Id of the request, for the logs.")
    approval = models.CharField(max_length=64, db_comment="Id of the proposal that allowed it; empty where none was needed.")
    previous_hash = models.CharField(max_length=64, db_comment="Hash of the entry before; 64 zeros for the first.")
    hash = models.CharField(max_length=64, db_comment="SHA-256 over the other columns in canonical JSON (RFC 8785), hex.")

    class Meta:
        """Looked up by thing, by person and by action."""

        indexes = (
            models.Index(fields=("subject", "number"), name="audit_of_subject"),
            models.Index(fields=("actor", "number"), name="audit_of_actor"),
            models.Index(fields=("action", "number"), name="audit_of_action"),
        )


class AuditHead(models.Model):
    """The one row that says where the chain ends. Whoever appends holds it locked, so that the chain has one end."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(db_comment="Number of the last entry; 0 before the first.")
    hash = models.CharField(max_length=64, db_comment="Its hash; 64 zeros before the first.")


class AuditSeal(models.Model):
    """A signed statement of where the chain ended at a time (Ed25519 over number, hash and time)."""

    number = models.BigIntegerField(db_comment="Entries in the chain.")
    hash = models.CharField(max_length=64, db_comment="Hash of the last of them.")
    at_ts = models.DateTimeField(db_comment="When it was sealed (UTC).")
    signature = models.TextField(db_comment="Ed25519 signature, hex.")
