"""The REST API, derived: each resource is a list and single rows, each query a GET, each action a POST. Answers of errors are RFC 9457 problems."""

import logging
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError, models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Body, NinjaAPI, Schema, Swagger
from ninja import Query as Parameters
from ninja.errors import AuthenticationError, HttpError, Throttled
from ninja.errors import ValidationError as NinjaValidationError
from pydantic import Field, create_model

from factolake import __version__
from factolake.mes.core.action import ACTIONS, Action, On, Request, perform
from factolake.mes.core.call import Call
from factolake.mes.core.principal import Principal, SessionAuth, TokenAuth
from factolake.mes.core.query import QUERIES, Query, ask
from factolake.mes.core.rate import API_RATE, RateLimit
from factolake.mes.core.refusals import Invalid, NotSignedIn, Refusal
from factolake.mes.core.resource import MAX_LIMIT, RESOURCES, Resource, one, page

_log = logging.getLogger(__name__)
_PAGE_SIZE = 100
_JSON_TYPES: tuple[tuple[Any, Any], ...] = (
    (models.BooleanField, bool),
    (models.DecimalField, str),
    (models.DateTimeField, datetime),
    (models.DateField, date),
    (models.FloatField, float),
    (models.IntegerField, int),
)


def build_api(guard_docs: Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]) -> NinjaAPI:
    """The API with everything the apps have declared. `guard_docs` wraps the views of its documentation."""
    api = NinjaAPI(
        title="FactoMES",
        version=__version__,
        description="The record of the plant. Quantities are decimal text in the material's base unit, times ISO 8601 in UTC.",
        urls_namespace="api",
        auth=[TokenAuth(), SessionAuth(csrf=True)],
        throttle=[RateLimit("api", API_RATE, _asker)],
        docs=Swagger(settings={"docExpansion": "none"}),
        docs_decorator=guard_docs,
    )
    forms = {declared.collection: form_of(declared) for declared in RESOURCES.values()}
    for declared in RESOURCES.values():
        _mount_resource(api, declared, forms[declared.collection])
    for declared_query in QUERIES.values():
        _mount_query(api, declared_query)
    for declared_action in ACTIONS.values():
        api.post(
            path_of(declared_action),
            operation_id=declared_action.name.replace(".", "_"),
            summary=declared_action.doc.splitlines()[0] if declared_action.doc else declared_action.name,
            description=f"Roles: {', '.join(sorted(declared_action.roles))}. Class: {declared_action.effect.value}.",
            tags=[collection_of(declared_action.noun)],
        )(_post(declared_action))
    _answer_errors(api)
    return api


def _asker(request: HttpRequest) -> str:
    who: Principal = request.auth  # set before anybody is counted
    return f"{who.via}:{who.person.person_id}"


def collection_of(noun: str) -> str:
    """The collection of a noun in addresses: that of its resource, else the noun with an s."""
    for declared in RESOURCES.values():
        if declared.noun == noun:
            return declared.collection
    return noun.replace("_", "-") + "s"


def path_of(action: Action) -> str:
    """Where the action is asked for: `/orders`, `/orders/{key}/release`, `/people/{key}/api-tokens`."""
    verb = action.verb.replace("_", "-")
    if not isinstance(action.subject, On):
        return f"/{collection_of(action.noun)}"
    owner = f"/{collection_of(action.subject.model.NOUN)}/{{key}}"
    if action.subject.model.NOUN == action.noun:
        return f"{owner}/{verb}"
    return f"{owner}/{collection_of(action.noun)}" + ("" if action.verb == "create" else f"/{verb}")


def form_of(declared: Resource) -> type[Schema]:
    """The form of one row, for OpenAPI."""
    fields: dict[str, Any] = {}
    for field in declared.model._meta.concrete_fields:
        if field.attname in declared.columns:
            target = field.target_field if isinstance(field, models.ForeignKey) else field
            kind: Any = next((json for django, json in _JSON_TYPES if isinstance(target, django)), str)
            fields[field.attname] = (kind | None if field.null else kind, Field(description=str(field.db_comment or "")))
    return create_model(declared.model.__name__, __base__=Schema, **fields)


def _mount_resource(api: NinjaAPI, declared: Resource, form: type[Schema]) -> None:
    many = create_model(f"{declared.model.__name__}Page", __base__=Schema, items=(list[form], ...), next_after=(str | int | None, None))  # type: ignore[valid-type]
    asked = [{"in": "query", "name": name, "schema": {"type": "string"}, "description": f"Only rows with this {name}."} for name in declared.filters]

    def get_many(request: HttpRequest, after: str | None = None, limit: int = _PAGE_SIZE) -> HttpResponse:
        filters = {name: value for name, value in request.GET.items() if name not in ("after", "limit")}
        found = page(declared, principal(request).rights, filters, after, limit)
        return JsonResponse({"items": found.items, "next_after": found.next_after})

    def get_one(request: HttpRequest, key: str) -> HttpResponse:
        row = one(declared, principal(request).rights, key)
        answer: HttpResponse = JsonResponse(row)
        if "version" in row:
            tag = f'"{row["version"]}"'
            if request.headers.get("If-None-Match") == tag:
                answer = HttpResponse(status=304)
            answer["ETag"] = tag
        return answer

    tags = [declared.collection]
    name = declared.collection.replace("-", "_")
    text = f"At most {MAX_LIMIT} rows in the order of their keys; go on with after = next_after."
    summary = f"List {declared.collection}"
    extra = {"parameters": asked}
    api.get(f"/{declared.collection}", operation_id=f"list_{name}", summary=summary, description=text, tags=tags, response=many, openapi_extra=extra)(
        get_many
    )
    api.get(f"/{declared.collection}/{{key}}", operation_id=f"get_{name}", summary=f"One of {declared.collection}", tags=tags, response=form)(get_one)


