"""Folders as a sick disk would show them: mounted anew where only one process and its children see it."""

import subprocess
from pathlib import Path

import pytest


def apart(folder: Path, *mounts: tuple[str, ...]) -> list[str]:
    """What to run a command under so that it alone sees `folder` after `mounts` (arguments of mount, the folder comes last).

    Skips the test where the machine allows no mounts.
    """
    done = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    steps = " && ".join(f"mount {' '.join(mount)} '{folder}'" for mount in mounts)
    return ["unshare", "--mount", "sh", "-c", f'{steps} && exec "$@"', "sh"]


def within(pid: int, command: str) -> bool:
    """Whether shell `command` succeeds where the mounts are those process `pid` sees."""
    return subprocess.run(["nsenter", "--mount", "--target", str(pid), "sh", "-c", command], check=False).returncode == 0
