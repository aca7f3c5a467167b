"""Actions: everything a person, a program or an agent can change, declared once. API, permission tables and approvals are derived from them.

An action is a function `(call, subject, form) -> row` under a decorator that names its roles, its class (PLANT.md) and its form. `perform` is the
only way to run one: it finds and locks the subject, asks the rights at its place, lets the function write through the call, audits, and hands
the changed rows to the outbox, all in one transaction.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from django.db import IntegrityError, transaction
from ninja import Schema
from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from factolake.domain.action import RULES, ActorKind, Effect, Role
from factolake.mes.audit import chain
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.call import LISTENERS, Call, locked
from factolake.mes.core.checks import check_first, check_last
from factolake.mes.core.models import IdempotencyKey
from factolake.mes.core.outbox import tell
from factolake.mes.core.record import JsonValue, Record, snapshot
from factolake.mes.core.refusals import Invalid, NeedsApproval, NotAllowed, NotFound, Refusal, Stale
from factolake.mes.people.rights import Rights, rights_of

Answer = dict[str, JsonValue]
Body = Callable[[Call, Any, Any], Record]
F = TypeVar("F", bound=Body)


class Form(Schema):
    """Base of what an action is asked with: frozen, and an unknown key is an error. `reason` goes to the audit.

    `UNCHECKED` are fields with texts that are not stored as they come.
    """

    UNCHECKED: ClassVar[frozenset[str]] = frozenset()
    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(default="", max_length=2000, description="Why, in your own words.")

    @field_validator("*", mode="before")
    @classmethod
    def storable(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what PostgreSQL cannot hold in a text."""
        if isinstance(value, str) and "\0" in value and info.field_name not in cls.UNCHECKED:
            raise ValueError("holds a NUL character; send it without")
        return value


@dataclass(frozen=True, slots=True)
class On:
    """The action is done to a row of `model`, named in the address by its key."""

    model: type[Record]


