"""The exchange app."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Its tables are named `exchange_*`."""

    name = "factolake.mes.exchange"
    label = "exchange"
    default_auto_field = "django.db.models.BigAutoField"
