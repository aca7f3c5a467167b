"""A page for every declared action: its form, made of the declaration, and the row it is done to."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import resolve, reverse

from factolake.mes.core.action import ACTIONS, Action, Answer, On, parse_form
from factolake.mes.core.record import Record
from factolake.mes.core.refusals import NotAllowed, NotFound, Refusal
from factolake.mes.core.resource import RESOURCES
from factolake.mes.pages.access import local, page, said, show, who
from factolake.mes.pages.asking import ask, fields_of, label, new_key, read, row_of

_OWN_PAGE = {"api_token.create": "token", "device.create": "devices"}
"""Actions that hand in a hash: their pages make the secret and show it once."""
_HOME = {
    "order": "order",
    "lot": "lot",
    "material": "material",
    "person": "person",
    "alert": "alert",
    "machine_alert": "signal",
    "hold": "hold",
    "maintenance_order": "maintenance_order",
}
"""Kinds of rows with a page of their own; the others are shown as records."""


@page()
def act(request: HttpRequest, name: str, key: str = "") -> HttpResponse:
    """Ask for an action."""
    action = ACTIONS.get(name)
    if action is None or (isinstance(action.subject, On) and not key):
        raise NotFound(f"there is no action {name} at this address; go back and choose one")
    rights = who(request).rights
    row = row_of(action.subject.model, key, rights) if isinstance(action.subject, On) else None
    _check_may(request, action, row)
    if name in _OWN_PAGE:
        return redirect(reverse(_OWN_PAGE[name], kwargs={"key": key} if key else None))
    if request.method != "POST":
        return _form(request, action, row, request.GET)
    try:
        payload = read(action, request.POST)
        if action.others:
            return _propose(request, action, key, payload)
        answer = ask(request, action, key, payload, request.POST.get("version", ""))
    except Refusal as error:
        return _form(request, action, row, request.POST, error)
    thing = f"{label(action.noun)} {key or answer_key(action, answer)}".strip()
    said(request, f"{thing}: {label(action.verb).lower()} done.")
    return redirect(local(request, request.POST.get("next", ""), _after(request, action, key, answer)))


def address_of(request: HttpRequest, noun: str, key: str) -> str:
    """The page of a row that the person may open; the start where its kind has none."""
    if noun in _HOME:
        address = reverse(_HOME[noun], kwargs={"key": key})
        if {role for role, _ in who(request).rights.grants} & resolve(address).func.roles:
            return address
    collection = next((each.collection for each in RESOURCES.values() if each.noun == noun), None)
    return reverse("record", kwargs={"collection": collection, "key": key}) if collection else reverse("start")


def answer_key(action: Action, answer: Answer) -> str:
    """The key of the row that an action answered with."""
    declared = next((each for each in RESOURCES.values() if each.noun == action.noun), None)
    return str(answer.get(declared.model._meta.pk.attname, "")) if declared else ""


def _check_may(request: HttpRequest, action: Action, row: Record | None) -> None:
    rights = who(request).rights
    may = rights.holds(action.roles, row.place) if row is not None else bool({role for role, _ in rights.grants} & action.roles)
    if not may:
        wanted = " or ".join(sorted(role.value for role in action.roles))
        raise NotAllowed(f"{who(request).person.person_id} may not {action.name} here: it takes the role {wanted}")


def _form(request: HttpRequest, action: Action, row: Record | None, values: Mapping[str, str], refusal: Refusal | None = None) -> HttpResponse:
    given = dict(values.items())
    context = {
        "action": action,
        "title": label(action.verb) + " " + label(action.noun).lower(),
        "row": row,
        "back": address_of(request, row.NOUN, str(row.pk)) if row is not None else "",
        "fields": fields_of(action, who(request).rights, given),
        "once": new_key(),
        "next": local(request, given.get("next", ""), ""),
        "needs": action.others,
        "refusal": str(refusal) if refusal else "",
    }
    return show(request, "act", context, refusal.status if refusal else 200)


def _propose(request: HttpRequest, action: Action, key: str, payload: dict[str, object]) -> HttpResponse:
    """What several people have to approve is asked for, not done."""
    parse_form(action, payload)
    wanted = {"action": action.name, "key": key, "payload": payload, "reason": payload.get("reason", "")}
    ask(request, ACTIONS["proposal.create"], "", wanted)
    said(request, f"Asked for: {label(action.name)} {key}. It happens once others have approved it and it is executed.")
    return redirect("approvals")


def _after(request: HttpRequest, action: Action, key: str, answer: Answer) -> str:
    if isinstance(action.subject, On):
        return address_of(request, action.subject.model.NOUN, key)
    return address_of(request, action.noun, answer_key(action, answer))
