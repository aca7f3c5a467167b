"""Approved promotions as the lake has them from FactoMES: silver.model_promotions as values of the registry."""

from factolake.contracts.silver_mes import MODEL_PROMOTIONS
from factolake.lake.tables import Lake
from models.registry.approval import FACTOMES, Approval
from models.registry.approved import Promotion

_COLUMNS = ("promotion_id", "model_name", "model_version", "payload_sha256", "proposal_id", "approved_by", "approved_ts")


def promotions_in(lake: Lake) -> list[Promotion]:
    """All of them, in no order; none before the table is there. What FactoMES took away is none. Raises TableDamaged."""
    if not lake.exists(MODEL_PROMOTIONS.table):
        return []
    rows = lake.open(MODEL_PROMOTIONS.table).read(_COLUMNS, "removed_ts IS NULL").to_pylist()
    return [
        Promotion(
            row["promotion_id"],
            row["model_name"],
            row["model_version"],
            Approval(row["proposal_id"], row["approved_by"], row["payload_sha256"], row["approved_ts"], FACTOMES),
        )
        for row in rows
    ]
