"""Gauges: what is measured with, and the calibrations that say until when it may be trusted."""

from django.db import models

from factolake.mes.core.record import Record


class Gauge(Record):
    """A measuring device. Past `due_ts` nothing may be measured with it until it is calibrated."""

    NOUN = "gauge"
    PLACE = "equipment__path"

    gauge_id = models.CharField(max_length=64, primary_key=True, db_comment="Number on the gauge.")
    name = models.CharField(max_length=120, db_comment="As shown on pages.")
    equipment = models.ForeignKey("equipment.Equipment", null=True, on_delete=models.PROTECT, db_comment="Where it is used; null: everywhere.")
    interval_days = models.PositiveIntegerField(db_comment="Days from one calibration to the next.")
    due_ts = models.DateTimeField(db_comment="When the next calibration is due (UTC).")
    is_active = models.BooleanField(default=True, db_comment="False: taken out of use, for example after a failed calibration.")


class Calibration(Record):
    """One calibration of a gauge. A failed one puts in doubt what was measured since the one before."""

    NOUN = "calibration"
    PLACE = "gauge__equipment__path"
    OWNER = "gauge"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    gauge = models.ForeignKey(Gauge, on_delete=models.PROTECT, related_name="calibrations", db_comment="Which gauge.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    passed = models.BooleanField(db_comment="Whether it was found within its tolerance.")
    certificate = models.CharField(max_length=120, blank=True, db_comment="Number of the certificate.")
    calibrated_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, db_comment="Who says so.")
