"""Over five hundred ugly texts through every text field of every action: stored as they are or refused in a sentence, shown as text (S19, F83)."""

import itertools
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from action_examples import EXAMPLES
from django.db import models, transaction
from naughty import KINDS, packed, texts
from pages_client import Pages
from pages_client import text as html_of
from record_databases import fresh_record
from record_plant import NOW, Api, store_approved
from test_pages import address
from test_rights import rows  # noqa: F401  a row of everything

from factolake.domain.action import RULES, Role
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.action import ACTIONS, Action, On, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Refusal
from factolake.mes.core.resource import RESOURCES
from factolake.mes.pages.urls import urlpatterns
from factolake.mes.people.models import Grant, Person

TEXTS = texts()
LONGEST = 5_000
WITH_TEXT = {"alert.create": {"kind": "message", "danger": None}, "skill.create": {"skill_id": "NEW"}, "tool.create": {"tool_id": "NEW"}}
"""Where the example's other values would leave the text no place."""
POINTING = {("proposal.create", "action"), ("proposal.create", "key"), ("webhook.create", "url")}
"""Fields that name something which is there; the others take any text."""
NOT_NOW = {("corrective_action.verify", "evidence"), ("gauge.calibrate", "certificate")}
"""The row in the database is not at that step."""
ONE_LINE = {("alert.create", "text"), ("machine_alert.judge", "cause"), ("machine_alert.judge", "fix")}
"""What goes into the subject of an e-mail, or the words of a later alert: kept as sent in the audit, and as one line in the row."""
KEY = r"[^\s/](?:[^/]*[^\s/])?"
Field = tuple[Action, str, int, bool]
"""An action, one of its text fields, the most characters it takes, and whether they may be any: one with a pattern is a key or a code."""


@pytest.fixture
def record(request: pytest.FixtureRequest) -> str:
    """The database of the test: SQLite, but for one that names the other."""
    url: str = request.getfixturevalue(getattr(request, "param", "sqlite_record"))
    return url


def text_fields() -> Iterator[Field]:
    """Every field of every form that takes text."""
    for action in ACTIONS.values():
        for name, schema in action.form.model_json_schema()["properties"].items():
            kinds = (schema, *schema.get("anyOf", ()))
            if "number" in {kind.get("type") for kind in kinds}:
                continue  # a quantity, which may be sent as text
            for kind in kinds:
                if kind.get("type") == "string" and not {"format", "enum", "const"} & set(kind) and name not in action.secrets:
                    yield action, name, min(kind.get("maxLength", LONGEST), LONGEST), "pattern" not in kind
                    break


