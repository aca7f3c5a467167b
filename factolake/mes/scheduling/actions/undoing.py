"""Undo: what an accepted schedule changed and nobody has started is as it was before."""

from factolake.domain.action import Effect
from factolake.mes.core.action import On, action
from factolake.mes.core.call import Call, locked
from factolake.mes.production.forms import WhyForm
from factolake.mes.production.models import Operation
from factolake.mes.production.ways import Times
from factolake.mes.scheduling.actions.proposals import DECIDERS, end
from factolake.mes.scheduling.models import SCHEDULE_STATES, EntryState, ScheduleEntry, ScheduleState, ScheduleVersion
from factolake.mes.scheduling.present import OPEN
from factolake.mes.scheduling.writing import Planned, held, planned, write


@action("schedule.undo", On(ScheduleVersion), DECIDERS, Effect.PRODUCTION, WhyForm)
def undo_schedule(call: Call, version: ScheduleVersion, form: WhyForm) -> ScheduleVersion:
    """Take the current schedule back: what has not started, and nobody planned otherwise since, is planned as before; the rest stays."""
    SCHEDULE_STATES.check(version.pk, version.state, ScheduleState.UNDONE)
    before = locked(ScheduleVersion, version.replaces_id) if version.replaces_id is not None else None
    entries = {entry.operation_id: entry for entry in version.entries.filter(state=EntryState.ACCEPTED.value)}
    operations = held(entries, {place for e in entries.values() for place in (e.equipment_id, e.before_equipment_id)})
    back = {key: entry for key, entry in entries.items() if _is_restored(entry, operations[key])}
    times = {key: Times(e.before_run_s, e.before_setup_s) for key, e in back.items() if e.before_setup_s is not None}
    write(call, operations, {key: Planned(e.before_equipment_id, e.before_start_ts, e.before_end_ts) for key, e in back.items()}, times)
    call.change_many((entry, {"state": EntryState.UNDONE.value}) for entry in back.values())
    end(call, version, ScheduleState.UNDONE, form.reason)
    if before is not None and before.state == ScheduleState.SUPERSEDED.value:
        end(call, before, ScheduleState.ACCEPTED, f"again, since {version.pk} was undone")
    return version


def _is_restored(entry: ScheduleEntry, operation: Operation) -> bool:
    has_begun = operation.actual_start_ts is not None or operation.state not in OPEN
    return not has_begun and planned(operation) == Planned(entry.equipment_id, entry.planned_start_ts, entry.planned_end_ts)
