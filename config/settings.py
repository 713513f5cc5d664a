"""Every setting of Clearline, read from the environment once."""

import gc
import os
import zoneinfo
from datetime import timedelta
from pathlib import Path

from config import embedded, rhythm
from config.embedded import places
from config.embedded.keys import development_key
from config.unfold import UNFOLD as UNFOLD
from config.variables import Variables

gc.set_threshold(20_000, 20, 20)  # looking for circles after every 700 new objects was a sixth of each start
zoneinfo.reset_tzpath(to=[])  # time zones come from the pinned tzdata package, never from the machine
DEVELOPMENT = embedded.is_embedded()  # our own servers: a checkout on somebody's desk
env = Variables()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- core
DEBUG = env.flag("DEBUG", default=DEVELOPMENT)
SECRET_KEY = development_key() if DEVELOPMENT and "SECRET_KEY" not in env else env("SECRET_KEY")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.page("PUBLIC_URL", ("https", "http"), default="http://127.0.0.1:8000")
WS_URL = env.page("WS_URL", ("wss", "ws"), default="ws://127.0.0.1:8001/ws/")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

# --- apps
INSTALLED_APPS = [
    "config",
    "crm",
    "calls",
    "campaigns",
    "integrations",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",
    "channels",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
]

# --- middleware
MIDDLEWARE = [
    "config.middleware.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.ContentPolicy",
    "config.middleware.Probes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.OwnTimeZone",
    "config.middleware.Audit",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.middleware.Notices",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

# --- templates
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database
DATABASES = {"default": env.database("DATABASE_URL")}
if env("REPLICA_URL", default=""):  # see config.kernel.replica for what is read from it
    DATABASES["replica"] = {**env.database("REPLICA_URL"), "TEST": {"MIRROR": "default"}}
for _database in DATABASES.values():
    if _host := _database.setdefault("OPTIONS", {}).pop("host", None):
        _database["HOST"] = _host  # a socket directory travels as ?host= in the address
    _database["CONN_MAX_AGE"] = env.number("CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True
    _database["DISABLE_SERVER_SIDE_CURSORS"] = env.flag("BEHIND_POOLER", default=False)
    # A host that swallows packets must not keep a probe, or a rep, waiting for minutes.
    _database["OPTIONS"].setdefault("connect_timeout", 3)
    # Nor must a worker that is frozen in a transaction keep others waiting for what it holds. And prepared questions
    # are planned once: PostgreSQL would plan anew where it believes that saves more, and underrates planning ten times.
    if not _database["DISABLE_SERVER_SIDE_CURSORS"]:  # a pooler is told so itself, and keeps no plans
        _set = "-c idle_in_transaction_session_timeout=5min -c plan_cache_mode=force_generic_plan"
        _database["OPTIONS"]["options"] = f"{_set} {_database['OPTIONS'].get('options', '')}".rstrip()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PGHISTORY_INSTALL_CONTEXT_FUNC_ON_MIGRATE = False
MIGRATION_LINTER_OPTIONS = {"exclude_apps": ["auth", "admin", "contenttypes", "sessions", "axes", "pghistory"]}

# --- auth
AUTH_USER_MODEL = "crm.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "crm.services.signing_in.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_USERNAME_FORM_FIELD = "username"  # what Django's login form calls it; axes would look for "email" and find nobody
AXES_LOCKOUT_TEMPLATE = "locked.html"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False

# --- i18n
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

# --- static
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".local" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "config.statics.HashedFiles"
    },
}
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(BASE_DIR / ".local" / "media")))

