"""`factolake explain`: finds the shift that is meant and lets the KPI library explain it."""

import datetime as dt
import json
from dataclasses import dataclass

from rich.console import RenderableType

from factolake.config import Settings
from factolake.contracts import bronze, gold
from factolake.domain.calendar import plant_zone
from factolake.domain.plant import PlantModel
from factolake.errors import ContractViolation
from factolake.kpi.explain import explain_shift
from factolake.kpi.explain_text import explanation_text
from factolake.lake.sql import query
from factolake.lake.tables import Lake


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation twice: as plain data and in the form rich prints."""

    document: dict[str, object]
    text: RenderableType


def explanation(settings: Settings, model: PlantModel, equipment: str, shift: str, day: dt.date | None) -> Told:
    """Explain the OEE of `equipment` in `shift` of `day` (default: the latest day with that shift). Raises ContractViolation if there is none."""
    lake = Lake(settings.lake_root)
    if not lake.exists(gold.OEE_SHIFT):
        raise ContractViolation(f"gold.oee_shift is not in {settings.lake_root} yet; start with `factolake demo` or `factolake up`")
    known = query(lake, "select distinct equipment, shift, production_day from gold.oee_shift where pbt_us > 0").to_pylist()
    fitting = [
        row["production_day"] for row in known if row["equipment"] == equipment and row["shift"] == shift and day in (None, row["production_day"])
    ]
    if not fitting:
        have = sorted({f"{row['equipment']} {row['shift']} {row['production_day']}" for row in known})
        shown = "; ".join(have[:12]) + ("; ..." if len(have) > 12 else "")
        raise ContractViolation(f"no gold.oee_shift row for {equipment} {shift}{f' {day}' if day else ''}; there are: {shown or 'none yet'}")
    told = explain_shift(lambda sql: query(lake, sql), model, equipment, max(fitting), shift, readings_path=lake.path(bronze.READINGS))
    return Told(json.loads(told.to_json()), explanation_text(told, plant_zone(model.time_zone)))
