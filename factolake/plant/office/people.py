"""Who works at the simulated plant: accounts, roles and tokens, made over the API by the administrator whom the setup page named."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from factolake.errors import ConfigError
from factolake.files import make_once
from factolake.plant.office.client import Client

ADMIN = "admin"
TOKEN_DAYS = 365


@dataclass(frozen=True, slots=True)
class Account:
    """A person or service, its role, and the equipment where it counts; "" is the whole enterprise."""

    account_id: str
    name: str
    role: str
    place: str = ""
    kind: str = "human"


@dataclass(frozen=True, slots=True)
class Staff:
    """Who may act, each with a token."""

    tokens: dict[str, str]


def accounts(operator: str, erp: str, line: str) -> tuple[Account, ...]:
    """The accounts of a line with one operator and one ERP; two of quality, since nobody lets go alone what they blocked."""
    return (
        Account(operator, "Olga Operator", "operator", line),
        Account("planner", "Peter Planner", "planner"),
        Account("quality", "Queenie Quality", "quality", line),
        Account("quality2", "Quentin Quality", "quality", line),
        Account("maintenance", "Max Maintenance", "maintenance", line),
        Account("approver", "Alex Approver", "approver"),
        Account(erp, "ERP", "planner", kind="service"),
    )


def hire(client: Client, wanted: tuple[Account, ...], code: str, password: str, keep: Path, now: datetime) -> Staff:
    """The accounts with their tokens: those in `keep` where they were made before, else made now, all people with `password`.

    Raises SourceUnavailable when FactoMES is away, and ConfigError for what it refuses.
    """
    if keep.exists():
        return Staff(json.loads(keep.read_text(encoding="utf-8")))
    client.enter(code, ADMIN, password)
    tokens: dict[str, str] = {}
    for account in wanted:
        secret = {"password": password} if account.kind == "human" else {}
        _ask(client, "/people", {"person_id": account.account_id, "name": account.name, "kind": account.kind, **secret})
        if account.kind == "service":
            _ask(client, f"/people/{account.account_id}/enable", {})  # FactoMES may know it already, as one that does not sign in
        _ask(client, "/grants", {"person_id": account.account_id, "role": account.role, "scope_id": account.place})
        token = f"fmes_{secrets.token_urlsafe(24)}"
        asked = {"label": "simulated plant", "actions": "*", "expires_ts": (now + timedelta(days=TOKEN_DAYS)).isoformat()}
        _ask(client, f"/people/{account.account_id}/api-tokens", {**asked, "hash": hashlib.sha256(token.encode()).hexdigest()})
        tokens[account.account_id] = token
    make_once(keep, json.dumps(tokens).encode())
    return Staff(tokens)


def _ask(client: Client, path: str, body: dict[str, str]) -> None:
    status, said = client.ask(path, body)
    if status not in (200, 201, 409):  # 409: made by one that was ended in the middle
        raise ConfigError("FactoMES", path, body.get("person_id", path), f"something it takes; it answered {status}: {said.get('detail')}")
