"""The log file of each supervised part: where it is, how it stays small, and what it said last."""

import json
import shutil
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 10 * 1024 * 1024
KEPT = 3


def log_file(run_dir: Path, part: str) -> Path:
    """Where the output of `part` goes."""
    return run_dir / "logs" / f"{part}.log"


def open_log(run_dir: Path, part: str) -> BinaryIO:
    """The part's log, open for appending."""
    path = log_file(run_dir, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)  # FactoMES's setup code is told there
    return path.open("ab")


def rotate(run_dir: Path, part: str) -> None:
    """Move a log that passed `MAX_BYTES` aside, keeping the last `KEPT` such files.

    The process keeps its open file, so the text is copied and the file emptied: lines written in between can be lost.
    """
    path = log_file(run_dir, part)
    if not path.exists() or path.stat().st_size < MAX_BYTES:
        return
    for number in range(KEPT, 1, -1):
        older = path.with_suffix(f".log.{number - 1}")
        if older.exists():
            older.replace(path.with_suffix(f".log.{number}"))
    shutil.copyfile(path, path.with_suffix(".log.1"))
    with path.open("r+b") as file:
        file.truncate(0)


def last_words(run_dir: Path, part: str) -> str:
    """The last line the part wrote, as a sentence: an error's text, or the event of a JSON line."""
    try:
        with log_file(run_dir, part).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 8192))
            lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return "it wrote no log"
    if not lines:
        return "it said nothing"
    last = lines[-1].strip()
    try:
        told = json.loads(last)
        return str(told.get("event", last)) if isinstance(told, dict) else last
    except ValueError:
        return last.removeprefix("factolake: ")[:400]
