"""The gate lets engineers and administrators through to pages of other programs, and keeps everything else, and every cookie, on its own side."""

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientResponse, CookieJar, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.utils import timezone
from multidict import CIMultiDict
from pages_client import Pages
from record_plant import do

from factolake.config.settings import Settings
from factolake.errors import ConfigError
from factolake.mes.gate import forwarding
from factolake.mes.gate.forwarding import is_straight, sent_back, sent_on
from factolake.mes.gate.server import Gate, build_app

COOKIE = settings.SESSION_COOKIE_NAME
Client = TestClient[web.Request, web.Application]


async def behind(request: web.Request) -> web.StreamResponse:
    """A page behind the gate that tells what it was asked with."""
    if request.headers.get("Upgrade"):
        socket = web.WebSocketResponse(protocols=("graphql-ws",))
        await socket.prepare(request)
        async for message in socket:
            if message.data == "bye":
                await socket.close()
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data.upper())
            else:
                await socket.send_bytes(message.data[::-1])
        return socket
    if request.path.endswith("/away"):
        return web.Response(status=302, headers={"Location": f"http://{request.host}/dagster/there"})
    body = (await request.read()).decode()
    told = {"method": request.method, "path": request.raw_path, "headers": dict(request.headers), "body": body}
    headers = {"Set-Cookie": f"{COOKIE}=stolen; Path=/", "Content-Security-Policy": "script-src 'nonce-1'", "Server": "secret/1.0", "X-Tool": "kept"}
    return web.json_response(told, headers=headers)


class Through:
    """A browser at the gate; `person_id` None has no session."""

    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.origin = str(client.make_url("")).rstrip("/")
        self.cookie = {"Cookie": f"{COOKIE}={key}; other=1"} if key else {}

    async def ask(self, path: str, method: str = "GET", **more: object) -> ClientResponse:
        headers = {**self.cookie, **more.pop("headers", {})}  # type: ignore[dict-item]
        return await self.client.request(method, path, headers=headers, allow_redirects=False, **more)  # type: ignore[arg-type]


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", behind)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def gate(upstream: str, sqlite_record: str) -> AsyncIterator[Client]:
    """For what no database changes."""
    async with opened(upstream) as client:
        yield client


@pytest.fixture
async def gate_of_each(upstream: str, record: str) -> AsyncIterator[Client]:
    async with opened(upstream) as client:
        yield client


@asynccontextmanager
async def opened(upstream: str, name: str = "dagster") -> AsyncIterator[Client]:
    await sync_to_async(let_go)()
    app = build_app(Gate({name: upstream, "gone": "http://127.0.0.1:9"}, ("127.0.0.1",), 8000))
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as client:
        yield client
    await sync_to_async(let_go)()


def let_go() -> None:
    """Of the database of the test before: the thread that asks lives longer than a test."""
    connections.close_all()
    with contextlib.suppress(AttributeError):
        del connections["default"]


async def browser(gate: Client, person_id: str | None) -> Through:
    return Through(gate, await sync_to_async(session_of)(person_id) if person_id else "")


def session_of(person_id: str) -> str:
    try:
        return Pages(person_id).client.cookies[COOKIE].value
    finally:
        connections.close_all()


async def test_only_engineers_and_administrators_pass(gate_of_each: Client) -> None:
    for person_id in ("nobody", "viewer", "operator", "planner", "quality", "approver", "maintenance", "engineer", "admin"):
        answer = await (await browser(gate_of_each, person_id)).ask("/dagster/runs?x=1")
        assert answer.status == (200 if person_id in ("engineer", "admin") else 403), person_id
    assert (await answer.json())["path"] == "/dagster/runs?x=1"


async def test_who_is_not_signed_in_is_led_to_the_sign_in(gate_of_each: Client) -> None:
    who = await browser(gate_of_each, None)
    answer = await who.ask("/dagster/runs")
    assert (answer.status, answer.headers["Location"]) == (302, "http://127.0.0.1:8000/login")
    assert (await who.ask("/dagster/graphql", "POST", data="{}", headers={"Origin": who.origin})).status == 401


@pytest.mark.parametrize("how", ["disabled", "old", "signed out", "guessed"])
async def test_a_session_that_is_over_opens_nothing(gate_of_each: Client, how: str) -> None:
    def end() -> str:
        pages = Pages("engineer")
        if how == "disabled":
            do("admin", "person.disable", "engineer")
        if how == "old":
            session = pages.client.session
            session["began"] = (timezone.now() - timedelta(hours=13)).isoformat()
            session.save()
        key = pages.client.cookies[COOKIE].value
        if how == "signed out":
            pages.post("/logout", "/")
        connections.close_all()
        return "x" * 32 if how == "guessed" else key

    who = Through(gate_of_each, await sync_to_async(end)())
    assert (await who.ask("/dagster/")).status == 302


async def test_what_is_sent_on_has_no_cookie_no_token_and_no_word_about_who_asks(gate: Client) -> None:
    who = await browser(gate, "engineer")
    smuggled = {"Authorization": "Bearer fmes_x", "X-Forwarded-User": "admin", "X-Forwarded-Host": "evil", "Forwarded": "for=1", "X-Tool": "1"}
    sent = {**smuggled, "Origin": who.origin, "Content-Type": "application/json", "Connection": "keep-alive, X-Tool", "Idempotency-Key": "k"}
    answer = await who.ask("/dagster/graphql", "POST", data='{"query": "{version}"}', headers=sent)
    told = await answer.json()
    got = {name.lower() for name in told["headers"]}
    assert (told["method"], json.loads(told["body"]), told["headers"]["Content-Type"]) == ("POST", {"query": "{version}"}, "application/json")
    assert told["headers"]["Idempotency-Key"] == "k"
    assert not got & {"cookie", "origin", "x-factomes", *(name.lower() for name in smuggled)}


