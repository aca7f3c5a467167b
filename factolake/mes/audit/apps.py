"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Its tables are named `audit_*`."""

    name = "factolake.mes.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
