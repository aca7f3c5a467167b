"""Tokens and badges: made, hashed, recognised. Only hashes are stored; comparing them needs no secret-dependent time."""

import hashlib
import hmac
import secrets

from django.conf import settings

TOKEN_PREFIX = "fmes_"


def new_token() -> str:
    """A token of 256 random bits; the prefix lets a scanner of files find one that leaked."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256, hex. A token is random enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def badge_hash(number: str) -> str:
    """HMAC-SHA-256 of a badge's number with the installation's secret key, hex: badge numbers are few, so a plain hash could be reversed."""
    return hmac.new(settings.SECRET_KEY.encode(), b"badge:" + number.strip().encode(), hashlib.sha256).hexdigest()
