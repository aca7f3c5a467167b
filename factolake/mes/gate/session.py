"""Who holds a session of FactoMES's pages, asked from outside a page."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest

from factolake.domain.action import Role
from factolake.mes.core.principal import rights_in
from factolake.mes.pages.sessions import is_over

ROLES = frozenset({Role.ENGINEER, Role.ADMIN})
"""Who may see what lies behind the gate, at whatever place they hold it: runs and models belong to no one line."""


def visitor(key: str) -> tuple[str, bool] | None:
    """Id of the person whose session `key` is, and whether they may pass; None for a session that is none or over.

    Passing keeps no session alive: pages behind the gate ask by themselves all day. Blocks; raises what the database raises when it is down.
    """
    close_old_connections()
    try:
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
        request.user = get_user(request)
        if not request.user.is_authenticated or is_over(request):
            return None
        held = {role for role, _ in rights_in(request).grants}
        return request.user.person_id, bool(held & ROLES)
    finally:
        close_old_connections()
