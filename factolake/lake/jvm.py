"""JVM Spark as a child process: Spark Connect on loopback with a token, Delta, and on request Thrift for BI tools.

The child lives on our end of its standard input: when this process ends, however it ends, the pipe breaks and the JVM exits.
"""

import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factolake.errors import EngineUnavailable, PortInUse
from factolake.lake.jars import jar_files
from factolake.lake.java import SPARK_OPTIONS, find_java, spark_home

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 10
POLL_S = 0.05
IDLE_S = 10 * 365 * 86_400
"""A plant may be quiet for weeks; JVM Spark ends a session that nobody asked for an hour, Sail after 15 minutes."""
CONF: Mapping[str, str] = {
    "spark.master": "local[2]",
    "spark.app.name": "factolake",
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.ansi.enabled": "true",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.session.manager.defaultSessionTimeout": f"{IDLE_S}s",
}


@dataclass(frozen=True, slots=True)
class JvmSpark:
    """A running JVM Spark. `url` carries the token; `thrift_port` is None unless asked for."""

    pid: int
    connect_port: int
    token: str
    thrift_port: int | None
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Spark Connect URL with the token; on localhost, which is where the client sends a token without TLS."""
        return f"sc://localhost:{self.connect_port}/;token={self.token}"

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self.process.poll() is None


@contextmanager
def jvm_spark(
    *, jars_dir: Path | None = None, port: int = 0, thrift_port: int | None = None, token: str | None = None, heap: str = "1g"
) -> Iterator[JvmSpark]:
    """Start JVM Spark and stop it on leaving.

    `port` and `thrift_port` of 0 mean any free one. A new token is made unless given. Raises MissingDependency without Java or jars,
    PortInUse, and EngineUnavailable with the last lines of the JVM's log when it does not come up.
    """
    secret = token or secrets.token_urlsafe(32)
    for name, wanted in (("spark_connect", port), ("thrift", thrift_port)):
        _require_free(name, wanted)
    with tempfile.TemporaryDirectory(prefix="factolake-spark-") as folder:
        process = _launch(Path(folder), jar_files(jars_dir), port, secret, heap)
        try:
            connect, thrift = _start_servers(process, Path(folder), thrift_port)
            yield JvmSpark(process.pid, connect, secret, thrift, process)
        finally:
            _stop(process)


def _require_free(name: str, port: int | None) -> None:
    """Say in a moment what the JVM would say in twenty seconds, and which port it is."""
    if not port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(f"engine spark: 127.0.0.1:{port} is taken; stop the other process or set [ports] {name} in the settings") from error


def _launch(folder: Path, jars: tuple[Path, ...], port: int, token: str, heap: str) -> "subprocess.Popen[bytes]":
    conf = {
        **CONF,
        "spark.connect.grpc.binding.port": str(port),
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    class_path = os.pathsep.join([str(spark_home() / "jars" / "*"), *(str(jar) for jar in jars)])
    options = ["-cp", class_path, f"-Xmx{heap}", *SPARK_OPTIONS]
    pairs = [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]
    # The token goes by environment, because any user can read a command line.
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
    env |= {
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SCALA_VERSION": "2.13",
        # Kernels of refinements run in workers of this very Python; the first `python3` on the path may know neither us nor Spark.
        "PYSPARK_PYTHON": sys.executable,
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(folder / "gateway"),
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(find_java()), *options, "org.apache.spark.deploy.SparkSubmit", *pairs, "pyspark-shell"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=env,
            # Its own group: Ctrl-C in the terminal is for us, and we stop the child in order.
            process_group=0,
        )


def _start_servers(process: "subprocess.Popen[bytes]", folder: Path, thrift_port: int | None) -> tuple[int, int | None]:
    """(Connect port, Thrift port): through the JVM's Python gateway, closed again before anyone works with the engine."""
    from py4j.java_gateway import GatewayParameters, JavaGateway
    from py4j.protocol import Py4JError

    _await_gateway(process, folder)
    raw = (folder / "gateway").read_bytes()
    port, length = struct.unpack(">ii", raw[:8])
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=raw[8 : 8 + length].decode(), auto_convert=True))
    try:
        session = gateway.jvm.org.apache.spark.sql.classic.SparkSession.builder().getOrCreate()
        return _connect_port(gateway.jvm), _start_thrift(gateway.jvm, session, thrift_port)
    except Py4JError as error:
        text = f"{error}\n{_log_tail(folder)}"
        if "BindException" in text or "Address already in use" in text:
            raise PortInUse(
                "engine spark: its Connect or Thrift port is taken; stop the other process or set [ports] spark_connect, thrift"
            ) from error
        raise EngineUnavailable(f"engine spark: the JVM did not start Spark: {_log_tail(folder)}; try again, or use engine sail") from error
    finally:
        gateway.close()


def _connect_port(jvm: Any) -> int:
    service = getattr(jvm.org.apache.spark.sql.connect.service, "SparkConnectService$")
    return int(getattr(service, "MODULE$").localPort())


def _start_thrift(jvm: Any, session: Any, port: int | None) -> int | None:
    """Start the Thrift server on loopback inside the same Spark; a BI tool sees the tables this Spark's catalog has."""
    if port is None:
        return None
    for key, value in (("hive.server2.thrift.port", str(port)), ("hive.server2.thrift.bind.host", "127.0.0.1")):
        jvm.java.lang.System.setProperty(key, value)
    server = jvm.org.apache.spark.sql.hive.thriftserver.HiveThriftServer2.startWithSparkSession(session, False)
    for service in server.getServices():
        if service.getClass().getSimpleName() == "ThriftBinaryCLIService":
            return int(service.getPortNumber())
    raise EngineUnavailable("engine spark: the Thrift server started without its binary service; unset hive.server2.transport.mode")


def _await_gateway(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (folder / "gateway").exists():
        if process.poll() is not None:
            raise EngineUnavailable(f"engine spark: the JVM ended with {process.returncode}: {_log_tail(folder)}; see factolake doctor")
        if time.monotonic() > deadline:
            raise EngineUnavailable(f"engine spark: no answer after {START_TIMEOUT_S} s: {_log_tail(folder)}; is the machine overloaded?")
        time.sleep(POLL_S)


def _log_tail(folder: Path) -> str:
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " | ".join(lines[-5:]) or "it wrote no log"


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Close its standard input, which ends it in order; kill it when that takes too long."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
