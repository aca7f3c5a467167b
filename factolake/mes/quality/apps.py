"""The quality app."""

from django.apps import AppConfig


class QualityConfig(AppConfig):
    """Its tables are named `quality_*`."""

    name = "factolake.mes.quality"
    label = "quality"
    default_auto_field = "django.db.models.BigAutoField"
