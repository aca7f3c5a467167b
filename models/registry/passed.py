"""Which contents passed their trial in this installation and release: a signed file each, so that who starts opens what is known at once."""

import json
from collections.abc import Sequence
from pathlib import Path

from factolake import __version__
from factolake.errors import ModelRefused
from factolake.files import put_whole
from models.registry.keys import held_key, is_signed, signature_of

FOLDER = "tried"
_ABOUT = "factolake.trial"


class Passed:
    """Files in `folder`, named after the hash of the content and signed with the key in `key_file`."""

    def __init__(self, folder: Path, key_file: Path) -> None:
        self._folder, self._key_file = folder / FOLDER, key_file

    def lacks(self, digest: str) -> tuple[str, ...] | None:
        """Walls that the trial had to do without when the content with this hash passed it; None where it did not. Raises ModelRefused: no key."""
        try:
            told = json.loads((self._folder / digest).read_bytes())
            lacks, signature = tuple(map(str, told["lacks"])), str(told["signature"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return lacks if is_signed(held_key(self._key_file), _ABOUT, _statement(digest, lacks), signature) else None

    def add(self, digest: str, lacks: Sequence[str]) -> None:
        """Note that it passed. Where that cannot be written it is tried again in the next process."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            signature = signature_of(held_key(self._key_file), _ABOUT, _statement(digest, lacks))
            put_whole(self._folder / digest, json.dumps({"lacks": list(lacks), "signature": signature}).encode())
        except (OSError, ModelRefused):
            return


def _statement(digest: str, lacks: Sequence[str]) -> dict[str, object]:
    return {"sha256": digest, "release": __version__, "lacks": list(lacks)}
