"""One request or WebSocket handed on to a page behind the gate and its answer back: headers that are known pass, cookies never do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, hdrs, web
from multidict import CIMultiDict
from yarl import URL

WATCH_S = 60.0
"""An open WebSocket asks this often whether its session still is one."""
BODY_BYTES_MAX = 64 << 20
_PASSED_ON = frozenset(
    "accept accept-encoding accept-language cache-control content-encoding content-length content-type idempotency-key if-match if-modified-since"
    " if-none-match if-range pragma range user-agent".split()
)
_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authentication-info te trailer trailers transfer-encoding upgrade content-length".split()
)
_KEPT_BACK = _HOP_BY_HOP | frozenset(
    "set-cookie set-cookie2 server date strict-transport-security public-key-pins clear-site-data service-worker-allowed x-frame-options"
    " referrer-policy x-content-type-options cross-origin-opener-policy access-control-allow-origin access-control-allow-credentials".split()
)
_OURS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'",
}
Alive = Callable[[], Awaitable[bool]]


def sent_on(headers: Mapping[str, str]) -> dict[str, str]:
    """What the page behind the gate is told of the browser's headers."""
    return {name: value for name, value in headers.items() if name.lower() in _PASSED_ON}


def sent_back(headers: Mapping[str, str], upstream: str) -> CIMultiDict[str]:
    """What the browser is told of the headers of `upstream`, and ours. A page cannot set cookies here, nor lead to its own address."""
    named = {word.strip().lower() for word in headers.get(hdrs.CONNECTION, "").split(",")}
    kept = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _KEPT_BACK | named)
    if hdrs.LOCATION in kept:
        kept[hdrs.LOCATION] = kept[hdrs.LOCATION].removeprefix(upstream)
    for name, value in _OURS.items():
        kept.add(name, value)  # a policy of the page itself stays: a browser keeps to both
    return kept


def is_straight(path: str) -> bool:
    """Whether `path` (as it was sent) means the same to everyone: no dots up, no backslash, no control character, however often it is unquoted."""
    plain = path.partition("?")[0]
    for _ in range(3):
        if "\\" in plain or ".." in plain.split("/") or any(ord(letter) < 32 for letter in plain):
            return False
        plain = unquote(plain)
    return plain.startswith("/")


async def forward(request: web.Request, upstream: str, client: ClientSession) -> web.StreamResponse:
    """Ask `upstream` (`http://host:port`) what was asked here, under the same path; the answer is passed on as it comes."""
    target = URL(upstream + request.raw_path, encoded=True)
    body = request.content if request.body_exists else None
    async with client.request(request.method, target, headers=sent_on(request.headers), data=body, allow_redirects=False) as answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=sent_back(answer.headers, upstream))
        if answer.content_length is not None:
            response.content_length = answer.content_length
        await response.prepare(request)
        try:
            async for part in answer.content.iter_any():
                await response.write(part)
            await response.write_eof()
        except (ClientError, ConnectionError, TimeoutError):  # begun: nothing else can be said on this connection
            if request.transport is not None:
                request.transport.abort()
        return response


async def relay(request: web.Request, upstream: str, client: ClientSession, is_alive: Alive) -> web.StreamResponse:
    """A WebSocket between browser and `upstream`, until one of them closes it or the session is over."""
    asked = [one.strip() for one in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",") if one.strip()]
    async with client.ws_connect(URL(upstream + request.raw_path, encoded=True), protocols=asked, max_msg_size=BODY_BYTES_MAX) as behind:
        front = web.WebSocketResponse(protocols=[behind.protocol] if behind.protocol else (), max_msg_size=BODY_BYTES_MAX)
        await front.prepare(request)
        tasks = {asyncio.ensure_future(work) for work in (_pump(front, behind), _pump(behind, front), _watch(is_alive))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await front.close()
        return front


async def _pump(source: web.WebSocketResponse | ClientWebSocketResponse, target: web.WebSocketResponse | ClientWebSocketResponse) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)


async def _watch(is_alive: Alive) -> None:
    while await is_alive():
        await asyncio.sleep(WATCH_S)
