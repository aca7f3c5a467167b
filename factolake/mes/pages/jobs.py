"""What signing in leaves behind is cleared away: old entries of its log, tries that no longer count, sessions that are over."""

from datetime import datetime, timedelta
from importlib import import_module

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings

from factolake.mes.core.jobs import job

KEPT = timedelta(days=90)
"""Long enough to look into a break-in; who did what is in the audit, which nothing clears."""


def prune(now: datetime) -> int:
    """Take away what is older than 90 days, and sessions that are over; returns how many rows of the log went."""
    gone = 0
    for model in (AccessLog, AccessAttempt, AccessFailureLog):
        gone += model.objects.filter(attempt_time__lt=now - KEPT).delete()[0]
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return gone


job("sign_in_log", 3600.0, prune)
