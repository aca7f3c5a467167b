"""A part that grew too large starts itself anew in the same process."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.renewal import outgrown

ROOT = Path(__file__).parents[2]
PART = """
import os, sys
from pathlib import Path
from pipelines.renewal import renew

starts = Path(sys.argv[1])
with starts.open("a") as file:
    file.write(f"{os.getpid()}\\n")
if len(starts.read_text().split()) < 3:
    renew()
print(sys.stdin.read())
"""


def test_a_renewed_part_keeps_its_process_its_arguments_and_its_standard_streams(tmp_path: Path) -> None:
    script, starts = tmp_path / "part.py", tmp_path / "starts"
    script.write_text(PART, encoding="utf-8")
    command, environment = [sys.executable, str(script), str(starts)], {**os.environ, "PYTHONPATH": str(ROOT)}
    part = subprocess.run(command, input="still here", capture_output=True, text=True, timeout=60, check=True, env=environment)
    pids = starts.read_text().split()
    assert len(pids) == 3
    assert len(set(pids)) == 1
    assert part.stdout.strip() == "still here"


def test_only_a_process_above_the_limit_is_outgrown() -> None:
    assert outgrown(1)()
    assert not outgrown(1_000_000)()
