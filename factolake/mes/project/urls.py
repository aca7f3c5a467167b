"""Addresses of FactoMES."""

from django.urls import path

from factolake.mes.core.api import build_api

api = build_api()
urlpatterns = [path("api/v1/", api.urls)]
