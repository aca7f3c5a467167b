"""Which nodes of a server are subscribed to, what they are called and in which unit they speak.

A tag is a node's string identifier in the source's namespace; any other node is `nsu=URI;i=85` and the like, so that a tag names the same
node also after the server's namespace indexes have changed.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from factolake.errors import SourceUnavailable

PLANT_FOLDER = "Plant"
CHUNK = 500
_UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
_DEEPEST = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TagNode:
    """A variable to subscribe to."""

    tag: str
    node_id: ua.NodeId


def standard_node(identifier: int) -> ua.NodeId:
    """A node of the OPC UA standard itself, by its number."""
    return ua.NodeId(ua.Int32(identifier))


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterable[Sequence[T]]:
    """`items` in runs of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def namespace_uris(client: Client, wanted: str) -> list[str]:
    """The server's namespace array. Raises SourceUnavailable when `wanted` is not in it."""
    uris = [str(uri) for uri in await client.get_namespace_array()]
    if wanted not in uris:
        raise SourceUnavailable(f"{client.server_url.geturl()} does not know the namespace {wanted!r}; it has {', '.join(uris)}")
    return uris


async def find_nodes(client: Client, uris: list[str], namespace: str, declared: Iterable[str], foreign: Iterable[str] = ()) -> list[TagNode]:
    """The declared tags in their order, then every other variable below the folder `Plant` of the server's Objects.

    `foreign` tags belong to another source of this server and stay away. A server that has none of the declared tags is not the one the
    source means (one machine of several behind one address): nothing but those tags is asked of it.
    """
    nodes = {tag: TagNode(tag, node_id_of(tag, uris, namespace)) for tag in declared}
    if nodes and not await _has_any(client, list(nodes.values())):
        return list(nodes.values())
    taken = {node.node_id for node in nodes.values()} | {node_id_of(tag, uris, namespace) for tag in foreign}
    async for node_id in _variables_below_plant(client):
        if node_id not in taken:
            taken.add(node_id)
            tag = tag_of(node_id, uris, namespace)
            nodes.setdefault(tag, TagNode(tag, node_id))
    return list(nodes.values())


async def _has_any(client: Client, nodes: Sequence[TagNode]) -> bool:
    for chunk in chunks(nodes):
        answers = await client.uaclient.session.read_attributes([node.node_id for node in chunk], AttributeIds.NodeClass)
        if any(answer.StatusCode is None or answer.StatusCode.is_good() for answer in answers):
            return True
    return False


def node_id_of(tag: str, uris: list[str], namespace: str) -> ua.NodeId:
    """The node a tag stands for under the present namespace array; a tag in unknown form or namespace is a plain string identifier."""
    index = uris.index(namespace)
    uri, separator, rest = tag.removeprefix("nsu=").partition(";")
    if tag.startswith("nsu=") and separator and uri in uris:
        try:
            return ua.NodeId.from_string(f"ns={uris.index(uri)};{rest}")
        except UaError:
            pass
    return ua.NodeId(ua.String(tag), ua.Int16(index))


def tag_of(node_id: ua.NodeId, uris: list[str], namespace: str) -> str:
    """The tag of a node found by browsing; text that is no UTF-8 is made so."""
    if node_id.NodeIdType is ua.NodeIdType.String and uris[node_id.NamespaceIndex] == namespace:
        tag = str(node_id.Identifier)
    else:
        identifier = node_id.to_string().removeprefix(f"ns={node_id.NamespaceIndex};")
        tag = f"nsu={uris[node_id.NamespaceIndex]};{identifier}"
    return tag.encode("utf-8", "replace").decode("utf-8")


async def read_units(client: Client, nodes: Sequence[TagNode]) -> list[str | None]:
    """The unit each node declares as EngineeringUnits: the UN/CEFACT code where it is one, else the unit's display name, else None."""
    properties = [found for chunk in chunks(nodes) for found in await _unit_properties(client, chunk)]
    units: list[str | None] = [None] * len(nodes)
    having = [(place, node_id) for place, node_id in enumerate(properties) if node_id is not None]
    for chunk in chunks(having):
        answers = await client.uaclient.session.read_attributes([node_id for _, node_id in chunk], AttributeIds.Value)
        for (place, _), answer in zip(chunk, answers, strict=True):
            units[place] = _unit(answer)
    return units


async def _unit_properties(client: Client, nodes: Sequence[TagNode]) -> list[ua.NodeId | None]:
    paths = []
    for node in nodes:
        forward: Any = False  # asyncua's own Boolean type cannot be made
        element = ua.RelativePathElement(standard_node(ObjectIds.HasProperty), IsInverse=forward, TargetName=ua.QualifiedName("EngineeringUnits", 0))
        paths.append(ua.BrowsePath(StartingNode=node.node_id, RelativePath=ua.RelativePath(Elements=[element])))
    results = await client.uaclient.session.translate_browsepaths_to_nodeids(paths)
    return [result.Targets[0].TargetId if result.StatusCode.is_good() and result.Targets else None for result in results]


def _unit(answer: ua.DataValue) -> str | None:
    info = answer.Value.Value if answer.Value is not None else None
    if not isinstance(info, ua.EUInformation):
        return None
    if info.NamespaceUri == _UNECE and info.UnitId > 0:
        code: bytes = int(info.UnitId).to_bytes(4, "big").lstrip(b"\x00")
        if code.isalnum():
            return str(code, "ascii")
    return str(info.DisplayName.Text) if info.DisplayName.Text else None


async def _variables_below_plant(client: Client) -> AsyncIterator[ua.NodeId]:
    objects = await _children(client, [standard_node(ObjectIds.ObjectsFolder)])
    level = [_plain(child.NodeId) for child in objects if child.BrowseName.Name == PLANT_FOLDER]
    seen = set(level)
    for _ in range(_DEEPEST):
        children = [child for chunk in chunks(level) for child in await _children(client, chunk)]
        level = []
        for child in children:
            node_id = _plain(child.NodeId)
            if node_id in seen or child.ReferenceTypeId.Identifier == ObjectIds.HasProperty:
                continue
            seen.add(node_id)
            level.append(node_id)
            if child.NodeClass is ua.NodeClass.Variable:
                yield node_id
        if not level:
            return


async def _children(client: Client, parents: Sequence[ua.NodeId]) -> list[ua.ReferenceDescription]:
    session = client.uaclient.session
    wanted = []
    for parent in parents:
        description = ua.BrowseDescription()
        description.NodeId = parent
        description.BrowseDirection = ua.BrowseDirection.Forward
        description.ReferenceTypeId = standard_node(ObjectIds.HierarchicalReferences)
        description.IncludeSubtypes = True
        description.NodeClassMask = ua.NodeClass.Object | ua.NodeClass.Variable
        description.ResultMask = ua.BrowseResultMask.All
        wanted.append(description)
    answers = await session.browse(ua.BrowseParameters(View=ua.ViewDescription(), RequestedMaxReferencesPerNode=0, NodesToBrowse=wanted))
    found = []
    while answers:
        found += [reference for answer in answers for reference in (answer.References or [])]
        more = [answer.ContinuationPoint for answer in answers if answer.ContinuationPoint]
        answers = await session.browse_next(ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=more)) if more else []
    return found


def _plain(node_id: ua.NodeId) -> ua.NodeId:
    """An expanded node id of the same server as a plain one, so that both compare equal."""
    return ua.NodeId(node_id.Identifier, node_id.NamespaceIndex, node_id.NodeIdType)
