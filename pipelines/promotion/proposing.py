"""A version of a model, proposed in FactoMES to people who approve it. Nothing is changed in the registry."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from factolake.errors import ModelRefused
from models.registry.catalogue import Verified
from pipelines.promotion.factomes import Answer, FactoMes

ACTION = "model_promotion.create"
LIFE = timedelta(days=3)
"""So long people have to decide; what is not executed by then has to be proposed again."""


def propose(factomes: FactoMes, candidate: Verified, evidence: Mapping[str, object], why: str, now: datetime) -> Answer:
    """The proposal. Raises ModelRefused where just this waits already or FactoMES refuses it, SourceUnavailable, ConfigError."""
    name, version, sha256 = candidate.bundle.name, candidate.version, candidate.sha256
    payload = {"name": name, "version": version, "sha256": sha256}
    for state, to_do in (("pending", "have it approved"), ("approved", "execute it")):
        for one in factomes.rows("proposals", action=ACTION, state=state):
            if payload.items() <= json.loads(one["payload"]).items() and datetime.fromisoformat(one["expires_ts"]) > now:
                asked = f"by {one['requested_by_id']}, proposal {one['proposal_id']}"
                raise ModelRefused(f"{name} {version} is proposed already ({asked}) and {state}; {to_do} on FactoMES's page Approvals")
    reason = f"promote {name} version {version} (hash {sha256[:12]}): {why}"
    return factomes.propose(ACTION, payload, evidence, reason, (now + LIFE).isoformat())
