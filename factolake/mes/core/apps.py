"""The core app: actions, their idempotency keys, and the outbox to the lake."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    """Last of our apps to get ready: every app's `actions`, `resources`, `queries` and `jobs` are known then."""

    name = "factolake.mes.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load what the other apps declare."""
        autodiscover_modules("actions", "resources", "queries", "jobs")