def ask(action: Action, values: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """Do the action as somebody who may; as if it had been approved where that is asked for."""
    if isinstance(action.subject, On) and key is None:
        key = str(action.subject.model._default_manager.order_by("pk").values_list("pk", flat=True).first())
    approval = "approved" if RULES[action.effect].approvals > 1 else ""
    if approval:
        store_approved(approval, action.name, key or "")
    call = Call(Person.objects.get(pk=min(action.roles).value), NOW, "command", approval=approval)
    return perform(call, Request(action, key or "", parse_form(action, values)))


def outcome(action: Action, name: str, sent: str) -> str:
    """`stored`, `refused`, or what is wrong."""
    try:
        answer = ask(action, {"reason": "tried", **EXAMPLES.get(action.name, {}), **WITH_TEXT.get(action.name, {}), name: sent})
    except Refusal as refusal:
        return "refused" if str(refusal) else "refused without a word"
    entry = AuditEntry.objects.order_by("number").last()
    assert entry is not None
    said = entry.reason if name == "reason" else json.loads(entry.payload).get(name)
    if said != sent:
        return f"audit has {said!r}"
    if isinstance(answer.get(name), str) and name != "reason" and answer[name] != sent and (action.name, name) not in ONE_LINE:
        return f"row has {answer[name]!r}"
    return "stored"


def test_there_are_more_than_five_hundred_of_many_kinds() -> None:
    assert len(TEXTS) > 500
    assert len(KINDS) == 15
    assert min(len(set(kind())) for kind in KINDS) >= 20


@pytest.mark.usefixtures("rows")
def test_every_text_field_of_every_action_keeps_them_or_says_no() -> None:
    """Each field gets some, in turn, so that every text goes through many fields."""
    fields, wrong, stored = list(text_fields()), [], set()
    rotated = itertools.cycle(TEXTS)
    for action, name, longest, _ in fields:
        for sent in packed(longest, [next(rotated) for _ in range(20)])[:2]:
            with transaction.atomic():
                found = outcome(action, name, sent)
                transaction.set_rollback(True)
            if found == "stored":
                stored.add((action.name, name))
            elif found != "refused":
                wrong.append((action.name, name, sent, found))
    assert wrong == []
    assert len(fields) > 250
    assert {action.name for action, name, *_ in fields if name == "reason"} == set(ACTIONS)
    free = {(action.name, name) for action, name, _, is_free in fields if is_free and not name.endswith("_id") and name != "reason"}
    assert sorted(free - stored - POINTING - NOT_NOW) == []
    assert len({one for one in stored if one[1] == "reason"}) > len(ACTIONS) / 2


@pytest.mark.usefixtures("record")
def test_each_alone_comes_back_as_it_was_sent() -> None:
    make_materials(TEXTS)


@pytest.mark.postgres
@pytest.mark.parametrize("record", ["postgres_record"], indirect=True)
@pytest.mark.usefixtures("record")
def test_all_of_them_come_back_from_postgresql_too() -> None:
    make_materials(packed(240, TEXTS))


def make_materials(sent: list[str]) -> None:
    """Make a material with each as its description, as the reason, and as its key where a key may be so; read them back over the API."""
    keys = [text if re.fullmatch(KEY, text) and len(text) <= 64 else f"M-{number:04}" for number, text in enumerate(sent)]
    with transaction.atomic():
        for key, text in zip(keys, sent, strict=True):
            ask(ACTIONS["material.create"], {"material_id": key, "description": text, "reason": text})
    assert {row["material_id"]: row["description"] for row in every_row("/materials", "viewer")} == dict(zip(keys, sent, strict=True))
    entries = list(every_row("/audit", "admin"))
    assert [entry["reason"] for entry in entries] == sent
    assert [json.loads(entry["payload"])["description"] for entry in entries] == sent
    for key in keys[:: len(keys) // 20]:
        assert Api("viewer").get(f"/materials/{quote(key)}").json()["material_id"] == key


@pytest.fixture
def postgres_record(request: pytest.FixtureRequest, tmp_path: Path, record_templates: dict[str, str]) -> Iterator[str]:
    """An empty record on PostgreSQL."""
    yield from fresh_record(request, tmp_path, record_templates, "postgresql")


def every_row(path: str, reader: str) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        page = Api(reader).get(f"{path}?limit=500{after}").json()
        yield from page["items"]
        if page["next_after"] is None:
            return
        after = f"&after={page['next_after']}"


@pytest.mark.parametrize("sent", ["a\0b", "a\ud800b", "\udfff"])
def test_what_no_database_holds_is_refused(sqlite_record: str, sent: str) -> None:
    answer = Api("planner").post("/materials", {"material_id": "M-1", "description": sent})
    assert (answer.status_code, AuditEntry.objects.count()) == (422, 0)


class Shown(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and the texts between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = dict(attrs).get("name") in ("csrfmiddlewaretoken", "once", "digest")
        self.parts.append(("element", tag))
        self.parts += [(name, "" if hidden and name == "value" else value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.parts and self.parts[-1][0] == "text":
            data = self.parts.pop()[1] + data
        self.parts.append(("text", data))

    def handle_comment(self, data: str) -> None:
        self.parts.append(("comment", data))


def free_columns() -> Iterator[tuple[type[models.Model], Any]]:
    """Columns that a text field of an action on that kind of row fills."""
    free = [(action, name) for action, name, _, is_free in text_fields() if is_free]
    fields = {(noun, name) for action, name in free for noun in (action.noun, action.subject.model.NOUN if isinstance(action.subject, On) else "")}
    for declared in RESOURCES.values():
        for column in declared.model._meta.concrete_fields:
            is_text = isinstance(column, (models.CharField, models.TextField)) and not (column.choices or column.unique or column.primary_key)
            if is_text and (declared.noun, column.name) in fields and not column.name.endswith("_id"):
                yield declared.model, column


def pages_of_everything() -> Iterator[str]:
    yield from (address(pattern) for pattern in urlpatterns if pattern.name not in ("logout", "scan", "terminal_worker", "record", "collection"))
    for collection, declared in RESOURCES.items():
        first = declared.model._default_manager.order_by("pk").first()
        if first is not None:
            yield f"/records/{collection}/{first.pk}"


@pytest.mark.usefixtures("rows")
def test_every_page_shows_them_as_text_and_makes_no_element_of_them() -> None:
    for role in Role:
        Grant.objects.get_or_create(person_id="admin", role=role.value, scope="", defaults={"changed_ts": NOW})
    columns = list(free_columns())
    sent = {f"qq{number:03}": some_text(number, column.max_length or 300) for number, (_, column) in enumerate(columns)}
    shown = [look(columns, {word: word for word in sent}), look(columns, sent)]
    told: set[str] = set()
    for where, (before, after) in ((where, (shown[0][where], shown[1][where])) for where in shown[0]):
        wanted = [(kind, in_place_of(words, sent, told)) for kind, words in before]
        assert [kind for kind, _ in wanted] == [kind for kind, _ in after], where
        differ = [(kind, want, is_) for (kind, want), (_, is_) in zip(wanted, after, strict=True) if plainly(want) != plainly(is_)]
        assert [one for one in differ if "…" not in one[2]] == [], where
    assert len(columns) > 30
    assert len(told) > 20


def some_text(number: int, longest: int) -> str:
    """Another part of all texts for each column."""
    bins = packed(longest, [text for text in TEXTS if text.strip()])
    return bins[number * 7 % len(bins)]


def look(columns: list[tuple[type[models.Model], Any]], words: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """The parts of each page when the columns hold `words`; the rows are put back."""
    with transaction.atomic():
        for (model, column), word in zip(columns, words.values(), strict=True):
            model._default_manager.update(**{column.name: word})
        pages = Pages("admin")
        seen = {where: Shown(html_of(pages.get(where, follow=True))).parts for where in pages_of_everything()}
        transaction.set_rollback(True)
    return seen


def in_place_of(words: str, sent: dict[str, str], told: set[str]) -> str:
    def put(match: re.Match[str]) -> str:
        told.add(match[0])
        return sent[match[0]]

    return re.sub(r"qq\d{3}", put, words)


def plainly(words: str) -> str:
    """Without what differs from one look at a page to the next: numbers of minutes, ids of forms."""
    return re.sub(r"[0-9a-f]{32}|\d+", "0", words)
