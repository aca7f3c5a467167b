"""The shift's people: what they do in FactoMES when the line does something. Facts in, asks out; no clock, no network.

The operator starts and completes what the stations work on, reports good parts by the batch and scrap as it falls, packs pallets with the components
that went into them, calls the fitter when a machine breaks down and says why it stood. Quality blocks one pallet and asks for its release.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from factolake.domain.states import MachineState
from factolake.plant.line import Fact
from factolake.plant.moment import from_us, to_us
from factolake.plant.office.asks import Ask, stamp
from factolake.plant.scenario import BreakdownScript, ComponentScript, OrderScript, Scenario

BATCH = 60
"""Good parts a station other than the last reports at once."""
PALLET = 24
"""Parts on a pallet, which is a lot."""
SHIPPED = 20
"""Pallets of an order that go to its customer; the rest stays in the store."""
BLOCKED_PALLET = 3
"""The pallet of the first order that quality blocks."""
MAINTENANCE, QUALITY = "maintenance", "quality"


@dataclass(slots=True)
class _Place:
    """What a station works on; `unreported` good parts; `made` on the order; `fault_us` since when it is broken down."""

    number: int
    order: str = ""
    unreported: int = 0
    scrapped: int = 0
    pallets: int = 0
    fault_us: int | None = None
    calls: int = 0


@dataclass(slots=True)
class _Stock:
    """Lots of a component bought so far, and the pieces left of the newest."""

    bought: int = 0
    left: int = 0


class Crew:
    """The people of one line under `scenario`; `start` is where the shift begins, `machines` are in flow order."""

    def __init__(self, scenario: Scenario, line_id: str, machines: Sequence[str], start: datetime) -> None:
        self._scenario, self._line, self._start_us = scenario, line_id, to_us(start)
        self._places = {machine: _Place(10 * (index + 1)) for index, machine in enumerate(machines)}
        self._last = machines[-1]
        self._stock = {component.id: _Stock() for component in scenario.component}
        self._operator = scenario.operator

    def happened(self, facts: Sequence[Fact]) -> Iterator[Ask]:
        """What they do about `facts`, in order."""
        for fact in facts:
            place, at_ts = self._places[fact.machine], from_us(fact.ts_us)
            if fact.name == "order":
                yield from self._takes(fact.machine, place, str(fact.value), at_ts)
            elif fact.name == "good" and place.order and fact.value:
                yield from self._made(fact.machine, place, at_ts)
            elif fact.name == "scrap" and place.order and fact.value and self._reports(place.order):
                yield self._scraps(fact.machine, place, at_ts)
            elif fact.name == "state":
                yield from self._state(fact.machine, place, str(fact.value), fact.ts_us)

    # -- orders -------------------------------------------------------------------------------------------------------------------------------

    def _takes(self, machine: str, place: _Place, order: str, at_ts: datetime) -> Iterator[Ask]:
        if order == place.order:
            return
        if place.order:
            yield from self._rest(machine, place, at_ts)
            yield self._step(place, "complete", at_ts)
            if machine == self._last:
                yield from self._ships(place)
        place.order, place.unreported, place.scrapped, place.pallets = order, 0, 0, 0
        if order:
            yield self._step(place, "start", at_ts)

    def _step(self, place: _Place, verb: str, at_ts: datetime) -> Ask:
        operation = f"{place.order}.{place.number}"
        return Ask(self._operator, f"/operations/{operation}/{verb}", f"{verb}/{operation}", {"at_ts": stamp(at_ts)})

    def _made(self, machine: str, place: _Place, at_ts: datetime) -> Iterator[Ask]:
        if not self._reports(place.order):
            return
        place.unreported += 1
        if place.unreported == (PALLET if machine == self._last else BATCH):
            yield from self._rest(machine, place, at_ts)

    def _rest(self, machine: str, place: _Place, at_ts: datetime) -> Iterator[Ask]:
        """Report the good parts that are not reported yet."""
        good, place.unreported = place.unreported, 0
        if not good:
            return
        place.pallets += 1
        operation, body = f"{place.order}.{place.number}", {"good": good, "at_ts": stamp(at_ts)}
        if machine == self._last:
            body["lot_id"] = self._pallet(place.order, place.pallets)
        yield Ask(self._operator, f"/operations/{operation}/report", f"good/{operation}/{place.pallets}", body)
        if machine == self._last:
            yield from self._packs(place, good, at_ts)

    def _scraps(self, machine: str, place: _Place, at_ts: datetime) -> Ask:
        place.scrapped += 1
        operation = f"{place.order}.{place.number}"
        cause = self._scenario.habits(machine).scrap_reason or "assembly"
        body = {"scrap": 1, "cause_id": cause, "at_ts": stamp(at_ts)}
        return Ask(self._operator, f"/operations/{operation}/report", f"scrap/{operation}/{place.scrapped}", body)

    def _reports(self, order: str) -> bool:
        """Whether people count the order; the machines alone count the others."""
        script = script_of(self._scenario, order)
        return script is not None and script.counted_by != "machine"

    # -- pallets and what is in them ----------------------------------------------------------------------------------------------------------

    def _pallet(self, order: str, number: int) -> str:
        return f"{order}-P{number:02}"

    def _packs(self, place: _Place, pieces: int, at_ts: datetime) -> Iterator[Ask]:
        pallet = self._pallet(place.order, place.pallets)
        script = script_of(self._scenario, place.order)
        for component in self._scenario.component:
            if script is None or (component.product and component.product != script.product):
                continue
            operation = f"{place.order}.{self._places[component.machine].number}"
            for part, (lot, quantity, is_new) in enumerate(self._taken(component, pieces * component.quantity)):
                if is_new:
                    yield self._buys(component, lot)
                body = {"lot_id": lot, "quantity": quantity, "into_lot_id": pallet, "at_ts": stamp(at_ts)}
                yield Ask(self._operator, f"/operations/{operation}/consume", f"use/{pallet}/{component.id}/{part}", body)
        if place.pallets == BLOCKED_PALLET and place.order == self._scenario.order[0].id:
            yield from self._blocks(pallet)

    def _taken(self, component: ComponentScript, wanted: int) -> Iterator[tuple[str, int, bool]]:
        """The lots that `wanted` pieces come from, how many of each, and whether the lot has to be bought first."""
        stock = self._stock[component.id]
        while wanted > 0:
            is_new = stock.left == 0
            if is_new:
                stock.bought, stock.left = stock.bought + 1, component.lot_size
            used = min(stock.left, wanted)
            wanted, stock.left = wanted - used, stock.left - used
            yield f"{component.id}-{stock.bought:03}", used, is_new

    def _buys(self, component: ComponentScript, lot: str) -> Ask:
        body = {
            "lot_id": lot,
            "material_id": component.id,
            "quantity": component.lot_size,
            "supplier_lot": f"{component.supplier}-{lot[-3:]}" if component.supplier else "",
            "equipment_id": component.machine,
        }
        return Ask(self._operator, "/lots", f"buy/{lot}", body)

    def _ships(self, place: _Place) -> Iterator[Ask]:
        """What of the order that was just completed goes to its customer."""
        for number in range(1, min(place.pallets, SHIPPED) + 1):
            pallet = self._pallet(place.order, number)
            if number != BLOCKED_PALLET or place.order != self._scenario.order[0].id:
                yield Ask(self._operator, f"/lots/{pallet}/ship", f"ship/{pallet}")

    def _blocks(self, pallet: str) -> Iterator[Ask]:
        why = "Two gearboxes of this pallet were loud at the end-of-line check"
        hold = f"hold/{pallet}"
        yield Ask(QUALITY, "/holds", hold, {"lot_id": pallet, "reason": why})
        evidence = {"checked": f"All {PALLET} were checked again, none is louder than 62 dB(A)", "report": "QC-0417"}
        body = {"action": "lot.release", "key": pallet, "payload": {"reason": "Checked again, good"}, "evidence": evidence}
        yield Ask(QUALITY, "/proposals", f"release/{pallet}", body)

    # -- breakdowns ---------------------------------------------------------------------------------------------------------------------------

    def _state(self, machine: str, place: _Place, state: str, at_us: int) -> Iterator[Ask]:
        if state == MachineState.FAULT.value and place.fault_us is None:
            place.fault_us, place.calls = at_us, place.calls + 1
            script = breakdown_at(self._scenario, machine, at_us - self._start_us)
            body = {
                "equipment_id": machine,
                "description": script.alarm if script else "The machine is in fault",
                "is_stopped": True,
                "stopped_ts": stamp(from_us(at_us)),
                "at_ts": stamp(from_us(at_us)),
            }
            yield Ask(self._operator, "/maintenance-requests", f"call/{machine}/{place.calls}", body)
        elif place.fault_us is not None and state != MachineState.FAULT.value:
            yield from self._repairs(machine, place, at_us)
            place.fault_us = None

    def _repairs(self, machine: str, place: _Place, at_us: int) -> Iterator[Ask]:
        assert place.fault_us is not None
        name = f"{machine}/{place.calls}"
        order = {"order": (f"accept/{name}", "id")}
        began, ended = from_us(place.fault_us), from_us(at_us)
        arrived, repaired = ({"at_ts": stamp(ts)} for ts in (began + (ended - began) / 4, ended))
        yield Ask(MAINTENANCE, "/maintenance-requests/{request}/accept", f"accept/{name}", answers={"request": (f"call/{name}", "id")})
        yield Ask(MAINTENANCE, "/maintenance-orders/{order}/arrive", f"arrive/{name}", arrived, order)
        yield Ask(MAINTENANCE, "/maintenance-orders/{order}/repair", f"repair/{name}", repaired, order)
        yield Ask(self._operator, "/maintenance-orders/{order}/prove", f"prove/{name}", repaired, order)
        finding = f"Stood from {began:%H:%M} to {ended:%H:%M} UTC"
        yield Ask(MAINTENANCE, "/maintenance-orders/{order}/diagnose", f"diagnose/{name}", {"mode_id": "mode.BRD", "finding": finding}, order)
        yield Ask(MAINTENANCE, "/maintenance-orders/{order}/close", f"close/{name}", answers=order)


def reason_of(scenario: Scenario, start: datetime, stop: Mapping[str, object]) -> str | None:
    """The reason the operator gives for a stop of FactoMES; None where nobody says one: no breakdown, or the script keeps it open."""
    began = datetime.fromisoformat(str(stop["from_ts"])) - start
    script = breakdown_at(scenario, str(stop["equipment_id"]), began // timedelta(microseconds=1))
    return script.reason if script else None


def breakdown_at(scenario: Scenario, machine: str, offset_us: int) -> BreakdownScript | None:
    """The breakdown that `machine` has this long after the start of the shift."""
    slack_us = 60_000_000
    found = (b for b in scenario.breakdown if b.machine in (None, machine) and b.at - slack_us <= offset_us < b.until_us)
    return next(found, None)


def script_of(scenario: Scenario, order: str) -> OrderScript | None:
    """The script of an order, also of a repeat of the last one; None for an order that is not the scenario's."""
    for script in reversed(scenario.order):
        if order == script.id or (script is scenario.order[-1] and order.startswith(f"{script.id}-")):
            return script
    return None
