"""Equipment of the plant (ISA-95) and the trees of reasons. FactoMES owns both; `conf/plant.toml` only seeds an empty plant."""

from enum import StrEnum

from django.db import models

from factolake.mes.core.record import Record


class EquipmentLevel(StrEnum):
    """ISA-95 equipment levels in use here."""

    ENTERPRISE = "Enterprise"
    SITE = "Site"
    AREA = "Area"
    PRODUCTION_LINE = "ProductionLine"
    WORK_UNIT = "WorkUnit"


class Equipment(Record):
    """A site, area, line or machine. `path` is its ISA-95 hierarchy scope, e.g. `acme/bremen/assembly/L1/L1-M3`: rights hang on it."""

    NOUN = "equipment"
    PLACE = "path"

    equipment_id = models.CharField(max_length=64, primary_key=True, db_comment="Id, the same as in the lake.")
    name = models.CharField(max_length=120, db_comment="As shown on pages.")
    level = models.CharField(max_length=20, choices=[(level.value, level.value) for level in EquipmentLevel], db_comment="ISA-95 equipment level.")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children", db_comment="What it is part of.")
    path = models.CharField(max_length=240, unique=True, db_comment="Hierarchy scope: ids from the enterprise down, joined by /.")
    position = models.PositiveIntegerField(default=0, db_comment="Place in the flow of its line, from 0.")
    short_stop_s = models.FloatField(default=300.0, db_comment="Stops up to this long ask for no reason (seconds).")
    time_zone = models.CharField(max_length=64, blank=True, db_comment="Of a site: IANA name or UTC+hh:mm that its pages show times in; empty: UTC.")
    is_active = models.BooleanField(default=True, db_comment="False: no new work goes there.")

    class Meta:
        """In the order of the flow."""

        ordering = ("path",)


class ReasonKind(StrEnum):
    """What a reason explains."""

    DOWNTIME = "downtime"
    SCRAP = "scrap"
    REWORK = "rework"
    DEVIATION = "deviation"


class Reason(Record):
    """A reason in a tree: people choose a leaf. `planned` tells planned stops from failures."""

    NOUN = "reason"
    PLACE = "scope"

    reason_id = models.CharField(max_length=64, primary_key=True, db_comment="Short code.")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in ReasonKind], db_comment="What it explains.")
    name = models.CharField(max_length=120, db_comment="As shown on pages.")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children", db_comment="The branch it hangs on.")
    scope = models.CharField(max_length=240, blank=True, db_comment="Equipment path where it may be chosen; empty: everywhere.")
    planned = models.BooleanField(default=False, db_comment="Whether the time counts as planned.")
    is_active = models.BooleanField(default=True, db_comment="False: no longer offered.")

    class Meta:
        """By kind and name."""

        ordering = ("kind", "name")
