"""Skills and who holds them until when, which work asks for them; who is planned for a shift, and who has signed on at a station."""

from django.db import models
from django.db.models import Q

from factolake.domain.action import Role
from factolake.mes.core.record import Record


class Skill(Record):
    """Something a person has to be qualified for (ISA-95 personnel class)."""

    NOUN = "skill"

    skill_id = models.CharField(max_length=64, primary_key=True, db_comment="Short code: laser_class_4.")
    name = models.CharField(max_length=120, db_comment="As shown on pages.")
    is_active = models.BooleanField(default=True, db_comment="False: no longer certified or asked for.")


class Qualification(Record):
    """A person holds a skill for a time, and who says so (ISA-95 qualification test result)."""

    NOUN = "qualification"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="qualifications", db_comment="Who holds it.")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="qualifications", db_comment="What.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: for good.")
    certificate = models.CharField(max_length=120, blank=True, db_comment="Number of the certificate.")
    certified_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who says so.")

    class Meta:
        """What a person holds is found at once."""

        indexes = (models.Index(fields=("person", "skill"), name="qualification_of_person"),)


class SkillRequirement(Record):
    """Work that only somebody with the skill may start: at a piece of equipment, on a material, or at one step of its routing."""

    NOUN = "skill_requirement"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="requirements", db_comment="What is asked for.")
    equipment = models.ForeignKey("equipment.Equipment", null=True, on_delete=models.PROTECT, db_comment="Here and below; null: anywhere.")
    material = models.ForeignKey("production.MaterialDefinition", null=True, on_delete=models.PROTECT, db_comment="For this material; null: any.")
    step_number = models.PositiveIntegerField(null=True, db_comment="At this step of the material's routing; null: at all of them.")
    valid_from = models.DateTimeField(db_comment="From when (UTC).")
    valid_to = models.DateTimeField(null=True, db_comment="Until when, exclusive (UTC); null: still.")

    class Meta:
        """It names some work; a step is a step of a material."""

        constraints = (
            models.CheckConstraint(condition=Q(equipment__isnull=False) | Q(material__isnull=False), name="skill_requirement_of_something"),
            models.CheckConstraint(condition=Q(step_number=None) | Q(material__isnull=False), name="skill_requirement_step_of_material"),
        )


class SkillWaiver(Record):
    """A supervisor lets a person start one operation without a skill it asks for, and says why."""

    NOUN = "skill_waiver"
    PLACE = "operation__equipment__path"
    OWNER = "operation"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    operation = models.ForeignKey("production.Operation", on_delete=models.PROTECT, related_name="skill_waivers", db_comment="For which operation.")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="Who may start it.")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+", db_comment="Skill that is waived.")
    why = models.TextField(db_comment="Why, in the supervisor's words.")
    allowed_by = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+", db_comment="The supervisor.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")

    class Meta:
        """Said once."""

        constraints = (models.UniqueConstraint(fields=("operation", "person", "skill"), name="skill_waiver_once"),)


class ShiftAssignment(Record):
    """A person is planned for a shift: where, as what, from when to when."""

    NOUN = "shift_assignment"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="shifts", db_comment="Who.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="Where, with everything below.")
    role = models.CharField(max_length=16, choices=[(r.value, r.value) for r in Role], db_comment="As what.")
    from_ts = models.DateTimeField(db_comment="Beginning (UTC).")
    to_ts = models.DateTimeField(db_comment="End, exclusive (UTC).")
    planned_to_ts = models.DateTimeField(null=True, db_comment="End as it was planned, if it was taken back or ended before (UTC); null: it was not.")

    class Meta:
        """Who is on shift now is found at once."""

        constraints = (models.CheckConstraint(condition=Q(to_ts__gte=models.F("from_ts")), name="shift_assignment_forward"),)
        indexes = (models.Index(fields=("to_ts", "from_ts"), name="shift_assignment_now"),)


class Presence(Record):
    """A person has signed on at a station, and is taken to be there until they sign off, for as long as a session lasts at most."""

    NOUN = "presence"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="presences", db_comment="Who.")
    equipment = models.ForeignKey("equipment.Equipment", on_delete=models.PROTECT, db_comment="At which station.")
    from_ts = models.DateTimeField(db_comment="When they signed on (UTC).")
    to_ts = models.DateTimeField(db_comment="When they signed off, or until when it is assumed (UTC).")

    class Meta:
        """Who is there now is found at once."""

        indexes = (models.Index(fields=("to_ts", "from_ts"), name="presence_now"),)
