"""The whole way once: `factolake mes up` with a real Dagster webserver behind its gate."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from command_line import wait_for
from websockets.sync.client import connect

from factolake.config import load_settings

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """FactoMES, its gate and Dagster's webserver under way; yields the settings file and the gate's address."""
    conf = tmp_path / "factolake.toml"
    ports = {name: free_port() for name in ("dagster", "mes", "gate")}
    lines = [f'home = "{tmp_path / "home"}"', f'plant_file = "{ROOT / "conf" / "plant.toml"}"', "[ports]"]
    conf.write_text("\n".join([*lines, *(f"{name} = {port}" for name, port in ports.items())]), encoding="utf-8")
    settings = load_settings(conf)
    from pipelines.dagster_part import PREFIX, dagster_home

    known = {**os.environ, "FACTOLAKE_CONF": str(conf), "DAGSTER_HOME": str(dagster_home(settings)), "DAGSTER_DISABLE_TELEMETRY": "1"}
    webserver = ("-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(ports["dagster"]), "--path-prefix", PREFIX, "-m", "pipelines.definitions")
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("wb"))
        for command in (("-m", "pipelines.cli", "--conf", str(conf), "mes", "up"), webserver):
            process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=known, stdout=log, stderr=log)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
        yield conf, f"http://localhost:{ports['gate']}"


def status(address: str) -> int:
    try:
        return requests.get(address, timeout=5, allow_redirects=False).status_code
    except OSError:
        return 0


def sign_in(port: int) -> str:
    """The session cookie after the form was sent; cookies are carried by hand, since a library sends no secure ones without TLS."""
    page = f"http://localhost:{port}/login"
    opened = requests.get(page, timeout=20)
    token = opened.cookies["__Host-factomes-csrf"]
    form = {"csrfmiddlewaretoken": token, "username": "anna", "password": PASSWORD}
    sent = requests.post(page, form, headers={"Cookie": f"__Host-factomes-csrf={token}"}, timeout=20, allow_redirects=False)
    return f"__Host-factomes={sent.cookies['__Host-factomes']}"


@pytest.mark.slow
def test_dagsters_pages_work_behind_the_gate(installation: tuple[Path, str]) -> None:
    conf, gate = installation
    wait_for(lambda: status(f"{gate}/dagster/") == 302)
    made = [sys.executable, "-m", "pipelines.cli", "--conf", str(conf), "mes", "createadmin", "anna", "--password-stdin"]
    subprocess.run(made, input=f"{PASSWORD}\n", text=True, check=True, cwd=ROOT)
    browser = requests.Session()
    browser.headers["Cookie"] = sign_in(load_settings(conf).ports.mes)
    wait_for(lambda: browser.get(f"{gate}/dagster/server_info", timeout=5).status_code == 200)
    front = browser.get(f"{gate}/dagster/", timeout=10)
    assert (front.status_code, '<div id="root">' in front.text, "nonce" in front.headers["Content-Security-Policy"]) == (200, True, True)
    script = next(part.split('"')[0] for part in front.text.split('src="')[1:] if "/dagster/" in part)
    assert browser.get(f"{gate}{script}", timeout=10).headers["Content-Type"].startswith(("text/javascript", "application/javascript"))
    asked = {"query": "{ assetNodes { assetKey { path } } }"}
    answer = browser.post(f"{gate}/dagster/graphql", json=asked, headers={"Origin": gate}, timeout=20).json()
    assert len(answer["data"]["assetNodes"]) > 5
    assert browser.post(f"{gate}/dagster/graphql", json=asked, headers={"Origin": "http://localhost:1"}, timeout=20).status_code == 403
    headers = {"Cookie": browser.headers["Cookie"]}
    where = f"{gate.replace('http', 'ws')}/dagster/graphql"
    with connect(where, origin=gate, subprotocols=["graphql-ws"], additional_headers=headers) as live:  # type: ignore[arg-type,list-item]
        live.send(json.dumps({"type": "connection_init"}))
        assert json.loads(live.recv(timeout=10)) == {"type": "connection_ack"}
