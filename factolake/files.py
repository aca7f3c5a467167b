"""Files that have to be on the disk, and files that are made once and whole."""

import os
import tempfile
from pathlib import Path


def sync_to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk. Raises FileNotFoundError and other OSErrors."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_whole(file: Path, content: bytes) -> None:
    """Put `file` there, or in place of one of its name, whole or not at all; on the disk before this returns. Raises OSError.

    It is written beside it under a name that begins with a point, which readers of the folder pass over.
    """
    draft = file.with_name(f".{file.name}")
    draft.write_bytes(content)
    sync_to_disk(draft)
    os.replace(draft, file)
    sync_to_disk(file.parent)


def make_once(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Make `file` whole or not at all, with its folder; one that is there stays, so that two processes that start at once share it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    with open(handle, "wb") as opened:
        os.fchmod(handle, mode)
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(part)
    sync_to_disk(file.parent)
