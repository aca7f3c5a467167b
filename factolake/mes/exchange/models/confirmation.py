"""What the ERP is told of its orders: confirmations, written in the transaction of what they tell, delivered once and in the order of each order."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine
from factolake.mes.production.models import Lot, MaterialDefinition, Operation, Order
from factolake.mes.production.models.material import quantity_field


class ConfirmationKind(StrEnum):
    """What a confirmation tells."""

    OPERATION = "operation"
    GOODS_ISSUE = "goods_issue"
    GOODS_RECEIPT = "goods_receipt"


class ConfirmationState(StrEnum):
    """Where a confirmation stands."""

    WAITING = "waiting"
    REFUSED = "refused"
    ACCEPTED = "accepted"


CONFIRMATION_STATES = StateMachine(
    "confirmation",
    {
        ConfirmationState.WAITING: frozenset({ConfirmationState.ACCEPTED, ConfirmationState.REFUSED}),
        ConfirmationState.REFUSED: frozenset({ConfirmationState.WAITING, ConfirmationState.ACCEPTED}),
        ConfirmationState.ACCEPTED: frozenset(),
    },
)


class ErpConfirmation(Record):
    """One message to the ERP about an operation. A fact like what it tells: a correction is another one that reverses it."""

    NOUN = "erp_confirmation"
    PLACE = "operation__equipment__path"
    OWNER = "order"

    id = models.BigAutoField(primary_key=True, db_comment="Order of the confirmations of one order.")
    idempotency_key = models.CharField(max_length=64, unique=True, db_comment="The ERP takes a confirmation with this key once.")
    source_system = models.CharField(max_length=64, db_comment="ERP that owns the order.")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_comment="Its order.")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="+", db_comment="Its operation.")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in ConfirmationKind], db_comment="What it tells.")
    movement = models.CharField(max_length=4, blank=True, db_comment="101 receipt, 261 issue, 102 and 262 their reversals; empty: no goods moved.")
    good = quantity_field(default=0, db_comment="Yield, base unit of the order's material; negative in a reversal.")
    scrap = quantity_field(default=0, db_comment="Scrap, base unit; negative in a reversal.")
    rework = quantity_field(default=0, db_comment="Rework, base unit; negative in a reversal.")
    cause_id = models.CharField(max_length=64, blank=True, db_comment="Reason of scrap or rework.")
    material = models.ForeignKey(MaterialDefinition, null=True, on_delete=models.PROTECT, related_name="+", db_comment="Material that moved.")
    lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="+", db_comment="Lot that moved.")
    quantity = quantity_field(default=0, db_comment="How much moved, base unit of what moved; never negative: the movement says which way.")
    unit = models.CharField(max_length=8, blank=True, db_comment="UNECE Rec 20 code of the quantities.")
    setup_s = models.FloatField(null=True, db_comment="Set-up time of the operation (seconds), in the final confirmation; null: not known.")
    run_s = models.FloatField(null=True, db_comment="Time at work (seconds), in the final confirmation; set-up is in it where that is not known.")
    is_final = models.BooleanField(default=False, db_comment="The operation is completed.")
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Confirmation that this one takes back.")
    told_by = models.CharField(max_length=64, db_comment="Noun and key of the row it tells about.")
    at_ts = models.DateTimeField(db_comment="When it happened (UTC).")
    reported_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who reported it.")
    state = models.CharField(
        max_length=8, choices=[(s.value, s.value) for s in ConfirmationState], default=ConfirmationState.WAITING.value, db_comment="Where it stands."
    )
    accepted_ts = models.DateTimeField(null=True, db_comment="When the ERP took it (UTC); null while it has not.")
    erp_document = models.CharField(max_length=64, blank=True, db_comment="The ERP's own number once it has accepted.")
    refused_field = models.CharField(max_length=120, blank=True, db_comment="Field the ERP refused.")
    refused_message = models.CharField(max_length=500, blank=True, db_comment="Why the ERP refused.")

    class Meta:
        """What waits is found without reading what was accepted; so is what came before it in its order, and what a fact was told by."""

        indexes = (
            models.Index(fields=("order", "id"), name="erp_confirmation_open", condition=models.Q(accepted_ts=None)),
            models.Index(fields=("told_by", "kind"), name="erp_confirmation_told_by"),
        )


class ErpDelivery(models.Model):
    """The tries to deliver a confirmation that failed because nobody answered: bookkeeping, no part of the record."""

    confirmation = models.OneToOneField(ErpConfirmation, primary_key=True, on_delete=models.CASCADE, db_comment="What is being delivered.")
    tries = models.PositiveIntegerField(db_comment="Tries without an answer.")
    next_try_ts = models.DateTimeField(db_comment="Not before then (UTC).")
    last_error = models.CharField(max_length=500, db_comment="Why the last one failed.")


class OperationClock(Record):
    """How long an operation of an ERP's order has been at work."""

    NOUN = "operation_clock"
    PLACE = "operation__equipment__path"
    OWNER = "operation"

    operation = models.OneToOneField(Operation, primary_key=True, on_delete=models.PROTECT, related_name="+", db_comment="Its operation.")
    running_since_ts = models.DateTimeField(null=True, db_comment="Since when it is at work (UTC); null: it is not.")
    worked_s = models.FloatField(default=0.0, db_comment="Time at work that has ended (seconds).")
