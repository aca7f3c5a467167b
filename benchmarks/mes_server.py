"""The server of one side of `mes_api_load`: FactoMES, or a bare Django project on the same database in the same server.

Run by it: python benchmarks/mes_server.py factomes|bare HOME URL PORT. Apart from what a benchmark imports, which a server would not.
"""

import sys
from pathlib import Path

from factolake.config.settings import MesSettings, Settings
from factolake.mes.project import server
from factolake.mes.project.configure import django_values

BARE_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
"""Those of a new project, but for the messages of its pages."""


def main() -> None:
    """Serve until SIGTERM."""
    side, home, url, port = sys.argv[1:]
    settings = Settings(home=Path(home), mes=MesSettings(url=url))
    if side == "bare":
        import django
        from django.conf import settings as django_settings

        django_settings.configure(**{**django_values(settings), "ROOT_URLCONF": "bare_views", "MIDDLEWARE": BARE_MIDDLEWARE})
        django.setup()
    server.serve(settings, int(port), lambda stop: None)


if __name__ == "__main__":
    main()
