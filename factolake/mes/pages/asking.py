"""Actions on pages: a form made of an action's declared form, what was typed read back into it, and the action asked for."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from factolake.domain.action import Role
from factolake.mes.core.action import ACTIONS, Action, Answer, On, Request, parse_form, perform
from factolake.mes.core.api import request_id
from factolake.mes.core.call import Call
from factolake.mes.core.record import Record
from factolake.mes.core.refusals import Invalid, NotFound
from factolake.mes.core.resource import RESOURCES, visible
from factolake.mes.pages.access import who
from factolake.mes.pages.plant_time import choices, to_utc, typed
from factolake.mes.people.rights import Rights

SAME_KEY = {
    "line_id": "equipment_id",
    "station_id": "equipment_id",
    "scope_id": "equipment_id",
    "cause_id": "reason_id",
    "component_id": "material_id",
}
"""Fields that name a row by another word than its key."""
SUGGESTED = 200
"""At most so many suggestions under a field; more would not be read and cost page weight."""
_KEY_LENGTH = 64
_CHOICES = re.compile(r"^\^\((\w+(?:\|\w+)*)\)\$$")
_LONG = 500


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form. `kind` picks how it is drawn: text, long, whole, decimal, choice, moment, password, email or json."""

    name: str
    label: str
    kind: str
    value: str
    is_required: bool
    help: str
    options: tuple[tuple[str, str], ...] = ()
    max_length: int | None = None
    offsets: tuple[tuple[str, str], ...] = ()
    """Of a time that the clock shows twice: which of the two."""


def fields_of(action: Action, rights: Rights, values: Mapping[str, str]) -> list[Field]:
    """The inputs of the action's form, filled with `values`; secrets are never given back."""
    schema = action.form.model_json_schema()
    required = set(schema.get("required", ()))
    made = [_field(action, rights, name, _resolved(about, schema), values, name in required) for name, about in schema["properties"].items()]
    return sorted(made, key=lambda field: (field.name == "reason", not field.is_required))


def read(action: Action, sent: Mapping[str, str]) -> dict[str, object]:
    """What was typed, as the action's payload; what was left empty is left out. Raises Invalid for a list that is no JSON."""
    schema = action.form.model_json_schema()
    payload: dict[str, object] = {}
    for name, about in schema["properties"].items():
        text = sent.get(name, "")
        is_required = name in schema.get("required", ())
        if text.strip() or (is_required and name in sent):
            kind = _kind(action, name, _resolved(about, schema))
            payload[name] = to_utc(text, sent.get(f"{name}.offset", "")) if kind == "moment" else _value(name, kind, text)
    return payload


def ask(request: HttpRequest, action: Action, key: str, payload: Mapping[str, object], version: str = "", part: str = "") -> Answer:
    """Perform the action as the person on the page, once for the form's hidden key, of a form that asks for several once a `part`.

    Raises what `perform` raises.
    """
    once = request.POST.get("once", "") + part
    if not 0 < len(once) <= _KEY_LENGTH:
        raise Invalid("the form came without its key; open the page again and send it from there")
    call = Call(who(request).person, timezone.now(), "page", request_id=request_id(request))
    expected = int(version) if version.isdecimal() else None
    return perform(call, Request(action, key, parse_form(action, payload), once, expected), who(request).rights)


def new_key() -> str:
    """The key that makes one filled form happen once."""
    return uuid.uuid4().hex


def actions_on(row: Record, rights: Rights) -> list[Action]:
    """Actions that the person may ask for on the row; its state may still refuse some."""
    return [
        each
        for each in ACTIONS.values()
        if isinstance(each.subject, On) and isinstance(row, each.subject.model) and rights.holds(each.roles, row.place)
    ]


def making_actions(noun: str, rights: Rights) -> list[Action]:
    """Actions that make a `noun` and that the person may ask for somewhere."""
    held = {role for role, _ in rights.grants}
    return [each for each in ACTIONS.values() if each.noun == noun and not isinstance(each.subject, On) and each.roles & held]


def row_of(model: type[Record], key: str, rights: Rights) -> Record:
    """The row an action is to be done to. Raises NotFound when there is none where the person has a role."""
    try:
        row = model.objects.filter(pk=key).first()
    except (ValueError, TypeError):
        row = None
    if row is None or not rights.holds(frozenset(Role), row.place):
        raise NotFound(f"there is no {model.NOUN} {key}")
    return row


