"""What was tried is kept in the installation's own store, and nothing is lost where it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.registry import PLANS, SILENT, Registry, Run


@pytest.mark.slow
def test_a_run_is_found_again_with_all_it_was_told(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "mlflow")
    run = Run("L1-1", {"seed": 7, "long": "x" * 9000}, {"objective": 120.0, "gap": 0.25}, {"plan_id": "L1-1"}, {"why.txt": "M1 is down"})
    key = registry.log(PLANS, run)
    assert key is not None and registry.log(PLANS, Run("L1-2")) != key
    from mlflow import MlflowClient

    client = MlflowClient(registry.uri)
    held = client.get_run(key)
    assert held.data.params["seed"] == "7" and held.data.metrics == {"objective": 120.0, "gap": 0.25} and held.info.status == "FINISHED"
    assert held.data.tags["plan_id"] == "L1-1"
    assert Path(client.download_artifacts(key, "why.txt")).read_text() == "M1 is down"
    assert all(os.environ[name] == value for name, value in SILENT.items())
    assert {entry.name for entry in tmp_path.iterdir()} == {"mlflow"}


def test_where_runs_cannot_be_kept_nothing_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert Registry(tmp_path / "mlflow").log(PLANS, Run("x")) is None
    monkeypatch.undo()
    assert Registry(tmp_path / "file" / "below").log(PLANS, Run("x")) is None


def test_mlflow_is_loaded_only_when_a_run_is_logged() -> None:
    seen = "import sys, models.registry as r; r.Registry(__import__('pathlib').Path('x')); print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout.strip() == "False"