@dataclass(frozen=True, slots=True)
class At:
    """The action makes something at the equipment that the form's `key` field names; "" asks for the right in the whole enterprise.

    `model` is looked up by its primary key; None only together with key "". `place_of(rights, form)` says where the right is asked when no
    one row does; it may raise NotFound.
    """

    key: str = ""
    model: type[Record] | None = None
    place_of: Callable[[Rights, Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One declared action. `name` is noun.verb.

    `by_owner`: it writes what another system owns (PLANT.md, "Who owns what"), so a service with the role needs nobody's approval; agents do.
    `people_only`: no service or agent does it, approved or not. `proposed_only`: nobody does it but through an approved proposal, not even a person
    with the role.
    """

    name: str
    subject: On | At
    form: type[Form]
    roles: frozenset[Role]
    effect: Effect
    body: Body
    secrets: frozenset[str] = frozenset()
    by_owner: bool = False
    people_only: bool = False
    proposed_only: bool = False
    doc: str = field(default="")

    @property
    def noun(self) -> str:
        """What it is done to."""
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        """What is done."""
        return self.name.partition(".")[2]

    @property
    def others(self) -> int:
        """How many other people have to approve it first, whoever asks; 0: a person with the role does it alone."""
        approvals = RULES[self.effect].approvals
        return max(approvals, 1) if approvals > 1 or self.proposed_only else 0


ACTIONS: dict[str, Action] = {}
"""Every action by its name; filled when the apps' `actions` modules are loaded."""


def action(
    name: str,
    subject: On | At,
    roles: set[Role],
    effect: Effect,
    form: type[Form] = Form,
    secrets: frozenset[str] = frozenset(),
    *,
    by_owner: bool = False,
    people_only: bool = False,
    proposed_only: bool = False,
) -> Callable[[F], F]:
    """Declare the function below as action `name`. Raises ValueError when the name is taken or nobody could ever do it."""

    def declare(body: F) -> F:
        if name in ACTIONS or not roles:
            raise ValueError(f"action {name} is declared twice" if name in ACTIONS else f"action {name} has no role that may do it")
        if isinstance(subject, At) and not name.endswith(".create"):
            raise ValueError(f"action {name} has no row to be done to; call it {name.partition('.')[0]}.create: its address is the collection")
        doc = (body.__doc__ or "").strip()
        ACTIONS[name] = Action(name, subject, form, frozenset(roles), effect, body, secrets, by_owner, people_only, proposed_only, doc)
        return body

    return declare


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: which action, on which key (On) or with key "" (At), with which form.

    `idempotency_key`: asked twice with the same key it happens once. `expected_version`: refused as Stale when the subject has another.
    """

    action: Action
    key: str
    form: Form
    idempotency_key: str = ""
    expected_version: int | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of what is asked, apart from who asks and when."""
        asked = {"action": self.action.name, "key": self.key, "payload": self.form.model_dump(mode="json")}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def perform(call: Call, request: Request, rights: Rights | None = None) -> Answer:
    """Do what is asked, wholly or not at all; returns the row the action answers with.

    Raises NotFound, NotAllowed, NeedsApproval, Stale, Invalid for an idempotency key of another request, and what the action refuses with.
    """
    call.reason = call.reason or request.form.reason
    try:
        return _once(call, request, rights)
    except IntegrityError:
        earlier = _earlier_answer(call, request)
        if earlier is None:
            raise
        return earlier  # the same request came twice at once, and the other was first
    except Refusal as refusal:
        earlier = _earlier_answer(call, request)
        if earlier is not None:
            return earlier  # so it did too, and has left the row as this one finds it
        refusal.after_rollback()
        raise


def _once(call: Call, request: Request, rights: Rights | None) -> Answer:
    with transaction.atomic():
        earlier = _earlier_answer(call, request)
        if earlier is not None:
            return earlier
        check_first(call, request.action.name)
        call.rights = rights or rights_of(call.actor)
        subject = _subject(request, locked)
        place = _place(request, call.rights, subject)
        _check_right(call, request.action, call.rights, place, subject)
        if request.expected_version is not None and subject is not None and subject.version != request.expected_version:
            raise Stale(f"{subject} is at version {subject.version}, you have {request.expected_version}; read it again")
        result = request.action.body(call, subject, request.form)
        written = len(call.changes)
        for listener in LISTENERS:
            listener(call)
        if any((change.noun, change.object_id) == (result.NOUN, str(result.pk)) for change in call.changes[written:]):
            result.refresh_from_db()  # a listener has changed the row that is answered with
        answer = snapshot(result)
        _book(call, request, subject, place, answer)
    return answer


def parse_form(action: Action, payload: Mapping[str, object]) -> Form:
    """The payload as the action's form. Raises Invalid naming the first field that does not fit, its value and what is allowed."""
    try:
        return action.form.model_validate(dict(payload))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        seen = "" if first["type"] == "missing" or name in action.secrets else f", not {first.get('input')!r}"
        raise Invalid(f"{action.name}: {name}: {first['msg']}{seen}") from error


def _earlier_answer(call: Call, request: Request) -> Answer | None:
    if not request.idempotency_key:
        return None
    held = IdempotencyKey.objects.filter(actor=call.actor, key=request.idempotency_key).first()
    if held is None:
        return None
    if held.fingerprint != request.fingerprint:
        raise Invalid(f"idempotency key {request.idempotency_key!r} was used for another request; take a new key for a new request")
    answer: Answer = json.loads(held.answer)
    return answer


def place_of(request: Request, rights: Rights) -> str:
    """Path of the equipment at which `request` asks for the right. Raises NotFound when the thing is not there or the person may not see it."""
    place = _place(request, rights, _subject(request, lambda model, key: model.objects.filter(pk=key).first()))
    if isinstance(request.action.subject, On) and not rights.holds(frozenset(Role), place):
        raise NotFound(f"there is no {request.action.subject.model.NOUN} {request.key}")
    return place


def _place(request: Request, rights: Rights, subject: Record | None) -> str:
    wanted = request.action.subject
    if isinstance(wanted, At) and wanted.place_of is not None:
        return wanted.place_of(rights, request.form)
    return subject.place if subject is not None else ""


def _subject(request: Request, find: Callable[[type[Record], object], Record | None]) -> Record | None:
    wanted = request.action.subject
    if isinstance(wanted, At):
        if wanted.model is None:
            return None
        key: object = getattr(request.form, wanted.key)
        if key in (None, ""):
            return None
        model = wanted.model
    else:
        key, model = request.key, wanted.model
    try:
        found = find(model, key)
    except (ValueError, TypeError):
        found = None
    if found is None:
        raise NotFound(f"there is no {model.NOUN} {key}")
    return found


def _check_right(call: Call, action: Action, rights: Rights, place: str, subject: Record | None) -> None:
    if not rights.holds(action.roles, place):
        if isinstance(action.subject, On) and not rights.holds(frozenset(Role), place):
            raise NotFound(f"there is no {action.noun} {subject.pk if subject else ''}".rstrip())  # as if it were not there: ids are not for guessing
        wanted = " or ".join(sorted(role.value for role in action.roles))
        raise NotAllowed(f"{call.actor.person_id} may not {action.name} at {place or 'the enterprise'}: it takes the role {wanted} there")
    if action.people_only and call.actor.kind != ActorKind.HUMAN.value:
        raise NotAllowed(f"{call.actor.person_id} is of kind {call.actor.kind}, and only people may {action.name}; ask a person")
    rule = RULES[action.effect]
    is_owner = action.by_owner and call.actor.kind == ActorKind.SERVICE.value
    is_alone = call.actor.kind != ActorKind.HUMAN.value and not rule.automatic and not is_owner
    if not call.approval and (action.others or is_alone):
        raise NeedsApproval(f"{action.name} is of class {action.effect.value}: propose it, and {rule.approvals} other people approve it")


def _book(call: Call, request: Request, subject: Record | None, place: str, answer: Answer) -> None:
    """Audit entry, outbox rows and idempotency key; last in the transaction, since the end of the chain is held from here on."""
    asked = request.form.model_dump(mode="json", exclude_defaults=True)
    payload = {name: "(secret)" if name in request.action.secrets else value for name, value in asked.items()}
    texts = {"payload": chain.canonical(payload), "changes": chain.canonical(call.audited())}
    head = chain.lock_end()
    check_last(call, request.action.name)
    tell(call.changes, request.action.name, call.actor.person_id, call.at_ts)
    chain.append(
        AuditEntry(
            at_ts=call.at_ts,
            actor=call.actor.person_id,
            actor_kind=call.actor.kind,
            action=request.action.name,
            subject=str(subject) if subject is not None else "",
            place=place,
            reason=call.reason,
            via=call.via,
            request_id=call.request_id,
            approval=call.approval,
            **texts,
        ),
        head,
    )
    if request.idempotency_key:
        stored = json.dumps(answer, sort_keys=True)
        IdempotencyKey.objects.create(actor=call.actor, key=request.idempotency_key, fingerprint=request.fingerprint, answer=stored, at_ts=call.at_ts)