async def test_what_comes_back_sets_no_cookie_and_has_our_headers(gate: Client) -> None:
    answer = await (await browser(gate, "engineer")).ask("/dagster/")
    assert "Set-Cookie" not in answer.headers
    assert (answer.headers["X-Tool"], answer.headers["X-Frame-Options"], answer.headers["X-Content-Type-Options"]) == ("kept", "DENY", "nosniff")
    policies = answer.headers.getall("Content-Security-Policy")
    assert policies[0] == "script-src 'nonce-1'"
    assert "frame-ancestors 'none'" in policies[1]
    assert "secret" not in answer.headers.get("Server", "")
    away = await (await browser(gate, "engineer")).ask("/dagster/away")
    assert (away.status, away.headers["Location"]) == (302, "/dagster/there")


@pytest.mark.parametrize("origin", [None, "https://evil.example", "http://127.0.0.1:8000", "null"])
async def test_what_can_change_something_has_to_come_from_a_page_of_the_gate(gate: Client, origin: str | None) -> None:
    who = await browser(gate, "engineer")
    headers = {"Origin": origin} if origin else {}
    for method, path in (("POST", "/dagster/graphql"), ("DELETE", "/dagster/x"), ("GET", "/dagster/graphql?query=mutation{x}")):
        assert (await who.ask(path, method, headers=headers)).status == 403
    with pytest.raises(WSServerHandshakeError, match="403"):
        await gate.ws_connect("/dagster/graphql", headers={**who.cookie, **headers})


async def test_a_websocket_is_carried_both_ways_and_ends_with_the_page(gate: Client) -> None:
    who = await browser(gate, "engineer")
    async with gate.ws_connect("/dagster/graphql", headers={**who.cookie, "Origin": who.origin}, protocols=("graphql-ws",)) as socket:
        assert socket.protocol == "graphql-ws"
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=5) == "HELLO"
        await socket.send_bytes(b"abc")
        assert await socket.receive_bytes(timeout=5) == b"cba"
        await socket.send_str("bye")
        assert (await socket.receive(timeout=5)).type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


async def test_a_websocket_ends_with_its_session(gate: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "WATCH_S", 0.02)
    who = await browser(gate, "engineer")
    async with gate.ws_connect("/dagster/graphql", headers={**who.cookie, "Origin": who.origin}) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=5) == "HELLO"

        def disable() -> None:
            do("admin", "person.disable", "engineer")
            connections.close_all()

        await sync_to_async(disable)()
        assert (await socket.receive(timeout=5)).type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


async def test_it_leads_nowhere_but_to_its_pages(gate: Client) -> None:
    who = await browser(gate, "engineer")
    assert (await who.ask("/")).status == 404
    assert (await who.ask("/other/")).status == 404
    assert (await who.ask("/dagster/", headers={"Host": "evil.example"})).status == 400
    assert (await who.ask("/dagster/", "TRACE")).status == 405
    gone = await who.ask("/gone/")
    assert (gone.status, await gone.text()) == (502, "gone does not answer at http://127.0.0.1:9; start it, or correct gate.pages\n")


async def test_with_the_database_away_the_gate_is_shut(gate: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from factolake.mes.gate import session

    def down(_: object) -> None:
        raise OperationalError("no such host")

    who = await browser(gate, "engineer")
    monkeypatch.setattr(session, "get_user", down)
    answer = await who.ask("/dagster/")
    assert answer.status == 503
    assert "no such host" not in await answer.text()


@pytest.mark.parametrize(
    "path",
    [
        "/dagster/../x",
        "/dagster/%2e%2e/x",
        "/dagster/%252e%252e/x",
        "/dagster/..%2fx",
        "/dagster\\x",
        "/dagster/%5c..",
        "http://evil/dagster/",
        "/a%00b",
    ],
)
def test_a_path_that_could_mean_two_things_is_refused(path: str) -> None:
    assert not is_straight(path)
    assert is_straight("/dagster/assets/a..b/%C3%A4?view=../x")


def test_headers_that_are_not_known_stay_behind() -> None:
    assert sent_on({"Accept": "a", "Cookie": "c", "X-Anything": "x", "Transfer-Encoding": "chunked", "Host": "h"}) == {"Accept": "a"}
    back = sent_back(CIMultiDict({"Connection": "X-Hop", "X-Hop": "1", "Transfer-Encoding": "chunked", "ETag": "e"}), "http://u")
    assert "X-Hop" not in back
    assert back["ETag"] == "e"


@pytest.mark.parametrize(
    "pages", [{"x": "http://10.0.0.1:80"}, {"x": "https://127.0.0.1:80"}, {"X": "http://127.0.0.1:1"}, {"x": "http://127.0.0.1:1/p"}]
)
def test_only_addresses_of_this_machine_are_taken(pages: dict[str, str], tmp_path: Path) -> None:
    from factolake.config import load_settings

    file = tmp_path / "s.toml"
    file.write_text("[gate.pages]\n" + "".join(f'{name} = "{address}"\n' for name, address in pages.items()), encoding="utf-8")
    with pytest.raises(ConfigError, match="PORT"):
        load_settings(file)
    assert Settings().gate_pages == {"dagster": "http://127.0.0.1:3000"}
