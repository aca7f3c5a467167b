"""The short picture of an installation: who runs, what waits, how far the tables are, the latest shift of each line."""

from factolake.config import Settings
from factolake.contracts import TABLES, gold
from factolake.domain.clock import Clock
from factolake.lake.sql import query
from factolake.lake.tables import Lake
from pipelines.doctor import diagnose
from pipelines.observe import observe

LATEST_SHIFTS = """
select line, production_day, shift, is_complete, round(oee, 4) as oee, round(coverage, 4) as coverage, gq as good, sq as scrap
from gold.oee_shift where equipment_level = 'ProductionLine'
qualify row_number() over (partition by line order by from_ts desc) <= 2 order by line, from_ts
"""


def picture(settings: Settings, clock: Clock) -> dict[str, object]:
    """Plain data: home, state, parts, tables, shifts."""
    report = diagnose(observe(settings, clock))
    lake = Lake(settings.lake_root)
    late = {finding.name: finding.cause for finding in report.findings if finding.kind == "table"}
    tables = [
        {"table": table.name, "version": lake.open(table).version, "freshness": late.get(table.name, "-")}
        for table in TABLES.values()
        if lake.exists(table)
    ]
    return {
        "home": str(settings.home),
        "state": report.state,
        "parts": [{"name": f.name, "state": f.state, "since": f.since, "cause": f.cause} for f in report.findings if f.kind in ("part", "flow")],
        "tables": tables,
        "shifts": query(lake, LATEST_SHIFTS).to_pylist() if lake.exists(gold.OEE_SHIFT) else [],
    }
