"""Both engines for every transform test: a test that takes `spark` runs once on Sail and once on JVM Spark and must see the same rows.

One of each serves the whole run, and with several processes (`--numprocesses`) one of them has the JVM's tests, since each JVM takes a minute to
become fast; the others get files. `--engines sail` is for speed while developing. Spark is imported only when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from factolake.lake.engine import Engine


FOR_FEW_ROWS = {
    "spark.master": "local[1]",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
"""Compiling its queries anew in every test is a third of the JVM's time. `test_both_engines` runs all refinements with the settings of a plant."""


class Shares(LoadScopeScheduling):
    """Which tests one process runs after each other: those on the JVM, or else those of a file."""

    def _split_scope(self, nodeid: str) -> str:
        return "jvm" if "jvm" in nodeid else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Shares:
    return Shares(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", choices=["both", "sail", "jvm"], default="both", help="engines that transform tests run on (default: both)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine_name" in metafunc.fixturenames:
        params = [pytest.param("sail", id="sail"), pytest.param("jvm", id="jvm", marks=pytest.mark.spark)]
        chosen = metafunc.config.getoption("--engines")
        metafunc.parametrize("engine_name", [param for param in params if chosen in ("both", param.id)])


@pytest.fixture(scope="session")
def sail() -> Iterator[Engine]:
    from factolake.lake.engine import engine

    with engine("sail") as running:
        yield running


@pytest.fixture(scope="session")
def jvm() -> Iterator[Engine]:
    from factolake.errors import MissingDependency
    from factolake.lake.engine import engine
    from factolake.lake.jars import jar_files
    from factolake.lake.java import find_java, spark_home
    from factolake.lake.jvm import CONF

    try:
        jar_files(), find_java(), spark_home()
    except MissingDependency as missing:
        pytest.skip(str(missing))
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("factolake.lake.jvm.CONF", {**CONF, **FOR_FEW_ROWS})
            running = stack.enter_context(engine("spark"))
        yield running


@pytest.fixture
def running_engine(request: pytest.FixtureRequest, engine_name: str) -> Engine:
    return request.getfixturevalue(engine_name)


@pytest.fixture
def spark(running_engine: Engine) -> SparkSession:
    return running_engine.spark
