"""Addresses of FactoMES."""

from django.urls import include, path

from factolake.mes.core.api import build_api
from factolake.mes.core.exports import mount_exports

api = build_api()
mount_exports(api)
urlpatterns = [path("api/v1/", api.urls), path("", include("factolake.mes.pages.urls"))]
handler404 = "factolake.mes.pages.access.missing"
handler500 = "factolake.mes.pages.access.broken"
