"""The tooling app."""

from django.apps import AppConfig


class ToolingConfig(AppConfig):
    """Its tables are named `tooling_*`."""

    name = "factolake.mes.tooling"
    label = "tooling"
    default_auto_field = "django.db.models.BigAutoField"
