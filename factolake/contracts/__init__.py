"""Every table FactoLake writes, declared once; types, DDL, checks and documentation are derived in `formats/`."""

from factolake.contracts.bronze import BRONZE
from factolake.contracts.gold import GOLD
from factolake.contracts.ops import OPS
from factolake.contracts.silver import SILVER
from factolake.contracts.silver_features import SILVER_FEATURES
from factolake.contracts.silver_mes import SILVER_MES
from factolake.contracts.silver_scores import SILVER_SCORES
from factolake.contracts.silver_vibration import SILVER_VIBRATION
from factolake.contracts.table import Column, Table, Type

TABLES: dict[str, Table] = {
    table.name: table for table in (*BRONZE, *SILVER, *SILVER_FEATURES, *SILVER_VIBRATION, *SILVER_SCORES, *SILVER_MES, *GOLD, *OPS)
}
"""All tables by full name (`layer.table`)."""

__all__ = ["BRONZE", "GOLD", "OPS", "SILVER", "TABLES", "Column", "Table", "Type"]
