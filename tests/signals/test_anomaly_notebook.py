"""The notebook of an alert and a new model, executed on a small lake: it draws, compares with the champion, and registers a challenger in MLflow."""

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from learnt_machine import MACHINE, MODEL, MONDAY, NOW, PLANT, TRAINED, LearntMachine, at
from shelves import approval
from told_alerts import alert, judge, tell

from factolake.config import Settings
from models.registry.catalogue import Models

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_alert_is_studied_and_a_model_tried_and_kept(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    models = a_home_with_a_champion_and_two_alerts(settings)
    notebook = tmp_path / "anomaly_study.ipynb"
    convert = [sys.executable, "-m", "jupytext", "--to", "ipynb", str(REPOSITORY / "notebooks" / "anomaly_study.py"), "-o", str(notebook)]
    subprocess.run(convert, check=True, capture_output=True, timeout=60)
    (tmp_path / "conf").mkdir()
    shutil.copy(PLANT, tmp_path / "conf")
    environment = {**os.environ, "FACTOLAKE_HOME": str(settings.home), "PYTHONPATH": str(REPOSITORY)}
    environment["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    environment.pop("FACTOLAKE_CONF", None)
    execute = [sys.executable, "-m", "pytest", "--nbmake", "--overwrite", "--rootdir", str(tmp_path), "-p", "no:cacheprovider", notebook.name]
    ran = subprocess.run(execute, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=360, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    given = [output for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] for output in cell.get("outputs", ())]
    said = json.dumps(given)
    assert "learn from 2026-03-02 to 2026-03-03, judge 2026-03-04 to 2026-03-04" in said
    assert "it was right" in said and "bearing greased" in said
    assert "agrees with champion, version 1" in said
    assert f"factolake models propose {MODEL} 2 --why" in said
    assert sum("image/png" in output.get("data", {}) for output in given) == 5
    assert models.challenger(MODEL).version == 2


def a_home_with_a_champion_and_two_alerts(settings: Settings) -> Models:
    """Three days of which the last is off, a model of the first two that was promoted in MLflow, and an alert that is like an earlier one."""
    machine = LearntMachine(settings.home)
    machine.trained_days()
    machine.show(TRAINED.last, off=3.0)
    machine.models = Models(settings.registry_dir, settings.models_key_file)
    machine.train(TRAINED)
    machine.models.promote(MODEL, 1, approval(machine.models, 1, MODEL), NOW)
    earlier = alert(at(MONDAY, 8))
    newest = alert(at(MONDAY + timedelta(days=2), 2), [(earlier, 0.9)])
    for said in (earlier, newest):
        tell(machine.lake, said)
    judge(machine.lake, earlier, "true", cause="spindle bearing dry", fix="bearing greased", minutes=35.0)
    assert newest.machine == MACHINE
    return machine.models
