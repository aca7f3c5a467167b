"""The record of approved promotions. Whether a version scores is for the registry to say: it may still find it unsound."""

from django.db import models

from factolake.mes.core.record import Record


class ModelPromotion(Record):
    """People let one version of a model become champion. It is never changed: another version, or the same one again, takes another proposal."""

    NOUN = "model_promotion"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    model_name = models.CharField(max_length=100, db_comment="The model in the registry, e.g. signals.l1-m2.")
    model_version = models.PositiveIntegerField(db_comment="Version in the registry that may become champion.")
    sha256 = models.CharField(max_length=64, db_comment="Hash of the version's files, hex: what was approved is this and nothing else.")
    payload_sha256 = models.CharField(
        max_length=64, db_comment="SHA-256 over action, model, version and hash (RFC 8785), hex; the registry has the same."
    )
    proposal = models.OneToOneField("approvals.Proposal", on_delete=models.PROTECT, related_name="+", db_comment="Proposal that was approved.")
    requested_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who asked for it.")
    approved_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who approved it, never who asked.")
    approved_ts = models.DateTimeField(db_comment="When (UTC).")

    class Meta:
        """The newest of a model is found at once."""

        indexes = (models.Index(fields=("model_name",), name="promotion_of_model"),)
