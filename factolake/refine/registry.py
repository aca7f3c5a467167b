"""Every refinement in the order data flows: a table's inputs stand before it."""

from factolake.kpi.alert_quality import ALERT_QUALITY
from factolake.kpi.downtime_pareto import DOWNTIME_PARETO
from factolake.kpi.knowledge_lag import KNOWLEDGE_LAG
from factolake.kpi.losses import LOSSES
from factolake.kpi.oee_hour import OEE_HOUR
from factolake.kpi.oee_shift import OEE_SHIFT
from factolake.kpi.schedule_adherence import SCHEDULE_ADHERENCE
from factolake.refine.alert_events import REFUSED_ALERTS, TOLD_ALERTS
from factolake.refine.alerts import ALERTS
from factolake.refine.carry import CARRY
from factolake.refine.counts import COUNTS
from factolake.refine.downtime import DOWNTIME
from factolake.refine.features_cycle import FEATURES_CYCLE
from factolake.refine.features_vibration import FEATURES_VIBRATION
from factolake.refine.features_window import FEATURES_WINDOW
from factolake.refine.machine_states import MACHINE_STATES
from factolake.refine.mes_changes import CHANGES, REFUSED
from factolake.refine.mes_tables import MES_ROWS
from factolake.refine.readings import QUARANTINE, READINGS
from factolake.refine.refinement import Refinement
from factolake.refine.restatements import RESTATEMENTS
from factolake.refine.state_hours import STATE_HOURS
from factolake.refine.window_regimes import WINDOW_REGIMES

REFINEMENTS: tuple[Refinement, ...] = (
    QUARANTINE,
    READINGS,
    CARRY,
    STATE_HOURS,
    MACHINE_STATES,
    COUNTS,
    DOWNTIME,
    OEE_HOUR,
    OEE_SHIFT,
    LOSSES,
    KNOWLEDGE_LAG,
    RESTATEMENTS,
    # What models learn from; no KPI waits for it.
    FEATURES_WINDOW,
    WINDOW_REGIMES,
    FEATURES_CYCLE,
    FEATURES_VIBRATION,
    TOLD_ALERTS,
    ALERTS,
    # FactoMES's record changes seldom and nothing above is made from it, so it does not stand in its way.
    CHANGES,
    *MES_ROWS,
    DOWNTIME_PARETO,
    SCHEDULE_ADHERENCE,
    ALERT_QUALITY,
    REFUSED,
    REFUSED_ALERTS,
)
