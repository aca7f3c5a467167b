"""The production app."""

from django.apps import AppConfig


class ProductionConfig(AppConfig):
    """Its tables are named `production_*`."""

    name = "factolake.mes.production"
    label = "production"
    default_auto_field = "django.db.models.BigAutoField"
