"""Short ways to bring documents of an ERP and to read what became of their rows."""

import json
from typing import Any

from record_plant import LINE, do

from factolake.mes.exchange.models import ErpImport, ErpImportRow

COUNTS = ("imported", "updated", "skipped", "errors")


def bring(kind: str, rows: Any, actor: str = "erp", system: str = "erp", format: str = "json") -> tuple[int, int, int, int]:
    """Import `rows` and return how many were imported, updated, skipped and errors."""
    document = rows if isinstance(rows, str) else json.dumps(rows)
    done = do(actor, "erp_import.create", kind=kind, format=format, source_system=system, document=document)
    return tuple(done[name] for name in COUNTS)  # type: ignore[return-value]


def faults() -> list[tuple[int, str, str]]:
    """Row, field and message of the errors of the latest import."""
    rows = ErpImportRow.objects.filter(erp_import=ErpImport.objects.latest("pk")).order_by("number")
    return list(rows.values_list("number", "field", "message"))


def materials(*material_ids: str, **more: Any) -> None:
    assert bring("materials", [{"material_id": one, **more} for one in material_ids])[3] == 0


def an_order(order_id: str = "PO-1", **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "material_id": "G", "quantity": 10, "line_id": LINE, **more}
