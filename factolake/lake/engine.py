"""The Spark engine as one thing: a Spark Connect session and the reading of Delta tables, whichever program answers.

`sail` runs in this process, `spark` is a JVM child on this machine, `sc://host:port` is somewhere else. Transforms see `Engine.spark`
and nothing else of it. The one place that knows pysail; the JVM is in `jvm.py`.
"""

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.errors.exceptions.base import PySparkException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.connect.client.retries import DefaultPolicy

from factolake.config.settings import Settings
from factolake.contracts import TABLES
from factolake.contracts.formats.spark import to_frame
from factolake.errors import ConfigError, EngineFailed, EngineUnavailable, MissingDependency, TableDamaged
from factolake.lake.jvm import IDLE_S, JvmSpark, jvm_spark
from factolake.lake.tables import Lake

SESSION_CONF = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
# The client notes the line of our code at every call of a column function: a quarter of a refinery pass, and it swells each plan. JVM Spark
# takes this only at its start.
SAIL_CONF = {"spark.python.sql.dataFrameDebugging.enabled": "false"}
SAIL_IDLE = "SAIL_SPARK__SESSION_TIMEOUT_SECS"
TOKEN_FILE = "spark-connect.token"
POLL_S = 1.0
CONNECT_PORT = 15002
CONNECT_TIMEOUT_S = 5.0
_PLAIN = re.compile(r"[A-Za-z0-9/_.+'-]+")
"""Sail 0.7 looks for a Delta table with a space, an umlaut or a # in its path under another name, and finds no commit there."""
RETRIES = 5
"""Of a call that the engine did not answer: about 20 s in all, so that a dead engine is found before a person asks."""


