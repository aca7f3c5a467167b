"""MLflow's own server behind the gate, under its name: an engineer sees its page and its runs, nobody else does."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from test_gate import browser, opened

from models.registry import PLANS, Registry, Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sqlite_record")]


@pytest.fixture
async def mlflow(tmp_path: Path) -> AsyncIterator[str]:
    """`mlflow server` with one run of the planner in its store."""
    Registry(tmp_path).log(PLANS, Run("L1-7", {"preset": "repair"}, {"gap": 0.25}, {"line": "L1"}, {}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = f"sqlite:///{tmp_path / 'mlflow.sqlite'}"
    options = ("--backend-store-uri", store, "--static-prefix", "/mlflow", "--port", str(port), "--workers", "1")
    log, quiet = (tmp_path / "server.log").open("wb"), {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "mlflow", "server", *options, cwd=tmp_path, stdout=log, stderr=log, env=quiet)
    try:
        await answers(f"http://127.0.0.1:{port}/mlflow/", tmp_path)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        await server.wait()
        log.close()


async def answers(address: str, folder: Path) -> None:
    for _ in range(240):
        try:
            async with ClientSession() as session, session.get(address) as answer:
                if answer.status == 200:
                    return
        except ClientError:
            pass
        await asyncio.sleep(0.25)
    pytest.fail(f"mlflow does not answer: {(folder / 'server.log').read_text()[-800:]}")


async def test_an_engineer_sees_mlflows_page_and_a_plans_run_and_an_operator_does_not(mlflow: str) -> None:
    async with opened(mlflow, name="mlflow") as gate:
        engineer = await browser(gate, "engineer")
        page = await engineer.ask("/mlflow/")
        assert page.status == 200 and "<title>MLflow" in await page.text()
        ask = {"experiment_ids": ["1"], "filter": "tags.line = 'L1'"}
        found = await engineer.ask("/mlflow/ajax-api/2.0/mlflow/runs/search", "POST", json=ask, headers={"Origin": engineer.origin})
        (run,) = (await found.json())["runs"]
        assert {each["key"]: each["value"] for each in run["data"]["metrics"]} == {"gap": 0.25}
        assert (await (await browser(gate, "operator")).ask("/mlflow/")).status == 403
        assert (await (await browser(gate, None)).ask("/mlflow/")).status in (302, 303, 401)
