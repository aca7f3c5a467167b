"""The plant model as refinements use it, written down when it changed: what a number was made with can be read later."""

import pyarrow as pa

from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.lake.tables import Lake


def record_plant(lake: Lake, model: PlantModel, clock: Clock) -> bool:
    """Write `model` to silver.plant_model if it differs from the newest one there; True when it did."""
    lake.ensure(silver.PLANT_MODEL)
    handle = lake.open(silver.PLANT_MODEL)
    held = handle.read().sort_by("loaded_ts")
    if held.num_rows and held["model_hash"][-1].as_py() == model.digest:
        return False
    row = {"model_hash": model.digest, "model_json": model.document(), "loaded_ts": clock.now()}
    handle.append(pa.Table.from_pylist([row], arrow_schema(silver.PLANT_MODEL)), {})
    return True