class Stop(Protocol):
    """What tells a server to end; `threading.Event` is one."""

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; True when it is time to end."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """A session of its own on the engine `name` (sail, spark or the URL). Not for use by several threads.

    `links` is a folder for other names of tables that the engine cannot find under their own; None where it finds all.
    """

    name: str
    spark: SparkSession
    links: Path | None = None

    def read_table(self, path: str, version: int | None = None) -> DataFrame:
        """A Delta table: its newest snapshot as the engine reads it when rows are asked for, or one pinned `version`.

        A pinned version is read by delta-rs now and handed in as Arrow, because Sail fails on a version behind a newer checkpoint. Raises
        TableDamaged when that version is not there.
        """
        if version is None:
            return self.spark.read.format("delta").load(self._place(path))
        try:
            data = pa.table(DeltaTable(path, version=version).scan())
        except DeltaError as error:
            raise TableDamaged(
                f"{path}: version {version} cannot be read ({str(error).splitlines()[0]}); read the newest, or a later version"
            ) from error
        return to_frame(self.spark, data)

    def rows(self, frame: DataFrame, what: str) -> pa.Table:
        """The rows of `frame`, computed now; `what` says in an error what was computed.

        Types are the engine's, which may differ in unit and width from those of the plan. Raises EngineFailed when the engine cannot
        compute it, EngineUnavailable when it does not answer.
        """
        try:
            # `toArrow` asks the engine for the plan's schema first and casts by it, 27 ms of CPU; our tables are cast by their contract.
            data, _ = frame._to_table()  # type: ignore[operator]
        except PySparkException as error:
            if _is_gone(error):
                raise EngineUnavailable(f"engine {self.name}: it went away while computing {what} ({_cause(error)}); start it again") from error
            raise EngineFailed(
                f"engine {self.name}: {what} cannot be computed ({_cause(error)}); nothing was committed, "
                "look with `factolake scrub` for damaged files"
            ) from error
        return data

    def _place(self, path: str) -> str:
        if self.links is None or _PLAIN.fullmatch(path):
            return path
        link = self.links / hashlib.sha256(path.encode()).hexdigest()[:16]
        if not link.is_symlink():
            link.symlink_to(path, target_is_directory=True)
        return str(link)


@contextmanager
def engine(spec: str, *, jars_dir: Path | None = None) -> Iterator[Engine]:
    """The engine `spec` (sail, spark or sc://host:port), up while in the block; what was started here ends with it.

    Raises MissingDependency when it is not installed, EngineUnavailable when it does not answer, ConfigError for another word.
    """
    with ExitStack() as stack:
        links = None
        if spec == "sail":
            url = stack.enter_context(_sail())
            links = Path(stack.enter_context(TemporaryDirectory(prefix="factolake-")))
        elif spec == "spark":
            url = stack.enter_context(jvm_spark(jars_dir=jars_dir)).url
        elif spec.startswith("sc://"):
            url = spec
        else:
            raise ConfigError("settings", "engine", spec, "sail, spark or sc://host:port")
        spark = stack.enter_context(_session(url, spec))
        yield Engine(spec, spark, links)


@contextmanager
def _sail() -> Iterator[str]:
    """Sail inside this process, on a free loopback port; it has no authentication, so it lives no longer than needed."""
    try:
        from pysail.spark import SparkConnectServer
    except ImportError as error:
        raise MissingDependency("engine sail: pysail is not installed; `pip install 'factolake[sail]'`, or use engine spark") from error
    # Sail's log goes to standard error line by line, where a person reads our own; RUST_LOG set by hand still wins.
    os.environ.setdefault("RUST_LOG", "error")
    os.environ.setdefault(SAIL_IDLE, str(IDLE_S))
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        address = server.listening_address
        if address is None:
            raise EngineUnavailable("engine sail: no port was opened; try again, or use engine spark")
        yield f"sc://127.0.0.1:{address[1]}"
    finally:
        server.stop()


@contextmanager
def _session(url: str, name: str) -> Iterator[SparkSession]:
    """A new session, never one that another engine in this process left as the default."""
    spark: SparkSession | None = None
    where = name.split(";")[0]
    _require_listener(url, where)
    try:
        spark = SparkSession.builder.remote(url).create()
        spark.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES)])
        for key, value in (SESSION_CONF | (SAIL_CONF if name == "sail" else {})).items():
            spark.conf.set(key, value)
    except (PySparkException, OSError) as error:
        if spark is not None:
            spark.stop()
        raise EngineUnavailable(f"engine {where}: no session ({_cause(error)}); is it up, and address and token right?") from error
    try:
        yield spark
    finally:
        spark.stop()


def _is_gone(error: PySparkException) -> bool:
    """Whether the engine, or our session on it, is no longer there, rather than unable to do what was asked."""
    if not isinstance(error, SparkConnectGrpcException):
        return True
    return error.getGrpcStatusCode().name == "UNAVAILABLE" or str(error.getCondition()).startswith("INVALID_HANDLE")


def _cause(error: Exception) -> str:
    """What the other end said: gRPC puts it into `details`, behind a first line that says nothing."""
    text = " ".join(str(error).split())
    return text.partition('details = "')[2].partition('"')[0] or text[:200]


def _require_listener(url: str, where: str) -> None:
    """Fail at once where nobody listens; the client itself would try for ten minutes."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "localhost", address.port or CONNECT_PORT), timeout=CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"engine {where}: nobody listens there ({error}); start it, or correct engine in the settings") from error


def serve_engine(settings: Settings, stop: Stop, *, jars_dir: Path | None = None) -> None:
    """JVM Spark on the ports of the settings until `stop`: Connect for notebooks and jobs, Thrift for BI tools, both on loopback.

    The tables of the lake are in the catalog as `layer.name`. The Connect URL with its token is in `run/spark-connect.token`, readable
    by this user alone; Thrift has no password, so anyone on this machine can read the lake through it. Raises PortInUse,
    MissingDependency, and EngineUnavailable when the JVM ends by itself.
    """
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    token_file = settings.run_dir / TOKEN_FILE
    with jvm_spark(jars_dir=jars_dir, port=settings.ports.spark_connect, thrift_port=settings.ports.thrift) as jvm:
        with _session(jvm.url, "spark") as spark:
            register_tables(spark, Lake(settings.lake_root))
        token_file.unlink(missing_ok=True)
        token_file.touch(mode=0o600)
        token_file.write_text(jvm.url + "\n", encoding="utf-8")
        try:
            _watch(jvm, stop)
        finally:
            token_file.unlink(missing_ok=True)


def register_tables(spark: SparkSession, lake: Lake) -> tuple[str, ...]:
    """Put the tables of `lake` that are meant for BI into the engine's catalog as `layer.table`; returns their names."""
    names = [table.name for table in TABLES.values() if table.bi_visible and lake.exists(table)]
    for name in names:
        spark.sql(f"CREATE DATABASE IF NOT EXISTS {TABLES[name].layer}").collect()
        # Names and places come from the contracts and the settings, and a quote in the path is doubled by Spark's own rule.
        folder = lake.path(TABLES[name]).replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION '{folder}'").collect()
    return tuple(names)


def _watch(jvm: JvmSpark, stop: Stop) -> None:
    while not stop.wait(POLL_S):
        if not jvm.alive:
            raise EngineUnavailable(f"engine spark: the JVM (pid {jvm.pid}) ended by itself; start `factolake engine` again")
