"""Tools: what they are, where they are mounted, how much of their life is used. Gauges are of quality."""

from decimal import Decimal
from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.production.models.material import quantity_field


class Counts(StrEnum):
    """What uses a tool up."""

    CYCLES = "cycles"
    HOURS = "hours"


class Tool(Record):
    """A tool, mould or fixture with a life: so many cycles or hours at work, and no operation starts with it beyond that."""

    NOUN = "tool"
    PLACE = "equipment__path"

    tool_id = models.CharField(max_length=64, primary_key=True, db_comment="Number on the tool.")
    name = models.CharField(max_length=120, db_comment="As shown on pages.")
    tool_class = models.CharField(max_length=64, db_comment="What it is one of: drill_8mm, mould_A12; work asks for a class.")
    equipment = models.ForeignKey("equipment.Equipment", null=True, on_delete=models.PROTECT, db_comment="Where it is mounted or kept; null: store.")
    is_mounted = models.BooleanField(default=False, db_comment="Whether it is mounted there.")
    counts = models.CharField(max_length=8, choices=[(c.value, c.value) for c in Counts], db_comment="What uses it up.")
    life_limit = quantity_field(null=True, db_comment="Cycles or hours it lasts; null: no limit.")
    used = quantity_field(default=0, db_comment="Cycles or hours used since it was new or renewed.")
    allowed_to = quantity_field(null=True, db_comment="Limit that an engineer has allowed beyond its life; null: none.")
    running_since_ts = models.DateTimeField(null=True, db_comment="Since when its hours run (UTC); null: they do not.")
    is_active = models.BooleanField(default=True, db_comment="False: scrapped or sent away.")

    class Meta:
        """What is mounted at a place is found at once."""

        indexes = (models.Index(fields=("equipment",), name="tool_mounted", condition=models.Q(is_mounted=True)),)

    @property
    def limit(self) -> Decimal | None:
        """Cycles or hours up to which it may be used now; None where there is no limit."""
        return self.life_limit if self.allowed_to is None else self.allowed_to

    @property
    def is_worn(self) -> bool:
        """Whether no operation may start with it any more."""
        return self.limit is not None and self.used >= self.limit


class ToolUse(Record):
    """A tool was mounted somewhere for a time."""

    NOUN = "tool_use"
    PLACE = "equipment__path"
    OWNER = "tool"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="uses", db_comment="Which tool.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Where.")
    mounted_ts = models.DateTimeField(db_comment="When it was mounted (UTC).")
    mounted_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who mounted it.")
    used_before = quantity_field(db_comment="Cycles or hours used when it was mounted.")
    unmounted_ts = models.DateTimeField(null=True, db_comment="When it was taken off (UTC); null: still mounted.")
    used_after = quantity_field(null=True, db_comment="Cycles or hours used when it was taken off.")

    class Meta:
        """Mounted at one place at a time."""

        constraints = (models.UniqueConstraint(fields=("tool",), condition=models.Q(unmounted_ts=None), name="tool_mounted_once"),)


class ToolRequirement(Record):
    """A step of a material's routing takes a tool of a class."""

    NOUN = "tool_requirement"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    material = models.ForeignKey("production.MaterialDefinition", on_delete=models.PROTECT, related_name="tools", db_comment="What is made.")
    step_number = models.PositiveIntegerField(db_comment="Routing step that takes it.")
    tool_class = models.CharField(max_length=64, db_comment="Class of the tool.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: still.")
