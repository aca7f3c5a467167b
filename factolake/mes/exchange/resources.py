"""What can be read of the exchange."""

from factolake.domain.action import Role
from factolake.mes.core.resource import resource
from factolake.mes.exchange.models import ErpConfirmation, ErpImport, ErpImportPart, ErpImportRow, Webhook, WebhookDelivery

ADMINISTRATION = frozenset({Role.ENGINEER, Role.ADMIN})
PLANNING = frozenset({Role.PLANNER, Role.ENGINEER, Role.ADMIN})

resource("erp-imports", ErpImport, filters=("source_system", "kind", "state", "sha256"), roles=PLANNING)
resource("erp-import-parts", ErpImportPart, filters=("erp_import_id",), roles=PLANNING)
resource("erp-import-rows", ErpImportRow, filters=("erp_import_id", "field"), roles=PLANNING)
resource("erp-confirmations", ErpConfirmation, filters=("state", "order_id", "operation_id", "source_system", "kind", "told_by"))
resource("webhooks", Webhook, roles=ADMINISTRATION)
resource("webhook-deliveries", WebhookDelivery, filters=("webhook_id", "state", "noun"), roles=ADMINISTRATION)
