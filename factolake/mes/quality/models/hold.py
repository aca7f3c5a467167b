"""Quality holds: what may not be used, confirmed or shipped until quality lets it go, and each lot a hold covers with the reason why."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from factolake.mes.core.record import Record
from factolake.mes.core.states import StateMachine

SUBJECTS = ("lot", "order", "operation", "equipment", "material")
"""What a hold can be put on."""


class HoldState(StrEnum):
    """Where a hold stands."""

    OPEN = "open"
    RELEASED = "released"


HOLD_STATES = StateMachine("hold", {HoldState.OPEN: frozenset({HoldState.RELEASED}), HoldState.RELEASED: frozenset()})


class Covered(StrEnum):
    """Why a lot is under a hold."""

    DIRECT = "direct"
    SINCE_LAST_GOOD_CHECK = "since_last_good_check"
    MADE_OF = "made_of"
    MAY_CONTAIN = "may_contain"


class Hold(Record):
    """A hold on one thing: a lot, or what an order, an operation, a piece of equipment or a material brought since a time.

    From `since_ts` on (null: from ever) until `until_ts`, the next good check after the hold; null: until it is released. Within that time
    nothing good is confirmed there. What it covers stays held beyond: only people let it go.
    """

    NOUN = "hold"
    PLACE = "place_path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    lot = models.ForeignKey("production.Lot", null=True, on_delete=models.PROTECT, related_name="holds", db_comment="This lot.")
    order = models.ForeignKey("production.Order", null=True, on_delete=models.PROTECT, db_comment="What this order made.")
    operation = models.ForeignKey("production.Operation", null=True, on_delete=models.PROTECT, db_comment="What this operation made.")
    equipment = models.ForeignKey("equipment.Equipment", null=True, on_delete=models.PROTECT, db_comment="What was made here and below.")
    material = models.ForeignKey("production.MaterialDefinition", null=True, on_delete=models.PROTECT, db_comment="Lots of this material.")
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in HoldState], default=HoldState.OPEN.value, db_comment="Where it stands."
    )
    since_ts = models.DateTimeField(null=True, db_comment="Covers from then on (UTC); null: from ever.")
    until_ts = models.DateTimeField(null=True, db_comment="Next good check: covers nothing made later (UTC); null: none yet.")
    since_why = models.CharField(max_length=240, db_comment="How since_ts was found.")
    inspection = models.ForeignKey("quality.Inspection", null=True, on_delete=models.PROTECT, db_comment="Failed check that set it off.")
    event = models.ForeignKey("quality.QualityEvent", null=True, on_delete=models.PROTECT, db_comment="Quality event that set it off.")
    characteristic = models.CharField(max_length=120, blank=True, db_comment="Characteristic in question; empty: all that are checked there.")
    place_path = models.CharField(max_length=240, blank=True, db_comment="Equipment path it was put at; empty: the enterprise.")
    why = models.TextField(db_comment="Why, in the words of who put it.")
    placed_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="holds", db_comment="Who put it.")
    placed_ts = models.DateTimeField(db_comment="When (UTC).")
    released_by = models.ForeignKey("people.Person", null=True, on_delete=models.PROTECT, related_name="+", db_comment="Who let it go.")
    released_ts = models.DateTimeField(null=True, db_comment="When (UTC).")
    release_why = models.TextField(blank=True, db_comment="Why it was let go.")

    class Meta:
        """On one thing; open ones are found at once."""

        constraints = (
            models.CheckConstraint(
                condition=models.ExpressionWrapper(
                    Q(*(Q(**{f"{one}__isnull": one != held for one in SUBJECTS}) for held in SUBJECTS), _connector=Q.OR), models.BooleanField()
                ),
                name="hold_on_one_thing",
            ),
        )
        indexes = (models.Index(fields=("state", "placed_ts"), name="hold_open"),)


class HoldItem(Record):
    """A lot under a hold. Released alone or with the whole hold."""

    NOUN = "hold_item"
    PLACE = "lot__place_path"
    OWNER = "hold"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="items", db_comment="Under which hold.")
    lot = models.ForeignKey("production.Lot", on_delete=models.PROTECT, related_name="hold_items", db_comment="Which lot.")
    covered = models.CharField(max_length=24, choices=[(c.value, c.value) for c in Covered], db_comment="Why it is covered.")
    returns_to = models.CharField(max_length=20, db_comment="Status the lot had before any hold.")
    released_ts = models.DateTimeField(null=True, db_comment="When it was let go (UTC); null: still held.")

    class Meta:
        """A lot once a hold."""

        constraints = (models.UniqueConstraint(fields=("hold", "lot"), name="hold_item_once"),)


class HoldOperation(Record):
    """An operation that used a held lot without saying for which lot: what it makes may contain it, so it confirms nothing good."""

    NOUN = "hold_operation"
    PLACE = "operation__equipment__path"
    OWNER = "hold"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="operations", db_comment="Under which hold.")
    operation = models.ForeignKey("production.Operation", on_delete=models.PROTECT, related_name="+", db_comment="Which operation.")
    lot = models.ForeignKey("production.Lot", on_delete=models.PROTECT, related_name="+", db_comment="Held lot that it used.")
    released_ts = models.DateTimeField(null=True, db_comment="When the lot was let go (UTC); null: still held.")

    class Meta:
        """Once a hold and lot."""

        constraints = (models.UniqueConstraint(fields=("hold", "operation", "lot"), name="hold_operation_once"),)
