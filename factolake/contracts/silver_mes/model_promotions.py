"""Promotions of models that people approved in FactoMES; what became champion is in the registry's own ledger."""

from factolake.contracts.silver_mes.shape import key, of, stamp, text, whole
from factolake.contracts.table import Type

MODEL_PROMOTIONS = of(
    "model_promotion",
    "model_promotions",
    "approved promotion of a version of a model",
    (
        key("promotion_id", "Number, in the order of booking.", Type.INT64),
        text("model_name", "The model in the registry, e.g. signals.l1-m2.", nullable=False),
        whole("model_version", "Version in the registry that may become champion."),
        text("sha256", "Hash of the version's files, hex.", nullable=False),
        text("payload_sha256", "SHA-256 over what was approved: action, model, version and hash, hex.", nullable=False),
        text("proposal_id", "Proposal that was approved.", nullable=False),
        text("requested_by", "Who asked for it.", nullable=False),
        text("approved_by", "Who approved it.", nullable=False),
        stamp("approved_ts", "When it was approved", nullable=False),
    ),
    promotion_id="id",
    requested_by="requested_by_id",
    approved_by="approved_by_id",
)
