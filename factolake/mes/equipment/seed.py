"""The plant file into an empty record: equipment after the plant model, and a first tree of reasons that the plant then edits."""

from datetime import datetime

from factolake.contracts.silver_mes import KIND_PREFIX, SOURCE_ID
from factolake.domain.plant import PlantModel
from factolake.mes.core.call import Change
from factolake.mes.core.models import OutboxEvent
from factolake.mes.core.outbox import tell
from factolake.mes.core.record import snapshot
from factolake.mes.equipment.models import Equipment, EquipmentLevel, Reason, ReasonKind

FIRST_REASONS: tuple[tuple[ReasonKind, str, str, str, bool], ...] = (
    (ReasonKind.DOWNTIME, "technical", "", "Technical fault", False),
    (ReasonKind.DOWNTIME, "mechanical", "technical", "Mechanical", False),
    (ReasonKind.DOWNTIME, "electrical", "technical", "Electrical", False),
    (ReasonKind.DOWNTIME, "tool", "technical", "Tool worn or broken", False),
    (ReasonKind.DOWNTIME, "software", "technical", "Control or software", False),
    (ReasonKind.DOWNTIME, "supply", "", "Supply", False),
    (ReasonKind.DOWNTIME, "no_material", "supply", "No material", False),
    (ReasonKind.DOWNTIME, "bad_material", "supply", "Material not to specification", False),
    (ReasonKind.DOWNTIME, "no_carrier", "supply", "No carrier or packaging", False),
    (ReasonKind.DOWNTIME, "people", "", "People", False),
    (ReasonKind.DOWNTIME, "no_operator", "people", "No operator", False),
    (ReasonKind.DOWNTIME, "training", "people", "Training", True),
    (ReasonKind.DOWNTIME, "changeover", "", "Changeover", False),
    (ReasonKind.DOWNTIME, "cleaning", "", "Cleaning", True),
    (ReasonKind.DOWNTIME, "preventive", "", "Preventive maintenance", True),
    (ReasonKind.DOWNTIME, "quality_stop", "", "Stopped for quality", False),
    (ReasonKind.SCRAP, "dimension", "", "Out of dimension", False),
    (ReasonKind.SCRAP, "surface", "", "Surface defect", False),
    (ReasonKind.SCRAP, "assembly", "", "Assembly fault", False),
    (ReasonKind.SCRAP, "leak", "", "Leak test failed", False),
    (ReasonKind.SCRAP, "setup_part", "", "Set-up part", False),
    (ReasonKind.REWORK, "rework_surface", "", "Surface to be reworked", False),
    (ReasonKind.REWORK, "rework_assembly", "", "Assembly to be reworked", False),
    (ReasonKind.DEVIATION, "material_missing", "", "Material is missing", False),
    (ReasonKind.DEVIATION, "tool_missing", "", "Tool is missing", False),
    (ReasonKind.DEVIATION, "same_setup", "", "Same set-up as now", False),
    (ReasonKind.DEVIATION, "urgent_order", "", "Urgent order", False),
    (ReasonKind.DEVIATION, "trial", "", "Trial or sample", False),
)
"""Kind, code, parent code, name, planned."""


def seed(model: PlantModel, now: datetime) -> int:
    """Write the plant model's equipment and the first reasons into an empty record; returns how many pieces.

    When there is any, only a site without a time zone gets the plant file's: earlier releases kept none.
    """
    if Equipment.objects.exists():
        Equipment.objects.filter(pk=model.site, level=EquipmentLevel.SITE.value, time_zone="").update(time_zone=model.time_zone)
        _tell_lake(now)
        return 0
    made = 0
    for line in model.lines.values():
        above: Equipment | None = None
        steps = (
            (line.enterprise, line.enterprise, EquipmentLevel.ENTERPRISE),
            (line.site, line.site, EquipmentLevel.SITE),
            (line.area, line.area, EquipmentLevel.AREA),
            (line.line_id, line.name, EquipmentLevel.PRODUCTION_LINE),
        )
        for equipment_id, name, level in steps:
            zone = {"time_zone": model.time_zone} if level is EquipmentLevel.SITE else {}
            above, is_new = _piece(equipment_id, name, level, above, now, **zone)
            made += is_new
        for position, machine_id in enumerate(line.machines):
            machine = model.machines[machine_id]
            _, is_new = _piece(machine_id, machine.name, EquipmentLevel.WORK_UNIT, above, now, position=position, short_stop_s=machine.short_stop_s)
            made += is_new
    for kind, code, parent, name, planned in FIRST_REASONS:
        Reason.objects.create(reason_id=code, kind=kind.value, parent_id=parent or None, name=name, planned=planned, changed_ts=now)
    _tell_lake(now)
    return made


def _tell_lake(now: datetime) -> None:
    """Tell the lake of equipment and reasons, which no action made: once, in a record of an earlier release too."""
    if OutboxEvent.objects.filter(kind=f"{KIND_PREFIX}{Reason.NOUN}").exists():
        return
    rows = (*Equipment.objects.all(), *Reason.objects.all())
    tell([Change(row.NOUN, row.pk, None, snapshot(row)) for row in rows], "record.seed", SOURCE_ID, now)


def _piece(
    equipment_id: str, name: str, level: EquipmentLevel, parent: Equipment | None, now: datetime, **values: float | str
) -> tuple[Equipment, bool]:
    path = f"{parent.path}/{equipment_id}" if parent else equipment_id
    known = {"name": name, "level": level.value, "parent": parent, "path": path, "changed_ts": now, **values}
    return Equipment.objects.get_or_create(equipment_id=equipment_id, defaults=known)
