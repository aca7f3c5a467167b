"""The key of this installation that models and promotions are signed with: HMAC-SHA256 with 32 random bytes that only their owner may read.

Who can read the key can sign; it is no shield against the user who runs FactoLake, but against edited files and databases. It does not lie in
MLflow's folder, whose files MLflow's pages show.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from factolake.errors import ModelRefused
from factolake.files import make_once

_HEX_DIGITS = 64


def made_key(file: Path) -> bytes:
    """The key, made where there is none yet."""
    if not file.exists():
        make_once(file, secrets.token_hex(_HEX_DIGITS // 2).encode())
    return held_key(file)


def held_key(file: Path) -> bytes:
    """The key that is there. Raises ModelRefused where there is none: a new one would make every registered model a stranger."""
    try:
        text = file.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except (OSError, ValueError) as cause:
        raise ModelRefused(f"the key of models, {file}, cannot be read ({type(cause).__name__}); put it back from a backup") from cause
    if len(text) != _HEX_DIGITS:
        raise ModelRefused(f"the key of models, {file}, has {len(text)} digits, not {_HEX_DIGITS}; put it back from a backup")
    return key


def signature_of(key: bytes, about: str, statement: Mapping[str, object]) -> str:
    """The signature (hex) of a statement `about` something: one about a model is none about a promotion."""
    text = json.dumps([about, dict(statement)], sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_signed(key: bytes, about: str, statement: Mapping[str, object], signature: str) -> bool:
    """Whether `signature` is this key's of exactly this."""
    return hmac.compare_digest(signature_of(key, about, statement).encode(), signature.encode())
