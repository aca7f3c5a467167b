"""One session with an OPC UA server, from connecting until it breaks: subscribe, take publish responses, ask for signs of life.

asyncua carries the connection and the services; the publish loop is our own, because values are decoded straight from the bytes and the
server gets its acknowledgement only after they are safe in the log.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UASocketProtocol
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import struct_from_binary
from asyncua.ua.uaerrors import BadTimeout

from factolake.domain.equipment import Source, Timeline
from factolake.edge.opcua_nodes import TagNode, chunks, find_nodes, namespace_uris, read_units, standard_node
from factolake.edge.opcua_values import Publish, Undecodable, decode_publish
from factolake.errors import SourceUnavailable

QUEUE_SIZE = 10_000
_PUBLISH_REQUESTS = 4


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds the connector waits for what; the defaults bring data back within 10 s of a server's return."""

    connect_s: float = 3.0
    request_s: float = 3.0
    close_s: float = 1.0
    set_up_s: float = 60.0
    heartbeat_s: float = 5.0
    keep_alive_s: float = 2.5
    node_retry_s: float = 30.0
    backoff_min_s: float = 0.5
    backoff_max_s: float = 2.0
    drain_s: float = 8.0


@dataclass(frozen=True, slots=True)
class NodeError:
    """A node the server does not let us subscribe to."""

    tag: str
    status: int
    name: str
    message: str