def _field(action: Action, rights: Rights, name: str, about: dict[str, Any], values: Mapping[str, str], is_required: bool) -> Field:
    kind = _kind(action, name, about)
    given = values.get(name, "" if about.get("default") is None else str(about["default"]))
    options = tuple((value, value) for value in _choices(about)) or tuple(_suggestions(action, rights, name))
    shown = "" if kind == "password" else typed(given) if kind == "moment" else given
    offsets = choices(given) if kind == "moment" else ()
    return Field(name, label(name), kind, shown, is_required, about.get("description", ""), options, about.get("maxLength"), offsets)


def _kind(action: Action, name: str, about: Mapping[str, Any]) -> str:
    if name in action.secrets:
        return "email" if about.get("format") == "email" else "password"
    if about.get("format") == "date-time":
        return "moment"
    if about.get("type") in ("array", "object"):
        return "json"
    if about.get("type") == "boolean" or _choices(about):
        return "choice"
    if about.get("type") == "integer":
        return "whole"
    if about.get("type") == "number":
        return "decimal"
    return "long" if about.get("maxLength", 0) >= _LONG else "text"


def _choices(about: Mapping[str, Any]) -> list[str]:
    if about.get("type") == "boolean":
        return ["true", "false"]
    if "enum" in about:
        return [str(value) for value in about["enum"]]
    found = _CHOICES.match(about.get("pattern", ""))
    return found.group(1).split("|") if found else []


def _resolved(about: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one kind of value a property has: references followed, null left out, of number and text the number."""
    found = dict(about)
    if "$ref" in found:
        return {**schema["$defs"][found["$ref"].rpartition("/")[2]], **found}
    if "anyOf" in found:
        kinds = [_resolved(each, schema) for each in found["anyOf"] if each.get("type") != "null"]
        best = next((each for each in kinds if each.get("type") == "number"), kinds[0])
        return {**best, **{name: value for name, value in found.items() if name != "anyOf"}}
    return found


def _suggestions(action: Action, rights: Rights, name: str) -> Iterator[tuple[str, str]]:
    """Rows that a field may name: those its column points at where the action is done to a row that has one, else those with its key."""
    column = _column(action, name)
    wanted = SAME_KEY.get(name, name)
    for declared in RESOURCES.values():
        is_own = action.verb == "create" and declared.noun == action.noun
        is_meant = declared.model is column.related_model if column is not None else declared.model._meta.pk.attname == wanted
        if not is_meant or is_own or not {role for role, _ in rights.grants} & declared.roles:
            continue
        title = next((each for each in ("name", "description") if each in declared.columns), wanted)
        rows = visible(declared, rights).filter(**(column.get_limit_choices_to() if column is not None else {}))
        if "is_active" in declared.columns:
            rows = rows.filter(is_active=True)
        yield from rows.order_by("pk").values_list("pk", title)[:SUGGESTED]


def _column(action: Action, name: str) -> "models.ForeignKey[Any, Any] | None":
    if not isinstance(action.subject, On):
        return None
    columns = (each for each in action.subject.model._meta.concrete_fields if isinstance(each, models.ForeignKey))
    return next((each for each in columns if each.attname == name), None)


def _value(name: str, kind: str, text: str) -> object:
    if kind == "json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise Invalid(f"{label(name)}: that is no JSON: {error}") from error
    if kind == "decimal":
        return number(text)
    return text if kind in ("password", "text", "long") else text.strip()


def number(text: str) -> str:
    """A number as typed, with a decimal comma made a point; "1,000" stays, and is refused, since it might mean a thousand."""
    found = re.fullmatch(r"\s*(-?\d+),(\d{1,2}|\d{4,})\s*", text)
    return f"{found[1]}.{found[2]}" if found else text.strip()


def label(name: str) -> str:
    """A field, action or column in words: the unit of a name in brackets, without the endings that tell programs what it is."""
    words = name.replace(".", " ").replace("_", " ").strip()
    words = words.removesuffix(" id").removesuffix(" ts")
    words = f"{words.removesuffix(' s')} (s)" if words.endswith(" s") else words
    return words[:1].upper() + words[1:]
