"""The notebook of a shift that is planned and mended, executed: it says what moves, why,
and what its energy costs, and draws both plans, energy by the hour and the risk of each due date."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_shift_is_planned_mended_and_explained(tmp_path: Path) -> None:
    notebook = tmp_path / "replan_shift.ipynb"
    convert = [sys.executable, "-m", "jupytext", "--to", "ipynb", str(REPOSITORY / "notebooks" / "replan_shift.py"), "-o", str(notebook)]
    subprocess.run(convert, check=True, capture_output=True, timeout=60)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    execute = [sys.executable, "-m", "pytest", "--nbmake", "--overwrite", "--rootdir", str(tmp_path), "-p", "no:cacheprovider", notebook.name]
    ran = subprocess.run(execute, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=360, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    said, pictures = outputs(json.loads(notebook.read_text(encoding="utf-8")))
    assert "because press is down until 15:00" in said
    assert "had the stop been known at 12:00" in said
    assert "90 of 100 end by" in said
    assert "the energy of the work costs" in said and "no order is later; it saves" in said and "could start" in said
    assert pictures == 3


def outputs(notebook: dict[str, list[dict[str, list[dict[str, object]]]]]) -> tuple[str, int]:
    """All text that the cells gave, and how many pictures."""
    given = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return json.dumps(given), sum("image/png" in json.dumps(output.get("data", {})) for output in given)
