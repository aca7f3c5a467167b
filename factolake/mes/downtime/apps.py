"""The downtime app."""

from django.apps import AppConfig


class DowntimeConfig(AppConfig):
    """Its tables are named `downtime_*`."""

    name = "factolake.mes.downtime"
    label = "downtime"
    default_auto_field = "django.db.models.BigAutoField"
