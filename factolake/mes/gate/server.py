"""The gate's server. A browser shows its FactoMES session, the person has a role that may pass, and the request came from the gate's own pages.

It has a port and so an origin of its own: a script in a page of Dagster or MLflow can neither read FactoMES's pages nor act on them.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, DummyCookieJar, WSServerHandshakeError, hdrs, web
from asgiref.sync import sync_to_async

from factolake.config.settings import Settings
from factolake.mes.gate.forwarding import BODY_BYTES_MAX, forward, is_straight, relay
from factolake.mes.project.configure import start
from factolake.mes.project.server import check_listening

CONNECT_S, SILENT_S = 5.0, 300.0
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """What is behind the gate: pages by name (the first part of their path), each at `http://host:port`. `mes_port` is where one signs in."""

    pages: Mapping[str, str]
    hosts: tuple[str, ...]
    mes_port: int

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Check, then hand on. Everything that fails is told in a sentence and goes nowhere."""
        try:
            name, person = await self._check(request)
        except web.HTTPException as refusal:
            _log.warning("the gate stays shut", status=refusal.status, method=request.method, path=request.raw_path[:200])
            return _sentence(refusal)
        upstream, client = self.pages[name], request.app[_CLIENT]
        is_socket = _is_socket(request)
        if is_socket or request.headers.get("Sec-Fetch-Mode") == "navigate":
            _log.info("page opened", person=person, page=name, path=request.raw_path[:200], socket=is_socket)
        try:
            if is_socket:
                return await relay(request, upstream, client, lambda: _may_pass(request))
            return await forward(request, upstream, client)
        except (ClientConnectionError, WSServerHandshakeError, TimeoutError) as error:
            _log.warning("page does not answer", page=name, upstream=upstream, cause=str(error))
            return _sentence(web.HTTPBadGateway(text=f"{name} does not answer at {upstream}; start it, or correct gate.pages"))

    async def _check(self, request: web.Request) -> tuple[str, str]:
        """Name of the page and id of the person. Raises the refusal."""
        if request.url.host not in self.hosts:
            raise web.HTTPBadRequest(text="this gate has another name; the settings say which in mes.hosts")
        if request.method not in METHODS:
            raise web.HTTPMethodNotAllowed(request.method, METHODS)
        if not is_straight(request.raw_path):
            raise web.HTTPBadRequest(text="the path goes up or is not a plain one")
        name = request.raw_path.partition("?")[0].split("/")[1]
        if name not in self.pages:
            raise web.HTTPNotFound(text=f"there is no such page behind the gate; there are {', '.join(sorted(self.pages))}")
        if (request.content_length or 0) > BODY_BYTES_MAX:
            raise web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, request.content_length or 0)
        person = await self._check_person(request)
        if _may_act(request) and request.headers.get(hdrs.ORIGIN) != f"{request.scheme}://{request.host}":
            raise web.HTTPForbidden(text="this request did not come from a page of this gate; open the page and try there")
        return name, person

    async def _check_person(self, request: web.Request) -> str:
        try:
            known = await _visitor(request)
        except Exception as error:  # whatever is wrong with the record: nobody passes
            _log.warning("the record does not answer", cause=str(error))
            raise web.HTTPServiceUnavailable(text="FactoMES cannot tell who you are at the moment; try again") from error
        if known is None and request.method == "GET" and not _is_socket(request):
            raise web.HTTPFound(f"{request.scheme}://{request.url.host}:{self.mes_port}/login")
        if known is None:
            raise web.HTTPUnauthorized(text="sign in to FactoMES first")
        if not known[1]:
            raise web.HTTPForbidden(text="these pages take the role engineer or admin; ask an administrator for it")
        return known[0]


_CLIENT = web.AppKey("client", ClientSession)


def build_app(gate: Gate) -> web.Application:
    """The gate as an application of aiohttp."""
    app = web.Application()

    async def client(app: web.Application) -> object:
        limits = ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENT_S)
        headers = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)
        app[_CLIENT] = ClientSession(
            timeout=limits, cookie_jar=DummyCookieJar(), auto_decompress=False, skip_auto_headers=headers, trust_env=False, raise_for_status=False
        )
        yield
        await app[_CLIENT].close()

    app.cleanup_ctx.append(client)  # type: ignore[arg-type]
    app.router.add_route("*", "/{path:.*}", gate.answer)
    return app


async def serve(settings: Settings, port: int, mes_port: int, ended: asyncio.Event) -> None:
    """Serve on `port` until `ended`. Raises ConfigError for an address that may not be open."""
    check_listening(settings)
    start(settings)
    runner = web.AppRunner(build_app(Gate(settings.gate_pages, settings.mes.hosts, mes_port)), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.mes.listen, port, ssl_context=_encryption(settings), shutdown_timeout=2.0).start()
        await ended.wait()
    finally:
        await runner.cleanup()


def _encryption(settings: Settings) -> ssl.SSLContext | None:
    if settings.mes.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.mes.certificate, settings.mes.certificate_key)
    return context


async def _visitor(request: web.Request) -> tuple[str, bool] | None:
    from django.conf import settings

    from factolake.mes.gate.session import visitor

    key = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    return await sync_to_async(visitor)(key) if key else None


async def _may_pass(request: web.Request) -> bool:
    known = await _visitor(request)
    return known is not None and known[1]


def _is_socket(request: web.Request) -> bool:
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


def _may_act(request: web.Request) -> bool:
    """Whether the request can change something: every method but reading ones, a WebSocket, and a GraphQL query in an address."""
    return request.method not in ("GET", "HEAD") or _is_socket(request) or "query" in request.query


def _sentence(refusal: web.HTTPException) -> web.Response:
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    if hdrs.LOCATION in refusal.headers:
        headers[hdrs.LOCATION] = refusal.headers[hdrs.LOCATION]
    return web.Response(status=refusal.status, text=f"{refusal.text}\n", headers=headers)
