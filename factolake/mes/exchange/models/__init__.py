"""Tables of the exchange with other systems, a module a noun."""

from factolake.mes.exchange.models.confirmation import ConfirmationKind, ConfirmationState, ErpConfirmation, ErpDelivery, OperationClock
from factolake.mes.exchange.models.imported import ErpImport, ErpImportPart, ErpImportRow, ImportState
from factolake.mes.exchange.models.webhook import DeliveryState, Webhook, WebhookDelivery

__all__ = [
    "ConfirmationKind",
    "ConfirmationState",
    "DeliveryState",
    "ErpConfirmation",
    "ErpDelivery",
    "ErpImport",
    "ErpImportPart",
    "ErpImportRow",
    "ImportState",
    "OperationClock",
    "Webhook",
    "WebhookDelivery",
]
