"""Who may see a page, and how a page says no. Every view is declared by `page` or `open_page`."""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from urllib.parse import urlencode

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from factolake.domain.action import Role
from factolake.mes.core.principal import Principal, rights_in
from factolake.mes.core.refusals import Invalid, NotAllowed, Refusal
from factolake.mes.pages.plant_time import zone_name
from factolake.mes.pages.sessions import is_polling

View = Callable[..., HttpResponse]
_SAID = "said"


def page(*roles: Role) -> Callable[[View], View]:
    """The view is for signed-in people with one of `roles` at some place; without roles, for everyone with any role."""
    wanted = frozenset(roles) or frozenset(Role)

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **named: str) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            try:
                check_text(request, *named.values())
                if not {role for role, _ in who(request).rights.grants} & wanted:
                    takes = "a role" if not roles else "the role " + " or ".join(sorted(wanted))
                    raise NotAllowed(f"this page takes {takes}; ask an administrator for it")
                return view(request, **named)
            except Refusal as error:
                return refused(request, error)

        guarded.roles = wanted  # type: ignore[attr-defined]
        return guarded

    return declare


def open_page(view: View) -> View:
    """The view is for everyone, signed in or not."""

    @wraps(view)
    def guarded(request: HttpRequest, **named: str) -> HttpResponse:
        try:
            check_text(request, *named.values())
            return view(request, **named)
        except Refusal as error:
            return refused(request, error)

    guarded.roles = None  # type: ignore[attr-defined]
    return guarded


def who(request: HttpRequest) -> Principal:
    """Who looks at the page."""
    known: Principal | None = getattr(request, "factomes_who", None)
    if known is None:
        known = Principal(request.user, rights_in(request), "page")
        request.factomes_who = known
    return known


def show(request: HttpRequest, template: str, context: Mapping[str, object] | None = None, status: int = 200) -> HttpResponse:
    """The page `template` with what every page shows: who is signed in, where they may go, and what was said last."""
    shared: dict[str, object] = {"person": None, "menu": (), "said": "", "zone": zone_name(), "request": request}
    if request.user.is_authenticated:
        from factolake.mes.alerts.inbox import count_of
        from factolake.mes.pages.menu import menu

        shared |= {"person": request.user, "menu": menu(request)}
        if not is_polling(request):
            shared |= {"bell": count_of(request.user.pk), "said": request.session.pop(_SAID, "")}
    answer = render(request, f"pages/{template}.html", {**shared, **(context or {})}, status=status)
    answer["Cache-Control"] = "no-store"  # tablets are shared: the way back shows nobody else's page
    return answer


def said(request: HttpRequest, sentence: str) -> None:
    """Have the next page say `sentence`."""
    request.session[_SAID] = sentence


def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
    """The page that tells why not; the sentence alone for the terminal's script."""
    if request.headers.get("X-Terminal") == "1":
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    return show(request, "refused", {"refusal": str(error), "status": error.status}, error.status)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from our own page, or from one that was opened before the last sign-in."""
    return refused(request, NotAllowed("this form was opened before you signed in, or on another site; go back, open it again and send it"))


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such address."""
    return show(request, "refused", {"refusal": "there is no page at this address; go back to the start", "status": 404}, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """A failure of ours, or a database that is away; says nothing of its cause."""
    from factolake.mes.core.api import away, problem, request_id

    is_api = request.path.startswith("/api/")
    if isinstance(failure := sys.exc_info()[1], (OperationalError, InterfaceError)):
        told = away(request, failure)
        return told if is_api else _bare(request, "the record's database does not answer; nothing was done, try again", told.status_code)
    sentence = f"something went wrong here; tell your administrator the request id {request_id(request)}"
    return problem(request, 500, "InternalError", sentence) if is_api else _bare(request, sentence, 500)


def _bare(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """A page that asks no database."""
    return render(request, "pages/refused.html", {"refusal": sentence, "status": status}, status=status)


def local(request: HttpRequest, address: str, otherwise: str) -> str:
    """`address` when it is one of ours, else `otherwise`."""
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return address if is_ours else otherwise


def check_text(request: HttpRequest, *more: str) -> None:
    """Raise Invalid for a NUL character in what was sent: no database column takes one."""
    sent = [*more, *(text for values in (request.GET, request.POST) for held in values.lists() for text in (held[0], *held[1]))]
    if any("\0" in text for text in sent):
        raise Invalid("the text has a NUL character in it; type it again")


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    address = f"{reverse('login')}?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": reverse("login")})
    return redirect(address) if request.method == "GET" else show(request, "refused", {"refusal": "sign in first; what you sent was not kept"}, 401)
