"""Every kind of row that can be read: as a table with its filters, and a row with the actions it takes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from factolake.mes.core.record import Record
from factolake.mes.core.refusals import NotFound
from factolake.mes.core.resource import RESOURCES, Resource, one, visible
from factolake.mes.core.resource import page as rows_of
from factolake.mes.pages.access import page, show, who
from factolake.mes.pages.asking import actions_on, label, making_actions
from factolake.mes.pages.views.act import address_of

PAGE_SIZE = 50
_HIDDEN = frozenset({"version", "changed_ts", "previous_hash", "hash", "changes", "payload", "fingerprint"})
_COLUMNS = 8
"""More do not fit on a tablet; the page of the row has them all."""


@page()
def start(request: HttpRequest) -> HttpResponse:
    """The first page: where to go."""
    return show(request, "start")


@page()
def records(request: HttpRequest) -> HttpResponse:
    """All kinds of rows the person may read."""
    held = {role for role, _ in who(request).rights.grants}
    kinds = sorted((each for each in RESOURCES.values() if each.roles & held), key=lambda each: each.collection)
    return show(request, "records", {"kinds": [(each.collection, label(each.collection.replace("-", "_"))) for each in kinds]})


@page()
def collection(request: HttpRequest, collection: str) -> HttpResponse:
    """Rows of one kind."""
    declared = _declared(collection)
    asked = {name: request.GET[name] for name in declared.filters if request.GET.get(name)}
    found = rows_of(declared, who(request).rights, asked, request.GET.get("after") or None, PAGE_SIZE)
    columns = [name for name in declared.columns if name not in _HIDDEN][:_COLUMNS]
    key = declared.model._meta.pk.attname
    rows = [(address_of(request, declared.noun, str(row[key])), [(name, row[name]) for name in columns]) for row in found.items]
    context = {
        "declared": declared,
        "title": label(collection.replace("-", "_")),
        "columns": columns,
        "rows": rows,
        "filters": [(name, label(name), asked.get(name, "")) for name in declared.filters],
        "asked": asked,
        "next_after": found.next_after,
        "making": making_actions(declared.noun, who(request).rights),
    }
    return show(request, "collection", context)


@page()
def record(request: HttpRequest, collection: str, key: str) -> HttpResponse:
    """One row and what may be done to it."""
    declared = _declared(collection)
    row = one(declared, who(request).rights, key)
    home = address_of(request, declared.noun, key)
    if home != request.path:
        return redirect(home)
    found = visible(declared, who(request).rights).filter(pk=key).first()
    actions = actions_on(found, who(request).rights) if isinstance(found, Record) else []
    key_name = declared.model._meta.pk.attname
    values = sorted(
        ((name, value) for name, value in row.items() if name != "version"), key=lambda item: (item[0] != key_name, item[0] == "changed_ts")
    )
    return show(request, "record", {"declared": declared, "key": key, "values": values, "actions": actions, "row": row})


def _declared(collection: str) -> Resource:
    declared = RESOURCES.get(collection)
    if declared is None:
        raise NotFound(f"there are no records of the kind {collection}; choose one from the list")
    return declared
