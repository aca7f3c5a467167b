"""Makes the filled database and the backup of a release that a later one has to take over (see README.md here).

Run in a checkout of that release: `PYTHONPATH=.:tests/mes python fill_release.py FOLDER`. It knows the actions and test helpers of that release
and is kept as it was when the files were made.
"""

import gzip
import json
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from factolake.config import load_plant
from factolake.config.settings import Settings
from factolake.mes.project.configure import start

FOLDER = Path(sys.argv[1])
SETTINGS = Settings(home=FOLDER / "home")
start(SETTINGS)

from django.test import override_settings  # noqa: E402
from mes_rows import hour_row, make_row, put, shift_row, state_row  # noqa: E402
from pages_client import PASSWORD, Pages, give_password  # noqa: E402
from record_plant import LINE, M1, M2, NOW, do, fill, order  # noqa: E402
from test_rights import erp_rows, maintenance_rows, quality_rows, two_stops  # noqa: E402
from test_stops import stop  # noqa: E402

from factolake.contracts.gold import KNOWLEDGE_LAG, LOSSES, OEE_HOUR, OEE_SHIFT  # noqa: E402
from factolake.contracts.silver import DOWNTIME, MACHINE_STATES  # noqa: E402
from factolake.domain.clock import ManualClock  # noqa: E402
from factolake.lake.tables import Lake  # noqa: E402
from factolake.mes.audit.seals import seal  # noqa: E402
from factolake.mes.core.action import ACTIONS  # noqa: E402
from factolake.mes.downtime.takeover_run import turn  # noqa: E402
from factolake.mes.exchange.deliver import deliver_once  # noqa: E402
from factolake.mes.exchange.file_drop import FileDrop  # noqa: E402
from factolake.mes.people.models import Person  # noqa: E402
from factolake.mes.production.models import Order  # noqa: E402
from factolake.mes.project.archive import backup  # noqa: E402
from factolake.mes.project.database import migrate  # noqa: E402
from factolake.mes.sync.run import Sync  # noqa: E402

UGLY = (
    "a'b\"c;--<script>alert(1)</script>{{ 7*7 }}%s%00",
    "line\nbreak\ttab\\ \u2028\u2029\u200b\ufeff",
    "עברית \u202eright to left\u202c e\u0301\u0327 🏭👩🏽\u200d🔧",
    "=1+1",
    "  ",
)
EVERY = timedelta(minutes=5)


def work() -> None:
    """A few rows of everything."""
    operation = order()
    do("operator", "operation.start", operation)
    do("planner", "lot.create", lot_id="S-1", material_id="G-100", quantity=10, equipment_id=LINE)
    do("operator", "operation.report", operation, good="0.0001", lot_id="LOT-1", once="key-1")
    do("operator", "operation.report", operation, scrap=3, cause_id="surface", reason=UGLY[1])
    do("operator", "operation.consume", operation, lot_id="S-1", quantity=1)
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=LINE)
    do("engineer", "material.create", material_id="STEEL")
    do("engineer", "bill_item.create", material_id="G-100", component_id="STEEL", step_number=10, quantity=1)
    do("operator", "lot.ship", "S-1", quantity=1, customer=UGLY[0])
    two_stops()
    proposed = do("agent", "proposal.create", action="order.cancel", key="PO-1", payload={"reason": UGLY[2]})
    do("approver", "proposal.approve", str(proposed["proposal_id"]), digest=proposed["digest"])
    do("engineer", "kill_switch.create", scope="capability:order.cancel", reason="tried")
    do("engineer", "device.create", label="Tablet", equipment_id=LINE, hash="1" * 64)
    with override_settings(FACTOMES_WEBHOOK_HOSTS=("localhost",)):
        erp_rows(operation)
    quality_rows()
    maintenance_rows()
    do("quality", "inspection.create", plan_id=1, values=["9.9999"])


def shifts() -> None:
    """Some hundred entries of the audit, sealed now and then, with texts that are hard to carry."""
    for number in range(60):
        key = order(f"PO-{number + 100} '\"<b>&é\u2028🏭", quantity=number + 1, customer=UGLY[number % len(UGLY)])
        do("operator", "operation.start", key, once=f"start-{number}")
        do("operator", "operation.report", key, good=number, scrap=1, cause_id="surface", reason=UGLY[number % len(UGLY)], lot_id=f"L-{number}")
        if number % 10 == 9:
            seal(NOW + number * EVERY)


def people() -> None:
    """Signed in, locked out, with a badge."""
    give_password("planner")
    for password in ("wrong", "wrong again", PASSWORD):
        Pages().post("/login", username="planner", password=password)
    Pages().post("/login", username="nobody at all", password="wrong")
    do("admin", "person.set_badge", "operator", badge="B-17", pin="2468")
    do("admin", "api_token.create", "erp", label="ERP", hash="3" * 64, expires_ts="2036-01-01T00:00:00Z")


def from_the_lake() -> None:
    """What the sync brought."""
    lake = Lake(FOLDER / "lake")
    put(lake, MACHINE_STATES, [state_row(M1, 0), state_row(M1, 1, "fault", state_raw=UGLY[2])])
    put(lake, OEE_SHIFT, [shift_row(M1)])
    put(lake, OEE_HOUR, [hour_row(M1)])
    put(lake, DOWNTIME, [stop(M1, 10, 20), stop(M2, 15.5, 10, state="starved", asks=False)])
    put(lake, LOSSES, [make_row(LOSSES)])
    put(lake, KNOWLEDGE_LAG, [make_row(KNOWLEDGE_LAG)])
    sync = Sync(lake, SETTINGS.mes_url, ManualClock(datetime(2026, 3, 3, tzinfo=UTC)))
    sync.step()
    sync.close()
    turn(datetime(2026, 3, 3, tzinfo=UTC))


def to_the_erp() -> None:
    """An ERP's order at work, and a confirmation that nobody took."""
    key = order("ERP-1")
    Order.objects.filter(pk="ERP-1").update(source_system="erp")
    do("operator", "operation.start", key)
    do("operator", "operation.report", key, good=1)
    deliver_once(FileDrop("erp", FOLDER / "no such folder"), Person.objects.get(pk="erp"), NOW)


def main() -> None:
    """Fill, seal, write the files."""
    from django.db import connections

    plant = Path("conf/plant.toml")
    migrate(load_plant(plant), NOW)
    fill(plant)
    work()
    shifts()
    people()
    from_the_lake()
    to_the_erp()
    do("operator", "operation.report", "PO-1.10", good=1)
    seal(NOW + timedelta(days=1))
    written = backup(FOLDER / "backup.zip", SETTINGS.mes_dir, {"plant.toml": plant}, NOW + timedelta(days=1))
    connections.close_all()
    file = SETTINGS.mes_dir / "mes.sqlite"
    with sqlite3.connect(file) as whole:
        whole.execute("PRAGMA journal_mode=DELETE")
        whole.execute("VACUUM")
        tables = [name for (name,) in whole.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        rows = {name: whole.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
    (FOLDER / "mes.sqlite.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    made = {"audit": {"number": written.audit_number, "hash": written.audit_hash}, "rows": rows, "actions": sorted(ACTIONS)}
    (FOLDER / "made.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