class OpcUaSession:
    """A connection to the server of `source`.

    `on_publish(publish, acknowledge)` and `on_heartbeat(server_time)` are called in the event loop and must not block;
    `room` is awaited before the server is asked for more. Every method raises what ends the session; `close` always comes last.
    """

    def __init__(
        self,
        source: Source,
        declared: Sequence[str],
        foreign: Sequence[str],
        timing: Timing,
        on_publish: Callable[[Publish, Callable[[], None]], None],
        on_undecodable: Callable[[bytes, str], None],
        on_heartbeat: Callable[[object], None],
        room: Callable[[], Awaitable[None]],
    ) -> None:
        self._source, self._declared, self._foreign, self._timing = source, declared, foreign, timing
        self._on_publish, self._on_undecodable, self._room = on_publish, on_undecodable, room
        self.on_heartbeat = on_heartbeat
        self._client = Client(source.url, timeout=timing.request_s, watchdog_intervall=3600.0)
        self._client.session_timeout = 60_000
        self._client.name = "FactoLake gateway"
        self._subscription = ua.CreateSubscriptionResult()
        self._uris: list[str] = []
        self._nodes: list[TagNode] = []
        self._bad: dict[int, int] = {}
        self._acks: list[ua.SubscriptionAcknowledgement] = []
        self._next_sequence: int | None = None
        self._last_publish = 0.0
        self._asked = 0
        self.tags: list[str] = []
        self.units: list[str | None] = []
        self.missed_notifications = 0

    @property
    def bad_nodes(self) -> int:
        """Nodes that are not subscribed to because the server refuses."""
        return len(self._bad)

    async def open(self) -> None:
        """Connect and prove that the server answers and knows the namespace; a server that hangs is given up in time."""
        async with asyncio.timeout(self._timing.connect_s):
            await self._client.connect()
            self._uris = await namespace_uris(self._client, self._source.namespace)
        await self.heartbeat()

    async def subscribe(self) -> list[NodeError]:
        """Find the nodes, create the subscription and its items; returns the nodes that were refused."""
        async with asyncio.timeout(self._timing.set_up_s):
            self._nodes = await find_nodes(self._client, self._uris, self._source.namespace, self._declared, self._foreign)
            self.tags = [node.tag for node in self._nodes]
            self.units = await read_units(self._client, self._nodes)
            await self._create_subscription()
            return await self._monitor(range(len(self._nodes)))

    async def run(self, on_node_errors: Callable[[list[NodeError]], None]) -> None:
        """Take what the server publishes until the connection breaks (raises why) or the task is cancelled."""
        self._last_publish = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for _ in range(_PUBLISH_REQUESTS):
                group.create_task(self._publish_loop())
            group.create_task(self._heartbeat_loop())
            group.create_task(self._watch_publishing())
            group.create_task(self._retry_nodes(on_node_errors))

    async def heartbeat(self) -> None:
        """Read the server's clock and hand it on. Raises when no answer comes in time."""
        node = standard_node(ObjectIds.Server_ServerStatus_CurrentTime)
        async with asyncio.timeout(self._timing.request_s):
            answer = (await self._client.uaclient.session.read_attributes([node], AttributeIds.Value))[0]
        is_good = answer.StatusCode is None or answer.StatusCode.is_good()
        self.on_heartbeat(answer.Value.Value if answer.Value is not None and is_good else None)

    async def close(self) -> None:
        """End the session as politely as the connection allows within `close_s`."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._timing.close_s):
                await self._client.disconnect()
        with contextlib.suppress(Exception):
            self._client.disconnect_socket()

    async def _create_subscription(self) -> None:
        interval = self._source.publishing_interval_ms
        keep_alive = max(1, math.ceil(self._timing.keep_alive_s * 1000 / interval))
        wanted = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=float(interval),
            RequestedLifetimeCount=max(keep_alive * 10, math.ceil(60_000 / interval)),
            RequestedMaxKeepAliveCount=keep_alive,
            MaxNotificationsPerPublish=10_000,
            PublishingEnabled=True,
            Priority=0,
        )
        request = ua.CreateSubscriptionRequest(Parameters=wanted)
        answer = struct_from_binary(ua.CreateSubscriptionResponse, await self._protocol.send_request(request))
        answer.ResponseHeader.ServiceResult.check()
        self._subscription = answer.Parameters

    @property
    def _protocol(self) -> UASocketProtocol:
        protocol = self._client.uaclient.protocol
        if protocol is None:
            raise ConnectionError("the connection is closed")
        return protocol

    async def _monitor(self, handles: Sequence[int] | range) -> list[NodeError]:
        errors: list[NodeError] = []
        for chunk in chunks(list(handles)):
            params = ua.CreateMonitoredItemsParameters(
                SubscriptionId=self._subscription.SubscriptionId,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[self._item(handle) for handle in chunk],
            )
            results = await self._client.uaclient.session.create_monitored_items(params)
            for handle, result in zip(chunk, results, strict=True):
                errors += self._judge(handle, result.StatusCode)
        return errors

    def _judge(self, handle: int, status: ua.StatusCode) -> list[NodeError]:
        if status.is_good():
            self._bad.pop(handle, None)
            return []
        known, self._bad[handle] = self._bad.get(handle), status.value
        return [] if known == status.value else [NodeError(self.tags[handle], status.value, status.name, status.doc)]

    def _item(self, handle: int) -> ua.MonitoredItemCreateRequest:
        # A recording's repeated values prove that its machine lived; a live server would restamp and repeat without end.
        recorded = self._source.timeline is Timeline.RECORDED
        trigger = ua.DataChangeTrigger.StatusValueTimestamp if recorded else ua.DataChangeTrigger.StatusValue
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=self._nodes[handle].node_id, AttributeId=AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=0.0,
                Filter=ua.DataChangeFilter(Trigger=trigger, DeadbandType=0, DeadbandValue=0.0),
                QueueSize=QUEUE_SIZE,
                DiscardOldest=False,
            ),
        )

    async def _publish_loop(self) -> None:
        while True:
            await self._room()
            acks, self._acks = self._acks, []
            request = ua.PublishRequest(Parameters=ua.PublishParameters(SubscriptionAcknowledgements=acks))
            if not self._asked:
                self._last_publish = asyncio.get_running_loop().time()
            self._asked += 1
            try:
                self._take(await self._protocol.send_request(request, timeout=0))
            except BadTimeout:
                continue
            finally:
                self._asked -= 1

    def _take(self, body: Buffer) -> None:
        self._last_publish = asyncio.get_running_loop().time()
        try:
            publish = decode_publish(body)
        except Undecodable as error:
            self._on_undecodable(bytes(body), str(error))
            return
        if publish.subscription_status is not None:
            raise SourceUnavailable(f"{self._source.url} ended the subscription: {ua.StatusCode(ua.UInt32(publish.subscription_status)).name}")
        self._follow_sequence(publish)
        ack = ua.SubscriptionAcknowledgement(SubscriptionId=publish.subscription_id, SequenceNumber=publish.sequence)
        self._on_publish(publish, lambda: None if publish.is_keep_alive else self._acks.append(ack))

    def _follow_sequence(self, publish: Publish) -> None:
        expected = self._next_sequence
        if expected is not None and publish.sequence > expected:
            self.missed_notifications += publish.sequence - expected
        if expected is None or publish.sequence >= expected:
            self._next_sequence = publish.sequence + (0 if publish.is_keep_alive else 1)

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(self._timing.heartbeat_s)
            await self.heartbeat()

    async def _watch_publishing(self) -> None:
        revised = self._subscription.RevisedPublishingInterval * self._subscription.RevisedMaxKeepAliveCount / 1000
        limit = 3 * max(revised, self._timing.keep_alive_s)
        while True:
            await asyncio.sleep(limit / 6)
            silent = asyncio.get_running_loop().time() - self._last_publish
            if silent > limit and self._asked:
                raise SourceUnavailable(f"{self._source.url} has published nothing for {silent:.0f} s, not even a keep-alive")

    async def _retry_nodes(self, on_node_errors: Callable[[list[NodeError]], None]) -> None:
        while True:
            await asyncio.sleep(self._timing.node_retry_s)
            if self._bad:
                on_node_errors(await self._monitor(sorted(self._bad)))
