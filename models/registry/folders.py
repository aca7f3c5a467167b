"""Bundles on the disk: a folder each, named after the hash of what is in it, with one file, `model.json`.

`models/NAME/SHA256/model.json`. What is read is a regular file in real folders, alone in its folder, no larger than is read here; nothing of it is
parsed here. No path is taken from a database or a bundle.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from factolake.errors import ModelRefused
from factolake.files import sync_to_disk
from models.registry.bundle import checked_name
from models.registry.strict_json import MOST_BYTES

FILE = "model.json"
_HEX = frozenset("0123456789abcdef")


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over a listing of all files: hash, size and name of each, by name, a line each."""
    lines = [f"{hashlib.sha256(content).hexdigest()} {len(content)} {name}\n" for name, content in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def place_of(root: Path, name: str, digest: str) -> Path:
    """Folder of a bundle. Raises ModelRefused for what is no name or no hash."""
    if len(digest) != 64 or not set(digest) <= _HEX:
        raise ModelRefused(f"model {name[:120]} has the hash {digest[:70]!r}, which is none; register it anew")
    return root / checked_name(name) / digest


def put(root: Path, name: str, content: bytes) -> str:
    """Write a bundle whole or not at all, on the disk before this returns; its hash. One that is there stays."""
    digest = digest_of({FILE: content})
    place = place_of(root, name, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    try:
        (draft / FILE).write_bytes(content)
        sync_to_disk(draft / FILE)
        sync_to_disk(draft)
        if not place.exists():
            draft.rename(place)
    except OSError:
        # Somebody else may have put the same bundle there in between.
        if not place.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_to_disk(place.parent)
    return digest


def content_of(root: Path, name: str, digest: str) -> bytes:
    """What the bundle's file holds, which has the hash `digest`. Raises ModelRefused."""
    place = place_of(root, name, digest)
    try:
        content = _read(place)
    except OSError as cause:
        raise ModelRefused(f"model {name} at {place} cannot be read ({cause.strerror}); put it back from a backup or register it anew") from cause
    found = digest_of({FILE: content})
    if found != digest:
        raise ModelRefused(f"model {name} at {place} was changed: its hash is {found[:12]}…, registered is {digest[:12]}…; put it back from a backup")
    return content


def _read(place: Path) -> bytes:
    with _folder(place.parent) as above, _folder(place, above) as folder:
        names = sorted(os.listdir(folder))
        if names != [FILE]:
            odd = [name for name in names if name != FILE]
            raise ModelRefused(f"the model's folder {place} holds {odd[0][:60]!r} beside {FILE}; remove it" if odd else f"{place} holds no {FILE}")
        # Without O_NONBLOCK a named pipe would be waited for.
        handle = os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        with open(handle, "rb") as opened:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise ModelRefused(f"{place / FILE} is no regular file; put the model back from a backup")
            if about.st_size > MOST_BYTES:
                raise ModelRefused(f"{place / FILE} has {about.st_size} bytes; at most {MOST_BYTES} are read, so fit a smaller model")
            return opened.read(MOST_BYTES + 1)


@contextmanager
def _folder(place: Path, above: int | None = None) -> Iterator[int]:
    """A handle of a folder that is no link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(place if above is None else place.name, flags, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)
