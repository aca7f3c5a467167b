"""FactoMES by its commands: tables, the first administrator, what is open, the audit, and the server itself, started, asked and stopped."""

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import REPOSITORY, environment, factolake, sentence, wait_for

PLANT = str(REPOSITORY / "conf" / "plant.toml")


def a_home(parent: Path) -> Path:
    """A data folder whose settings name the shipped plant."""
    folder = parent / "home"
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "factolake.toml").write_text(f'plant_file = "{PLANT}"\n[ports]\ngate = 0\n', encoding="utf-8")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return a_home(tmp_path)


def createadmin(home: Path, name: str, password: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "mes", "createadmin", name, "--name", name.title(), "--password-stdin"],
        input=f"{password}\n",
        cwd=home.parent,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def administered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with tables and Anna, made once; a test works on a copy."""
    home = a_home(tmp_path_factory.mktemp("administered"))
    done = createadmin(home, "anna", "correct horse battery")
    assert (done.returncode, done.stdout.strip()) == (0, "anna is administrator of the enterprise"), done.stderr
    return home


@pytest.fixture
def with_admin(administered: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(administered, tmp_path / "home"))


def test_tables_are_made_once_and_filled_from_the_plant_file(home: Path) -> None:
    first = json.loads(factolake(home, "mes", "migrate", "--json").stdout)
    assert first["steps"]
    assert first["equipment_seeded"] == 10  # enterprise, site, area, line and six machines
    assert json.loads(factolake(home, "mes", "migrate", "--json").stdout) == {"steps": [], "equipment_seeded": 0}


def test_check_tells_roles_addresses_and_that_nothing_is_open(with_admin: Path) -> None:
    told = json.loads(factolake(with_admin, "mes", "check", "--json").stdout)
    assert (told["open_permissions"], told["pending_migrations"], told["roles"]["admin"]) == ([], [], 1)
    assert told["audit"]["sound"]
    release = next(one for one in told["endpoints"] if one["path"] == "/api/v1/lots/{key}/release")
    assert (release["method"], release["roles"], release["approvals"]) == ("POST", ["quality"], 2)


def test_the_first_administrator_is_named_once_and_with_a_real_password(home: Path) -> None:
    weak = createadmin(home, "anna", "password")
    assert weak.returncode == 1
    assert "password:" in sentence(weak)
    assert createadmin(home, "anna", "correct horse battery").returncode == 0
    done = createadmin(home, "eve", "correct horse battery")
    assert done.returncode == 1
    assert "there is an administrator already" in sentence(done)


def test_an_audit_that_was_edited_is_found(with_admin: Path) -> None:
    assert json.loads(factolake(with_admin, "audit", "verify", "--json").stdout)["sound"]
    with sqlite3.connect(with_admin / "mes" / "mes.sqlite") as database:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("UPDATE audit_auditentry SET actor = 'eve' WHERE number = 1")
    done = factolake(with_admin, "audit", "verify", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["sound"], told["faults"][0]["number"]) == (1, False, 1)


@pytest.mark.parametrize("command", [("mes", "check"), ("audit", "verify")])
def test_without_tables_the_way_to_them_is_told(home: Path, command: tuple[str, ...]) -> None:
    done = factolake(home, *command)
    assert done.returncode == 78
    assert "`factolake mes migrate` first" in sentence(done)


def test_it_does_not_listen_to_a_network_without_a_certificate(home: Path) -> None:
    (home / "conf" / "factolake.toml").write_text(f'plant_file = "{PLANT}"\n[mes]\nlisten = "0.0.0.0"\n', encoding="utf-8")
    done = factolake(home, "mes", "up")
    assert done.returncode == 78
    assert "mes.listen is '0.0.0.0'; allowed: a loopback address" in done.stderr


def test_a_database_it_cannot_use_is_one_sentence(home: Path) -> None:
    (home / "conf" / "factolake.toml").write_text(f'plant_file = "{PLANT}"\n[mes]\nurl = "mysql://x/y"\n', encoding="utf-8")
    done = factolake(home, "mes", "migrate")
    assert done.returncode == 78
    assert "mes.url is 'mysql'" in sentence(done)


@pytest.fixture
def server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = home.parent / "up.log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "mes", "up", "--port", str(port)], cwd=home.parent, env=environment(home), stdout=out, stderr=out
        )
    yield running, port, log
    running.kill()
    running.wait()


def answer(port: int, path: str) -> int:
    """The HTTP status of `path`; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=5) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.mark.slow
def test_the_server_sets_itself_up_answers_and_ends_politely(server: tuple[subprocess.Popen[bytes], int, Path], home: Path) -> None:
    running, port, log = server
    wait_for(lambda: answer(port, "/api/v1/orders") == 401)
    said = log.read_text(encoding="utf-8")
    assert f"FactoMES is at http://localhost:{port}" in said
    assert "/setup with the code " in said
    assert answer(port, "/setup") == 200
    second = factolake(home, "mes", "up", "--port", str(port))
    assert second.returncode == 73
    before = time.monotonic()
    running.terminate()
    assert running.wait(20) == 0
    assert time.monotonic() - before < 15
    assert answer(port, "/api/v1/orders") == 0
