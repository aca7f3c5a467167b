"""JVM Spark as a child: its doors, its end, and BI over Thrift. Everything here is the real program."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from factolake.config.settings import PortSettings, Settings
from factolake.contracts import TABLES
from factolake.errors import EngineUnavailable, MissingDependency, PortInUse
from factolake.lake.engine import TOKEN_FILE, engine, register_tables, serve_engine
from factolake.lake.jars import jar_files
from factolake.lake.java import find_java, spark_home
from factolake.lake.jvm import JvmSpark, jvm_spark
from factolake.lake.tables import Lake

pytestmark = pytest.mark.spark
WAIT_S = 120
DIES_WITH_ITS_PARENT = """
import time
from factolake.lake.jvm import jvm_spark
with jvm_spark() as jvm:
    print(jvm.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    try:
        jar_files(), find_java(), spark_home()
    except MissingDependency as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def child() -> Iterator[JvmSpark]:
    with jvm_spark(thrift_port=0) as running:
        yield running


def beeline(port: int, query: str) -> str:
    """What a BI tool would see: Hive's own JDBC client from the command line."""
    jars = f"{spark_home() / 'jars'}{os.sep}*"
    address = f"jdbc:hive2://127.0.0.1:{port}"
    options = ["-n", "anyone", "--silent=true", "--outputformat=csv2", "--showHeader=false"]
    command = [str(find_java()), "-cp", jars, "org.apache.hive.beeline.BeeLine", "-u", address, *options, "-e", query]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stderr
    # A prompt comes before the answer even in silence.
    return done.stdout.split()[-1]


def test_a_bi_tool_reads_the_lakes_tables_over_thrift(child: JvmSpark, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "a lake's folder")
    lake.ensure(TABLES["gold.oee_shift"])
    with engine(child.url) as running:
        assert register_tables(running.spark, lake) == ("gold.oee_shift",)
    assert child.thrift_port is not None
    assert beeline(child.thrift_port, "SELECT count(*) + 40 FROM gold.oee_shift") == "40"


@pytest.mark.parametrize("token", ["", ";token=guessed"])
def test_nobody_gets_in_without_the_token(child: JvmSpark, token: str) -> None:
    with pytest.raises(EngineUnavailable, match=r"(?i)token"), engine(f"sc://localhost:{child.connect_port}/{token}"):
        pass


def test_every_door_is_on_loopback(child: JvmSpark) -> None:
    doors = [c.laddr for c in psutil.Process(child.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert child.connect_port in {door.port for door in doors}
    assert {door.ip for door in doors} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_the_token_is_not_on_the_command_line(child: JvmSpark) -> None:
    assert child.token not in " ".join(psutil.Process(child.pid).cmdline())


def test_the_jvm_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", DIES_WITH_ITS_PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        jvm = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs([jvm], timeout=WAIT_S)
    assert alive == []


def test_a_taken_port_is_named(installed: None) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"127\.0\.0\.1:{port} is taken.*\[ports\] thrift"), jvm_spark(thrift_port=port):
            pass


def test_serving_writes_a_private_url_and_takes_it_away(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, engine="spark", ports=PortSettings(spark_connect=0, thrift=0))
    file, stop, ended = settings.run_dir / TOKEN_FILE, threading.Event(), threading.Event()
    server = threading.Thread(target=lambda: (serve_engine(settings, stop), ended.set()))
    server.start()
    try:
        for _ in range(WAIT_S * 10):
            if file.exists() or ended.wait(0.1):
                break
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with engine(file.read_text(encoding="utf-8").strip()) as running:
            assert running.spark.range(3).count() == 3
    finally:
        stop.set()
        server.join()
    assert ended.is_set()
    assert not file.exists()
