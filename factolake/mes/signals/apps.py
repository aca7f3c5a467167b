"""The signals app."""

from django.apps import AppConfig


class SignalsConfig(AppConfig):
    """Its tables are named `signals_*`."""

    name = "factolake.mes.signals"
    label = "signals"
    default_auto_field = "django.db.models.BigAutoField"
