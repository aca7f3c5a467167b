"""An approval is read from a document of an exact form."""

import json
import re

import pytest

from factolake.errors import ModelRefused
from models.registry.approval import Approval, of_document, payload_of

DOCUMENT = {"approval_id": "P-7", "approved_by": "maria", "payload_sha256": "ab", "approved_ts": "2026-03-02T06:00:00+01:00"}


def test_a_document_is_an_approval_that_says_it_came_from_one() -> None:
    found = of_document(json.dumps(DOCUMENT).encode())
    assert (found.approval_id, found.approved_by, found.payload_sha256, found.source) == ("P-7", "maria", "ab", "document")
    assert found.approved_ts.isoformat() == "2026-03-02T06:00:00+01:00"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[]", "not an object"),
        (json.dumps(DOCUMENT | {"source": "factomes"}).encode(), "has the keys approval_id, approved_by, approved_ts, payload_sha256, source"),
        (json.dumps(DOCUMENT | {"approved_by": 7}).encode(), "each a text"),
        (json.dumps(DOCUMENT | {"approved_ts": "2026-03-02T06:00:00"}).encode(), "ISO 8601 time with its offset"),
        (json.dumps(DOCUMENT | {"approved_ts": "yesterday"}).encode(), "ISO 8601 time with its offset"),
    ],
)
def test_anything_else_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(ModelRefused, match=re.escape(said)):
        of_document(raw)


def test_what_is_approved_is_one_version_with_one_hash() -> None:
    asked = [("m", 1, "aa"), ("m", 1, "ab"), ("m", 2, "aa"), ("n", 1, "aa")]
    assert len({payload_of(*one) for one in asked}) == 4
    assert isinstance(of_document(json.dumps(DOCUMENT).encode()), Approval)
