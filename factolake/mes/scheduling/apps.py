"""The scheduling app."""

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Its tables are named `scheduling_*`."""

    name = "factolake.mes.scheduling"
    label = "scheduling"
    default_auto_field = "django.db.models.BigAutoField"
