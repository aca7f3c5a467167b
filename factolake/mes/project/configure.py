"""Django's settings, made of ours. `start` has to come before anything of FactoMES but `sync` is imported."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from factolake.config.settings import Settings
from factolake.errors import ConfigError
from factolake.files import make_once

APPS = (
    "factolake.mes.people",
    "factolake.mes.audit",
    "factolake.mes.equipment",
    "factolake.mes.production",
    "factolake.mes.downtime",
    "factolake.mes.quality",
    "factolake.mes.maintenance",
    "factolake.mes.personnel",
    "factolake.mes.tooling",
    "factolake.mes.approvals",
    "factolake.mes.signals",
    "factolake.mes.model_approvals",
    "factolake.mes.scheduling",
    "factolake.mes.alerts",
    "factolake.mes.exchange",
    "factolake.mes.pages",
    "factolake.mes.core",
)
"""Ours, in the order in which they see what an action changed: `exchange` after `alerts`, whose rows its webhooks tell.

`core` is last, since it loads what the others declare.
"""
SESSION_IDLE_S = 8 * 3600
LOCKED_AFTER = 5
HSTS_S = 365 * 86_400
MAIL_TIMEOUT_S = 10
KEPT_S = 60
"""How long a thread keeps its connection to the database: a new one to SQLite took 2 ms of CPU, a third of a request."""
REQUEST_BYTES_MAX = 40 << 20
"""An ERP document of 32 Mi characters in JSON; the API reads a body only after it knows who asks."""


def start(settings: Settings) -> None:
    """Make Django ready for this installation; once a process. Raises ConfigError for a database URL it cannot use."""
    import django
    from django.conf import settings as django_settings

    if not django_settings.configured:
        settings.mes_dir.mkdir(parents=True, exist_ok=True)
        settings.mes_dir.chmod(0o700)  # sessions and keys are in there
        django_settings.configure(**django_values(settings))
        django.setup()


def django_values(settings: Settings) -> dict[str, Any]:
    """The settings of Django for this installation."""
    return {
        "SECRET_KEY": secret_file(settings.mes_dir / "secret_key").read_text(encoding="utf-8").strip(),
        "FACTOLAKE_MES_DIR": settings.mes_dir,
        "FACTOLAKE_PLANT_FILE": settings.plant_file,
        "FACTOMES_GATE": (settings.ports.gate, tuple(settings.gate_pages)),
        "FACTOMES_WEBHOOK_HOSTS": settings.mes.webhook_hosts,
        "FACTOMES_ERP": settings.erp,
        "FACTOMES_INCUMBENT": settings.mes.incumbent,
        **_mail(settings),
        "DEBUG": False,
        "ALLOWED_HOSTS": list(settings.mes.hosts),
        "DATABASES": {"default": database(settings.mes_url)},
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "axes",
            "csp",
            "ninja",
            *(f"{app}.apps.{app.rpartition('.')[2].title().replace('_', '')}Config" for app in APPS),
        ],
        "AUTH_USER_MODEL": "people.Person",
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            "django.contrib.auth.backends.ModelBackend",
            "factolake.mes.pages.badges.BadgeBackend",
        ],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
            for name, options in (
                ("UserAttributeSimilarityValidator", {"user_attributes": ("person_id", "name")}),
                ("MinimumLengthValidator", {"min_length": 10}),
                ("CommonPasswordValidator", {}),
            )
        ],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "csp.middleware.CSPMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "factolake.mes.pages.sessions.SessionLimits",
            "factolake.mes.pages.plant_time.PlantTime",
            "axes.middleware.AxesMiddleware",
        ],
        "ROOT_URLCONF": "factolake.mes.project.urls",
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        "DATA_UPLOAD_MAX_MEMORY_SIZE": REQUEST_BYTES_MAX,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "STATIC_URL": "static/",
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        "SECURE_HSTS_SECONDS": 0 if settings.mes.certificate is None else HSTS_S,
        **_security(),
    }


def _mail(settings: Settings) -> dict[str, Any]:
    """How alerts are mailed. Raises ConfigError when the file with the password cannot be read."""
    mes = settings.mes
    password = ""
    if mes.smtp_password_file is not None:
        try:
            password = mes.smtp_password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("settings", "mes.smtp_password_file", mes.smtp_password_file, "a text file that can be read") from error
    return {
        "FACTOMES_MAIL_FROM": mes.mail_from,
        "FACTOMES_ADDRESS": mes.address,
        "EMAIL_HOST": mes.smtp_host,
        "EMAIL_PORT": mes.smtp_port,
        "EMAIL_HOST_USER": mes.smtp_user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": mes.smtp_security == "starttls",
        "EMAIL_USE_SSL": mes.smtp_security == "tls",
        "EMAIL_TIMEOUT": MAIL_TIMEOUT_S,
    }


def _security() -> dict[str, Any]:
    self_only = ["'self'"]
    return {
        "SESSION_COOKIE_NAME": "__Host-factomes",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_AGE": SESSION_IDLE_S,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "SESSION_SAVE_EVERY_REQUEST": False,
        "CSRF_COOKIE_NAME": "__Host-factomes-csrf",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_HTTPONLY": False,
        "CSRF_FAILURE_VIEW": "factolake.mes.pages.access.forged",
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "CONTENT_SECURITY_POLICY": {
            "DIRECTIVES": {
                "default-src": self_only,
                "img-src": ["'self'", "data:"],
                "frame-ancestors": ["'none'"],
                "form-action": self_only,
                "base-uri": ["'none'"],
                "object-src": ["'none'"],
            }
        },
        "AXES_FAILURE_LIMIT": LOCKED_AFTER,
        "AXES_COOLOFF_TIME": 0.25,
        "AXES_LOCKOUT_PARAMETERS": ["username"],
        "AXES_USERNAME_FORM_FIELD": "username",
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_VERBOSE": False,
        "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT": False,
        "AXES_LOCKOUT_CALLABLE": "factolake.mes.pages.signin.locked",
        "AXES_SENSITIVE_PARAMETERS": ["badge", "code"],
        "SILENCED_SYSTEM_CHECKS": ["axes.W006"],  # locked are people, never a station that several share
    }


def database(url: str) -> dict[str, Any]:
    """Django's form of the MES database URL. Raises ConfigError for another kind of database than SQLite and PostgreSQL."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        wal = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        options = {"transaction_mode": "IMMEDIATE", "timeout": 10, "init_command": wal}
        name = url.removeprefix("sqlite:///")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "CONN_MAX_AGE": KEPT_S, "OPTIONS": options}
    if parts.scheme.partition("+")[0] in ("postgresql", "postgres"):
        query = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": KEPT_S,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": query,
        }
    raise ConfigError("settings", "mes.url", parts.scheme, "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")


def secret_file(path: Path) -> Path:
    """A file with 256 random bits that only its owner may read; made on first use."""
    if not path.exists():
        make_once(path, secrets.token_urlsafe(48).encode())
    return path
