"""A simulated ERP: it plans what the line makes, sends it to FactoMES as documents, and books what FactoMES confirms."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from factolake.domain.plant import PlantModel
from factolake.plant.line import Fact
from factolake.plant.moment import from_us
from factolake.plant.office.asks import Ask, stamp
from factolake.plant.scenario import ComponentScript, OrderScript, Scenario, repeat_id

Row = dict[str, object]
BODY_BYTES_MAX = 1 << 20


class Planner:
    """What the ERP `system` sends for `line_id`: its master data and orders at first, later each next order when the one before begins."""

    def __init__(self, system: str, model: PlantModel, line_id: str, scenario: Scenario, start: datetime) -> None:
        self._system, self._model, self._line, self._scenario, self._start = system, model, model.lines[line_id], scenario, start
        self._sent = len(scenario.order)

    def first(self) -> Iterator[Ask]:
        """Materials, bills, routings and the scenario's orders, in the order in which one needs the other."""
        products = sorted({order.product for order in self._scenario.order})
        components = self._scenario.component
        materials: list[Row] = [{"material_id": product, "description": f"Gearbox {product}"} for product in products]
        materials += [{"material_id": part.id, "description": part.description} for part in components]
        yield self._document("materials", "materials", materials)
        bills = [self._bill_row(part, product) for part in components for product in products if part.product in ("", product)]
        if bills:
            yield self._document("bills", "bills", bills)
        yield self._document("routings", "routings", [row for product in products for row in self._routing(product)])
        shift = timedelta(hours=self._scenario.shift_hours)
        last = self._scenario.order[-1]  # it goes on into the next shift
        orders = [self._order(order, order.id, self._start + (2 * shift if order is last else shift)) for order in self._scenario.order]
        yield self._document("orders", "orders/first", orders)
        if self._scenario.endless:
            yield self._next(self._start + 2 * shift)

    def happened(self, facts: Sequence[Fact]) -> Iterator[Ask]:
        """The next order, as soon as the newest one begins at the first station."""
        last = self._scenario.order[-1]
        for fact in facts:
            is_newest = fact.value == repeat_id(last, self._sent - len(self._scenario.order) + 1)
            if self._scenario.endless and fact.name == "order" and fact.machine == self._line.machines[0] and is_newest:
                yield self._next(from_us(fact.ts_us))

    def _next(self, now: datetime) -> Ask:
        self._sent += 1
        last = self._scenario.order[-1]
        order_id = repeat_id(last, self._sent - len(self._scenario.order) + 1)
        return self._document("orders", f"orders/{order_id}", [self._order(last, order_id, now + timedelta(hours=self._scenario.shift_hours))])

    def _order(self, script: OrderScript, order_id: str, due: datetime) -> Row:
        row: Row = {"order_id": order_id, "material_id": script.product, "quantity": script.quantity, "line_id": self._line.line_id}
        row |= {"due_ts": stamp(due), "counted_by": script.counted_by, "customer": script.customer, "sales_order": script.sales_order}
        return row | {"release": True}

    def _number(self, machine: str) -> int:
        return 10 * (self._line.machines.index(machine) + 1)

    def _bill_row(self, part: ComponentScript, product: str) -> Row:
        return {"material_id": product, "component_id": part.id, "step_number": self._number(part.machine), "quantity": part.quantity}

    def _routing(self, product: str) -> Iterator[Row]:
        planned_s = {plate.machine: plate.planned_run_time_us / 1_000_000 for plate in self._model.nameplates if plate.product == product}
        for machine in self._line.machines:
            row: Row = {"material_id": product, "number": self._number(machine), "equipment_id": machine, "overlaps": True}
            row |= {"description": self._model.machines[machine].name}
            yield row | ({"planned_run_s": planned_s[machine]} if machine in planned_s else {})

    def _document(self, kind: str, key: str, rows: Sequence[Mapping[str, object]]) -> Ask:
        body = {"kind": kind, "format": "json", "source_system": self._system, "document": json.dumps(rows)}
        return Ask(self._system, "/erp-imports", f"erp/{key}", body)


class Books:
    """The ERP's books: each confirmation once by its key, as a JSON line of `file`; what was booked before is known again."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, Lock()
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = file.read_text(encoding="utf-8").rpartition("\n")[0] if file.exists() else ""
        if whole:
            file.write_text(whole + "\n", encoding="utf-8")  # a line that was cut by the power is not booked: it comes again
        self._documents = {json.loads(line)["key"]: number for number, line in enumerate(whole.splitlines(), start=1)}

    def book(self, key: str, confirmation: Mapping[str, object]) -> str:
        """The ERP's number of the document that `key` was booked under, now or before."""
        with self._lock:
            number = self._documents.get(key)
            if number is None:
                number = len(self._documents) + 1
                with self._file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"key": key, **confirmation}) + "\n")
                self._documents[key] = number
        return f"49{number:08}"


class ErpServer:
    """The ERP's door for confirmations: POSTs with a bearer token and an idempotency key, on a loopback port. Raises OSError when it is taken."""

    def __init__(self, port: int, token: str, books: Books) -> None:
        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if self.headers.get("Authorization") != f"Bearer {token}":
                    self._answer(HTTPStatus.UNAUTHORIZED, {"message": "the token is not the ERP's"})
                    return
                length, key = int(self.headers.get("Content-Length") or 0), self.headers.get("Idempotency-Key", "")
                try:
                    said = json.loads(self.rfile.read(min(length, BODY_BYTES_MAX)))
                except ValueError:
                    said = None
                if not isinstance(said, dict) or not key:
                    self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"message": "a confirmation is a JSON object with an idempotency key"})
                    return
                self._answer(HTTPStatus.OK, {"document": books.book(key, said)})

            def _answer(self, status: HTTPStatus, said: Mapping[str, object]) -> None:
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: FactoMES tells what went out."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Door)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, name="erp", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
