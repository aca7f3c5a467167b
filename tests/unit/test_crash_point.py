import signal
import subprocess
import sys

import pytest

LOOP = "from factolake.crash import crash_point\nfor i in range(4):\n    print(i, flush=True); crash_point('a.b'); crash_point('other')"


@pytest.mark.parametrize(
    ("armed", "passes", "code"), [("a.b", 1, -signal.SIGKILL), ("a.b:3", 3, -signal.SIGKILL), ("", 4, 0), ("a", 4, 0), ("a.b:9", 4, 0)]
)
def test_the_process_dies_at_the_armed_pass_of_the_armed_point(armed, passes, code):
    done = subprocess.run([sys.executable, "-c", LOOP], env={"FACTOLAKE_CRASH": armed}, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stdout.split())) == (code, passes)


@pytest.mark.parametrize("armed", ["a:0", "a:x", "a:-1"])
def test_a_wrong_pass_is_refused_in_words(armed):
    done = subprocess.run([sys.executable, "-c", LOOP], env={"FACTOLAKE_CRASH": armed}, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "allowed: NAME or NAME:N" in done.stderr
