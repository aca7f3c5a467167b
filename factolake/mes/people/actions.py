"""People, their roles and tokens: kept by administrators, in the same audit as everything else."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.forms import BadgeForm, GrantForm, LinkForm, PasswordForm, PersonForm, TokenForm
from factolake.mes.people.models import ApiToken, Grant, Person
from factolake.mes.people.secrets import badge_hash

PASSWORD = frozenset({"password"})


@action("person.create", At(), {Role.ADMIN}, Effect.PRODUCTION, PersonForm, PASSWORD)
def create_person(call: Call, _: None, form: PersonForm) -> Person:
    """Add a person, service or agent, with no role yet."""
    person = Person(person_id=form.person_id, name=form.name, kind=form.kind.value, pin="")
    person.same_as = _first_account(person, form.same_as_id)
    if form.kind is ActorKind.HUMAN:
        person.password = hashed_password(form.password, person)
    else:
        person.set_unusable_password()
    return call.create(person)


@action("person.set_password", On(Person), {Role.ADMIN}, Effect.PRODUCTION, PasswordForm, PASSWORD)
def set_password(call: Call, person: Person, form: PasswordForm) -> Person:
    """Give a person a new password; sessions of the old one end."""
    if person.kind != ActorKind.HUMAN.value:
        raise Conflict(f"{person.person_id} is a {person.kind} and has no password; make a token")
    return call.change(person, password=hashed_password(form.password, person))


@action("person.link", On(Person), {Role.ADMIN}, Effect.PRODUCTION, LinkForm)
def link_person(call: Call, person: Person, form: LinkForm) -> Person:
    """Say that this is another account of somebody who has one already: they count as one person where two have to agree."""
    if person.same_as_id is not None and call.actor.human_id == person.human_id:
        raise Conflict("nobody takes their own accounts apart; ask another administrator")
    first = _first_account(person, form.same_as_id)
    if first is not None and person.accounts.exists():
        raise Conflict(f"{person.person_id} is itself the first account of {person.accounts.order_by('pk')[0].pk}; link that one to {first.pk} first")
    return call.change(person, same_as=first)


@action("person.set_badge", On(Person), {Role.ADMIN}, Effect.PRODUCTION, BadgeForm, frozenset({"badge", "pin"}))
def set_badge(call: Call, person: Person, form: BadgeForm) -> Person:
    """Give a person a badge and PIN for terminals, or take them away."""
    badge = badge_hash(form.badge) if form.badge.strip() else None
    return call.change(person, badge_hash=badge, pin=make_password(form.pin) if form.pin else "")


@action("person.disable", On(Person), {Role.ADMIN}, Effect.PRODUCTION)
def disable_person(call: Call, person: Person, _: Form) -> Person:
    """The person may not sign in any more, nor may their programs."""
    if person.person_id == call.actor.person_id:
        raise Conflict("nobody disables themselves; ask another administrator")
    return call.change(person, is_active=False)


@action("person.enable", On(Person), {Role.ADMIN}, Effect.PRODUCTION)
def enable_person(call: Call, person: Person, _: Form) -> Person:
    """The person may sign in again."""
    return call.change(person, is_active=True)


@action("grant.create", At("scope_id", Equipment), {Role.ADMIN}, Effect.PRODUCTION, GrantForm)
def create_grant(call: Call, equipment: Equipment | None, form: GrantForm) -> Grant:
    """Give a person a role at a place and everything below it."""
    person = find(Person, person_id=form.person_id)
    return call.create(Grant(person=person, role=form.role.value, scope=equipment.path if equipment else ""))


@action("grant.revoke", On(Grant), {Role.ADMIN}, Effect.PRODUCTION)
def revoke_grant(call: Call, grant: Grant, _: Form) -> Grant:
    """Take a role away. The last administrator of the enterprise stays."""
    others = Grant.objects.filter(role=Role.ADMIN.value, scope="", person__is_active=True).exclude(pk=grant.pk)
    if grant.role == Role.ADMIN.value and grant.scope == "" and not others.exists():
        raise Conflict(f"{grant.person_id} is the last administrator; make another one first")
    return call.remove(grant)


@action("api_token.create", On(Person), {Role.ADMIN}, Effect.PRODUCTION, TokenForm, frozenset({"hash"}))
def create_token(call: Call, person: Person, form: TokenForm) -> ApiToken:
    """A token for a program that acts as the person: the caller makes it and hands in its hash, so that nobody else ever sees it."""
    if form.expires_ts <= call.at_ts:
        raise Invalid(f"expires_ts is {form.expires_ts}, which has passed")
    token = ApiToken(person=person, label=form.label, hash=form.hash, actions=form.actions, expires_ts=form.expires_ts)
    return call.create(token)


@action("api_token.revoke", On(ApiToken), {Role.ADMIN}, Effect.CONTAIN)
def revoke_token(call: Call, token: ApiToken, _: Form) -> ApiToken:
    """The token opens nothing any more."""
    return call.change(token, revoked_ts=token.revoked_ts or call.at_ts)


def _first_account(person: Person, same_as_id: str | None) -> Person | None:
    """The account that stands for the human behind `same_as_id`. Raises NotFound for none, Conflict where it is the account itself."""
    if same_as_id is None:
        return None
    named = find(Person, person_id=same_as_id)
    first = locked(Person, named.same_as_id or named.pk)
    if first is None or first.same_as_id is not None:
        raise Conflict(f"{same_as_id} was linked by somebody else just now; try again")
    if first.pk == person.person_id or first.kind != person.kind:
        raise Conflict(f"{person.person_id} cannot be another account of {same_as_id}: that is the account itself or of another kind")
    return first


def hashed_password(password: str, person: Person) -> str:
    """The password as stored. Raises Invalid with what is wrong with it."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid("password: " + " ".join(error.messages)) from error
    return make_password(password)
