"""What an approver approves, as a hash. FactoMES reckons it by itself and knows no registry: the registry compares it with its own.

The registry's is `models.registry.approval.payload_of`; a test holds the two to the same value.
"""

import hashlib

from factolake.mes.audit.chain import canonical

SUBJECT = "model.promote"


def payload_sha256(name: str, version: int, sha256: str) -> str:
    """SHA-256 (hex) over action, model, version and hash of its files as RFC 8785 JSON."""
    return hashlib.sha256(canonical({"action": SUBJECT, "name": name, "version": version, "sha256": sha256}).encode()).hexdigest()