# --- api
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.kernel.api.access.Session"],
    "DEFAULT_PERMISSION_CLASSES": ["config.kernel.api.access.ModelPermissions"],
    "DEFAULT_FILTER_BACKENDS": ["config.kernel.api.questions.Filters", "config.kernel.api.questions.Ordering"],
    "DEFAULT_PAGINATION_CLASS": "config.kernel.api.pages.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "config.kernel.api.schema.Schema",
    "DEFAULT_PARSER_CLASSES": ["config.kernel.api.bodies.StrictJson"],
    "DEFAULT_RENDERER_CLASSES": ["config.kernel.api.answers.Json", "config.kernel.api.browsing.Page"],
    "EXCEPTION_HANDLER": "config.kernel.api.refusals.handle_exception",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["config.kernel.api.answers.Json"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clearline",
    "DESCRIPTION": "Who may be contacted now, on which channel, and if not, why not and when.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "CallStatusEnum": "calls.choices.Status",
        "ChannelEnum": "crm.choices.Channel",
        "ConsentKindEnum": "crm.choices.ConsentKind",
        "CooldownScopeEnum": "calls.choices.CooldownScope",
        "DirectionEnum": "calls.choices.Direction",
        "EndpointKindEnum": "crm.choices.EndpointKind",
        "EnrollmentStateEnum": "campaigns.choices.EnrollmentState",
        "EventKindEnum": "calls.choices.EventKind",
        "IntakeStateEnum": "crm.choices.IntakeState",
        "MessageDirectionEnum": "campaigns.choices.MessageDirection",
        "MessageStateEnum": "campaigns.choices.MessageState",
        "PointKindEnum": "crm.choices.PointKind",
        "PointStateEnum": "crm.choices.PointState",
        "SentOnEnum": "campaigns.choices.SENT_ON",
        "ReviewKindEnum": "crm.choices.ReviewKind",
        "ScopeEnum": "calls.choices.Scope",
        "SourceKindEnum": "crm.choices.SourceKind",
        "TerminalKindEnum": "calls.choices.TerminalKind",
    },
}
STATEMENT_TIMEOUT_MS = env.number("STATEMENT_TIMEOUT_MS", default=2000, least=1)

# --- cache, celery, channels
REDIS = ("redis", "rediss", "unix")
REDIS_PREFIX = env("REDIS_PREFIX", default="clearline")
BROKERS = ("redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.server("CACHE_URL", REDIS, instead="REDIS_URL"),
        "KEY_PREFIX": REDIS_PREFIX,
    }
}
CELERY_BROKER_URL = env.server("CELERY_BROKER_URL", BROKERS, instead="REDIS_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "global_keyprefix": f"{REDIS_PREFIX}:",  # else a worker would take what another installation queued
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "engine"
CELERY_TASK_ROUTES = rhythm.ROUTES
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25.0  # a task ends within 20 s of its own accord
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = rhythm.BEAT
CELERY_BEAT_SCHEDULE_FILENAME = str(BASE_DIR / ".local" / "beat")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [env.server("CHANNELS_URL", REDIS, instead="REDIS_URL")],
            "prefix": REDIS_PREFIX,
        },
    }
}

# --- clock
# Not in .env.example: for tests and simulations on servers that are thrown away, and refused everywhere else.
TESTING = os.environ.get("CLEARLINE_TESTS") == "1"
SIMULATED_CLOCK = os.environ.get("SIMULATED_CLOCK", "")

# --- providers
DISPATCHERS = env.int("DISPATCHERS", default=1)  # how many workers send messages at a time
PROVIDERS = {
    "voice": {"BACKEND": env("VOICE_BACKEND", default="integrations.softphone.voice.TelLink")},
    "sms": {"BACKEND": env("SMS_BACKEND", default="integrations.simulated.messages.SimulatedSms")},
    "email": {"BACKEND": env("EMAIL_BACKEND", default="integrations.simulated.messages.SimulatedEmail")},
    "voicemail": {"BACKEND": env("VOICEMAIL_BACKEND", default="integrations.simulated.messages.SimulatedVoicemail")},
}
SIMULATED_CARRIER_URL = env("SIMULATED_CARRIER_URL", default="http://127.0.0.1:8002")
SIMULATED_CARRIER_LEDGER = places.state() / "carrier" / "ledger.db"
# Who reads the news that a provider brings to /hooks/<name>/<token>/
WEBHOOKS = {"simulated": "integrations.simulated.hook.SimulatedHook"}
HOOK_EPOCH = env.int("HOOK_EPOCH", default=1)

# --- logging
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonLines"}},
    "handlers": {
        "out": {"class": "logging.StreamHandler", "formatter": "json"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["out"], "level": env.one_of("LOG_LEVEL", LEVELS, default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},  # without its own console handler: every line is JSON
        "django.server": {"handlers": ["nowhere"], "propagate": False},  # our own line names the route and no values
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},  # scans would fill the log
        "axes": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        # From here on also those who were started without our flags (config/supervisor/programs.py).
        **{name: {"handlers": [], "propagate": True} for name in ("gunicorn.error", "uvicorn", "uvicorn.error")},
    },
}

# --- security
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
if env.flag("HTTPS", default=not DEBUG):
    SECURE_SSL_REDIRECT = env.flag("HTTPS_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health$", r"^readyz$"]
    if env.flag("BEHIND_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", default=31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
