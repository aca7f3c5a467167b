"""The alerts app."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Its tables are named `alerts_*`."""

    name = "factolake.mes.alerts"
    label = "alerts"
    default_auto_field = "django.db.models.BigAutoField"
