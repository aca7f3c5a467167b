"""Every resource as a file: `/orders.csv` and `/orders.xlsx`, with the filters and rights of `/orders`, all rows and not a page."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping

from django.db import models
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import NinjaAPI

from factolake.mes.core.api import principal
from factolake.mes.core.resource import MAX_LIMIT, RESOURCES, Resource, page
from factolake.mes.core.sheets import Row, csv_of, write_xlsx
from factolake.mes.people.rights import Rights

CSV_TYPE, XLSX_TYPE = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NUMBERS = (models.DecimalField, models.FloatField, models.IntegerField)


def mount_exports(api: NinjaAPI) -> None:
    """Give the API the files of every declared resource."""
    for declared in RESOURCES.values():
        _mount(api, declared)


def rows_of(declared: Resource, rights: Rights, filters: Mapping[str, str]) -> Iterator[Row]:
    """Every row the person may see, in the order of keys. The first page is read at once, so that a refusal is an answer and not half a file."""
    first = page(declared, rights, filters, None, MAX_LIMIT)
    return itertools.chain(first.items, _further(declared, rights, filters, first.next_after))


def _further(declared: Resource, rights: Rights, filters: Mapping[str, str], after: object) -> Iterator[Row]:
    while after is not None:
        found = page(declared, rights, filters, str(after), MAX_LIMIT)
        yield from found.items
        after = found.next_after


def numbers_of(declared: Resource) -> frozenset[str]:
    """Columns that hold nothing but numbers."""
    fields = [(f.attname, f.target_field if isinstance(f, models.ForeignKey) else f) for f in declared.model._meta.concrete_fields]
    return frozenset(name for name, field in fields if isinstance(field, _NUMBERS))


def _mount(api: NinjaAPI, declared: Resource) -> None:
    columns, numbers = declared.columns, numbers_of(declared)
    asked = [{"in": "query", "name": name, "schema": {"type": "string"}, "description": f"Only rows with this {name}."} for name in declared.filters]

    def get_csv(request: HttpRequest) -> HttpResponseBase:
        rows = rows_of(declared, principal(request).rights, request.GET.dict())
        answer = StreamingHttpResponse(csv_of(columns, numbers, rows), content_type=CSV_TYPE)
        answer["Content-Disposition"] = f'attachment; filename="{declared.collection}.csv"'
        return answer

    def get_xlsx(request: HttpRequest) -> HttpResponseBase:
        file = tempfile.TemporaryFile()
        try:
            write_xlsx(file, columns, numbers, rows_of(declared, principal(request).rights, request.GET.dict()))
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return FileResponse(file, as_attachment=True, filename=f"{declared.collection}.xlsx", content_type=XLSX_TYPE)

    for kind, view in (("csv", get_csv), ("xlsx", get_xlsx)):
        name = f"export_{declared.collection.replace('-', '_')}_{kind}"
        summary = f"All {declared.collection} as {kind.upper()}"
        extra = {"parameters": asked}
        api.get(f"/{declared.collection}.{kind}", operation_id=name, summary=summary, tags=[declared.collection], openapi_extra=extra)(view)