def _mount_query(api: NinjaAPI, declared: Query) -> None:
    form: Any = declared.form
    known = set(form.model_fields)
    parameters: Any = Parameters(... if known else None)  # a form without fields would be asked for as a whole

    def get_answer(request: HttpRequest, key: str, asked: form = parameters) -> HttpResponse:
        strangers = sorted(set(request.GET) - known)
        if strangers:
            raise Invalid(f"{declared.name} has no parameter {strangers[0]!r}; it has {', '.join(sorted(known)) or 'none'}")
        return JsonResponse(ask(declared, principal(request).rights, key, asked or form()))

    collection = collection_of(declared.model.NOUN)
    api.get(
        f"/{collection}/{{key}}/{declared.verb.replace('_', '-')}",
        operation_id=declared.name.replace(".", "_"),
        summary=declared.doc.splitlines()[0],
        description=declared.doc,
        tags=[collection],
        response=declared.answer,
    )(get_answer)


def _post(action: Action) -> Callable[..., HttpResponse]:
    form: Any = action.form
    body: Any = Body(... if any(field.is_required() for field in action.form.model_fields.values()) else None)

    if isinstance(action.subject, On):

        def view(request: HttpRequest, key: str, payload: form = body) -> HttpResponse:
            return _answer(request, action, key, payload or action.form())

        return view

    def view_without_key(request: HttpRequest, payload: form = body) -> HttpResponse:
        return _answer(request, action, "", payload or action.form())

    return view_without_key


def _answer(request: HttpRequest, action: Action, key: str, payload: Any) -> HttpResponse:
    who = principal(request)
    who.check_token(action.name)
    asked = Request(action, key, payload, request.headers.get("Idempotency-Key", ""), _expected_version(request))
    call = Call(who.person, timezone.now(), who.via, request_id=request_id(request))
    row = perform(call, asked, who.rights)
    answer = JsonResponse(row, status=201 if action.verb == "create" else 200)
    answer["ETag"] = f'"{row["version"]}"'
    return answer


def principal(request: HttpRequest) -> Principal:
    """Who asks. Raises NotSignedIn for nobody, Invalid for an address that PostgreSQL could not look up."""
    if "\0" in request.path or any("\0" in value for value in request.GET.values()):
        raise Invalid("the address holds a NUL character; send it without")
    who = getattr(request, "auth", None)
    if not isinstance(who, Principal):
        raise NotSignedIn("sign in, or send a token in the header Authorization")
    return who


def request_id(request: HttpRequest) -> str:
    """The id of the request in logs, audit and error answers."""
    known: str | None = getattr(request, "factomes_id", None)
    if known is None:
        known = uuid.uuid4().hex
        request.factomes_id = known
    return known


def problem(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    """An RFC 9457 problem."""
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id(request)}
    return JsonResponse(said, status=status, content_type="application/problem+json")


def away(request: HttpRequest, error: BaseException) -> HttpResponse:
    """The database is away: nothing was done, and asking again may help."""
    _log.warning("request %s: the record's database does not answer: %s", request_id(request), error)
    answer = problem(request, 503, "Unavailable", "the record's database does not answer; nothing was done, try again")
    answer["Retry-After"] = "5"
    return answer


def _answer_errors(api: NinjaAPI) -> None:
    def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
        return problem(request, error.status, type(error).__name__, str(error))

    def not_valid(request: HttpRequest, error: NinjaValidationError) -> HttpResponse:
        first = error.errors[0]
        name = ".".join(str(part) for part in first["loc"] if part not in ("body", "payload", "query", "path"))
        return problem(request, Invalid.status, Invalid.__name__, f"{name or 'the body'}: {first['msg']}")

    def nobody(request: HttpRequest, _: AuthenticationError) -> HttpResponse:
        return problem(request, 401, NotSignedIn.__name__, "sign in, or send a token in the header Authorization")

    def http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(request, error.status_code, "Refused", error.message)

    def too_often(request: HttpRequest, error: Throttled) -> HttpResponse:
        detail = f"more than {API_RATE} are asked for as one person; wait {error.wait or 1:.0f} s and go on more slowly"
        return problem(request, 429, "TooOften", detail)

    def too_big(request: HttpRequest, _: RequestDataTooBig) -> HttpResponse:
        return problem(request, 413, "TooBig", f"the body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes; send it in several")

    def unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
        _log.exception("request %s failed", request_id(request), exc_info=error)
        return problem(request, 500, "InternalError", f"something went wrong here; tell your administrator the request id {request_id(request)}")

    api.add_exception_handler(Refusal, refused)  # type: ignore[arg-type]
    api.add_exception_handler(NinjaValidationError, not_valid)  # type: ignore[arg-type]
    api.add_exception_handler(AuthenticationError, nobody)  # type: ignore[arg-type]
    api.add_exception_handler(Throttled, too_often)  # type: ignore[arg-type]
    api.add_exception_handler(OperationalError, away)  # type: ignore[arg-type]
    api.add_exception_handler(InterfaceError, away)  # type: ignore[arg-type]
    api.add_exception_handler(HttpError, http)  # type: ignore[arg-type]
    api.add_exception_handler(RequestDataTooBig, too_big)
    api.add_exception_handler(Exception, unexpected)  # type: ignore[arg-type]


def _expected_version(request: HttpRequest) -> int | None:
    tag = request.headers.get("If-Match")
    if tag is None:
        return None
    number = tag.strip().removeprefix("W/").strip('"')
    if not number.isdecimal():
        raise Invalid(f"If-Match is {tag!r}; give the ETag of the row as it was read, a number in quotes")
    return int(number)
