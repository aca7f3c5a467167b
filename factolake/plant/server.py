"""The plant's OPC UA server: the declared signals as nodes, every value with the plant's own stamps, and back-pressure.

A real server answers in its own time; this one's time is the plant's, so that a shift played fast is history to whoever listens.
"""

import asyncio
import contextlib
import copy
import errno
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from factolake.domain.equipment import Source
from factolake.domain.signals import Signal, SignalKind
from factolake.domain.units import UNITS
from factolake.errors import PortInUse
from factolake.plant.wire import GOOD, Value

FOLDER = "Plant"
_UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
_POLL_S = 0.002
_SETTLED_S = 1.5
_ABANDONED_S = 10.0
_OPEN_ACKS = 3
_FAREWELL_S = 3.0
_WORDS = ("unknown", "producing", "setup", "fault", "starved", "blocked", "waiting", "no_order", "planned_stop", "stopped")


class FrozenValue(ua.DataValue):
    """A value nobody changes after it is written: the server's per-item copy of it is itself (a third of the cost of a write)."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, object]) -> "FrozenValue":
        return self


class _SinceEpoch:
    """What `PreciseTime` minus the OPC UA epoch is: only asyncua's `10 * (difference // microsecond)` is asked of it."""

    def __init__(self, since: timedelta, rest_ns: int) -> None:
        self._ticks = 10 * (since // timedelta(microseconds=1)) + rest_ns // 100

    def __floordiv__(self, microsecond: object) -> "_SinceEpoch":
        return self

    def __rmul__(self, ten: int) -> int:
        return self._ticks


class PreciseTime(ua.DateTime):
    """A stamp with the 100 ns that OPC UA carries and a datetime does not; `rest_ns` 0..999."""

    rest_ns: int = 0

    @classmethod
    def of(cls, ts: datetime, rest_ns: int) -> "PreciseTime":
        """`ts` and `rest_ns` nanoseconds."""
        precise = cls(ts.year, ts.month, ts.day, ts.hour, ts.minute, ts.second, ts.microsecond, ts.tzinfo)
        precise.rest_ns = rest_ns
        return precise

    def __sub__(self, other: Any) -> Any:
        difference = super().__sub__(other)
        return _SinceEpoch(difference, self.rest_ns) if isinstance(difference, timedelta) else difference


class PlantServer:
    """An OPC UA server for `source` at `url` (default the source's own), whose clock shows `start` until `set_time` moves it."""

    def __init__(self, source: Source, start: datetime, url: str | None = None) -> None:
        self.url = url or source.url
        self._source, self._time = source, start
        self._server = Server()
        self._nodes: dict[str, tuple[ua.NodeId, ua.VariantType]] = {}
        self._index = 0
        self._folders: dict[str, Node] = {}
        self._codes: dict[int, ua.StatusCode] = {GOOD: ua.StatusCode(ua.UInt32(GOOD))}

    async def open(self, signals: Iterable[Signal], texts: Mapping[str, str] | None = None) -> None:
        """Build the nodes and listen. `texts`: further String nodes, tag -> folder. Raises PortInUse when the address is taken."""
        await self._server.init()
        self._server.set_endpoint(self.url)
        self._server.set_server_name("FactoLake plant")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        self._server.iserver.disabled_clock = True
        self._index = await self._server.register_namespace(self._source.namespace)
        for signal in signals:
            await self._add_signal(signal)
        for tag, folder in (texts or {}).items():
            if tag not in self._nodes:
                await self._add_variable(tag, folder, ua.VariantType.String)
        await self.set_time(self._time)
        try:
            await self._server.start()
        except OSError as error:
            with contextlib.suppress(Exception):
                await self._server.stop()
            if error.errno != errno.EADDRINUSE:
                raise
            place = urlsplit(self.url)
            raise PortInUse(f"{place.hostname}:{place.port} is taken by another process; stop it or give the plant another port") from error

    async def close(self) -> None:
        """Stop listening."""
        await self._server.stop()

    async def write(self, tag: str, value: Value | None, ts: datetime, status: int = GOOD, rest_ns: int = 0) -> None:
        """Let `tag` have `value` since `ts` (and `rest_ns` nanoseconds), with OPC UA status code `status`. Raises KeyError for an unknown tag."""
        node_id, kind = self._nodes[tag]
        variant = ua.Variant(value, kind) if value is not None else ua.Variant(None, ua.VariantType.Null)
        code = self._codes.get(status) or self._codes.setdefault(status, ua.StatusCode(ua.UInt32(status)))
        stamp = PreciseTime.of(ts, rest_ns) if rest_ns else cast(ua.DateTime, ts)
        data = FrozenValue(Value=variant, StatusCode=code, SourceTimestamp=stamp, ServerTimestamp=stamp)
        await self._server.iserver.aspace.write_attribute_value(node_id, AttributeIds.Value, data)

    async def set_time(self, now: datetime) -> None:
        """Move the server's clock (ServerStatus.CurrentTime) to `now`."""
        self._time = now
        space = self._server.iserver.aspace
        current, whole = _standard(ObjectIds.Server_ServerStatus_CurrentTime), _standard(ObjectIds.Server_ServerStatus)
        await space.write_attribute_value(current, AttributeIds.Value, self._good(ua.Variant(now, ua.VariantType.DateTime)))
        before = space.read_attribute_value(whole, AttributeIds.Value).Value
        status = copy.copy(before.Value) if before is not None and before.Value is not None else ua.ServerStatusDataType()
        status.CurrentTime = now
        await space.write_attribute_value(whole, AttributeIds.Value, self._good(ua.Variant(status, ua.VariantType.ExtensionObject)))

    async def mark(self, tag: str) -> None:
        """Show a Boolean `tag` that is true, beside the plant's folder: a word about the play, not a value of the plant."""
        name = ua.QualifiedName(tag, self._index)
        await self._server.nodes.objects.add_variable(self._id(tag), name, True, ua.VariantType.Boolean)

    async def wait_for_subscriber(self, stop: asyncio.Event) -> bool:
        """Wait until a client has subscribed to every node, or to some and has added none for a while. False if `stop` came first."""
        seen, since = 0, asyncio.get_running_loop().time()
        while not stop.is_set():
            items = self._subscribed()
            now = asyncio.get_running_loop().time()
            if items != seen:
                seen, since = items, now
            if items >= len(self._nodes) or (items and now - since > _SETTLED_S):
                return True
            await asyncio.sleep(0.05)
        return False

    async def drain(self, stop: asyncio.Event) -> bool:
        """Publish what waits and return once clients have acknowledged nearly all: then nothing can overflow. False if `stop` came first.

        Without a subscriber it waits for one: values of a shift played fast are not spoken into the void.
        """
        for subscription in self._clients():
            await subscription.publish_results()
        began = asyncio.get_running_loop().time()
        while not stop.is_set():
            clients = self._clients()
            if not self._subscribed():
                return await self.wait_for_subscriber(stop)
            if asyncio.get_running_loop().time() - began > _ABANDONED_S:
                clients = clients[-1:]  # an older subscription that takes nothing any more belongs to a connection that broke
            if not any(_waits(subscription) for subscription in clients):
                return True
            await asyncio.sleep(_POLL_S)
        return False

    async def finish(self) -> None:
        """Publish the last values and give the clients a moment to acknowledge them; what is closed at once is lost on the wire."""
        for subscription in self._clients():
            await subscription.publish_results()
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < _FAREWELL_S and any(s._triggered_datachanges or s._not_acknowledged_results for s in self._clients()):
            await asyncio.sleep(_POLL_S)

    def _good(self, variant: ua.Variant) -> FrozenValue:
        now = cast(ua.DateTime, self._time)
        return FrozenValue(Value=variant, StatusCode=self._codes[GOOD], SourceTimestamp=now, ServerTimestamp=now)

    def _id(self, text: str) -> ua.NodeId:
        return ua.NodeId(ua.String(text), ua.Int16(self._index))

    def _clients(self) -> list[InternalSubscription]:
        subscriptions = self._server.iserver.subscription_service.subscriptions.values()
        return [s for s in subscriptions if s.pub_request_callback is not None]

    def _subscribed(self) -> int:
        return sum(len(s.monitored_item_srv._monitored_items) for s in self._clients())

    async def _add_signal(self, signal: Signal) -> None:
        node = await self._add_variable(signal.tag, signal.machine, ua.VariantType[signal.node_type], signal.description)
        if signal.source_unit is not None:
            await self._make_analog(node, signal)
        if signal.kind is SignalKind.STATE and signal.node_type != "String":
            names = [ua.LocalizedText(word) for word in _WORDS]
            await node.add_property(self._id(f"{signal.tag}.EnumStrings"), ua.QualifiedName("EnumStrings", 0), names)

    async def _add_variable(self, tag: str, folder: str, kind: ua.VariantType, description: str = "") -> Node:
        node_id = self._id(tag)
        empty = ua.Variant(None, ua.VariantType.Null)
        parent = await self._folder(folder)
        node = await parent.add_variable(node_id, ua.QualifiedName(tag, self._index), empty, datatype=ua.NodeId(ua.Int32(kind.value)))
        if description:
            await node.write_attribute(AttributeIds.Description, ua.DataValue(ua.Variant(ua.LocalizedText(description))))
        self._nodes[tag] = (node_id, kind)
        await self.write(tag, None, self._time, StatusCodes.BadWaitingForInitialData)
        return node

    async def _folder(self, name: str) -> Node:
        if FOLDER not in self._folders:
            self._folders[FOLDER] = await self._server.nodes.objects.add_folder(self._id(FOLDER), ua.QualifiedName(FOLDER, self._index))
        if name not in self._folders:
            place = self._id(f"{FOLDER}/{name}")
            self._folders[name] = await self._folders[FOLDER].add_folder(place, ua.QualifiedName(name, self._index))
        return self._folders[name]

    async def _make_analog(self, node: Node, signal: Signal) -> None:
        has_type = _standard(ObjectIds.HasTypeDefinition)
        plain = _standard(ObjectIds.BaseDataVariableType)
        await node.delete_reference(plain, has_type, bidirectional=False)
        await node.add_reference(_standard(ObjectIds.AnalogItemType), has_type, bidirectional=False)
        assert signal.source_unit is not None
        unit = engineering_unit(signal.source_unit)
        await node.add_property(self._id(f"{signal.tag}.EngineeringUnits"), ua.QualifiedName("EngineeringUnits", 0), unit)


def _standard(identifier: int) -> ua.NodeId:
    return ua.NodeId(ua.Int32(identifier))


def engineering_unit(code: str) -> ua.EUInformation:
    """The UNECE code as OPC UA writes it: the unit id is the code's characters read as one big-endian number."""
    symbol = ua.LocalizedText(UNITS[code].symbol)
    number = int.from_bytes(code.encode("ascii"), "big")
    return ua.EUInformation(NamespaceUri=_UNECE, UnitId=number, DisplayName=symbol, Description=symbol)


def _waits(subscription: InternalSubscription) -> bool:
    """Whether the client lags behind. A few open acknowledgements are usual: they travel with the client's next request."""
    return bool(subscription._triggered_datachanges) or len(subscription._not_acknowledged_results) > _OPEN_ACKS
