"""The ERP's folder in a test, and an order of the ERP that was worked on."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from record_plant import LINE, NOW, do

from factolake.config.settings import ErpSettings
from factolake.domain.action import Role
from factolake.mes.exchange.erp import ErpDoor
from factolake.mes.people.services import act, service

DAY = NOW + timedelta(days=1)


class Folder:
    """The ERP's folder and the door to it, with a clock that every turn moves on."""

    def __init__(self, root: Path) -> None:
        self.root, self.clock = root, DAY
        self.settings = ErpSettings(system="sap", folder=root)
        self.door = ErpDoor(self.settings)

    def drop(self, name: str, content: str | bytes, age_s: int = 0) -> None:
        """Put a document in the inbox, last changed `age_s` before the others."""
        (self.root / "inbox").mkdir(exist_ok=True)
        file = self.root / "inbox" / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(file, (10_000 - age_s, 10_000 - age_s))

    def turn(self, times: int = 2) -> None:
        for _ in range(times):
            self.clock += timedelta(seconds=5)
            self.door.turn(self.clock)

    def names(self, where: str) -> list[str]:
        return sorted(path.name for path in (self.root / where).iterdir())

    def answers(self, where: str) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in sorted((self.root / where).glob("*.answer.json"))]


def work(order_id: str, *goods: int) -> None:
    """An order of the ERP `sap` that reports these quantities."""
    sap = service("sap", "The ERP", NOW)
    rows = {"materials": {"material_id": "G"}, "orders": {"order_id": order_id, "material_id": "G", "quantity": 10, "line_id": LINE, "release": True}}
    for kind, row in rows.items():
        given = {"kind": kind, "format": "json", "source_system": "sap", "document": json.dumps([row])}
        assert act(sap, Role.PLANNER, "erp_import.create", "", NOW, **given)["errors"] == 0
    do("operator", "operation.start", f"{order_id}.10")
    for good in goods:
        do("operator", "operation.report", f"{order_id}.10", good=good)
