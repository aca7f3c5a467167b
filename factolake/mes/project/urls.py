"""Addresses of FactoMES."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from factolake.mes.core.api import build_api
from factolake.mes.core.exports import mount_exports
from factolake.mes.core.principal import TokenAuth
from factolake.mes.pages.access import page


def for_people_and_programs(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The documentation is for who may sign in or has a token, as everything else is."""

    def guarded(request: HttpRequest) -> HttpResponse:
        is_program = TokenAuth()(request) is not None
        return view(request) if is_program else page()(view)(request)

    return guarded


api = build_api(for_people_and_programs)
mount_exports(api)
urlpatterns = [path("api/v1/", api.urls), path("", include("factolake.mes.pages.urls"))]
handler404 = "factolake.mes.pages.access.missing"
handler500 = "factolake.mes.pages.access.broken"
