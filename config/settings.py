"""All settings, each by environment; a default is safe in production or absent."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF

from config import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- the process -----------------------------------------------------------------------------

DEBUG = False
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False  # a redirect would turn the Hub client's POST into a GET

# Instance: what this process is called, and where people reach it.
INSTANCE_NAME = env.text("INSTANCE_NAME", "Imprimatur")
INSTANCE_ROLE = env.text("INSTANCE_ROLE", "governing")  # or "public-hub": plays the Hub that is published to
PUBLIC_URL = env.text("PUBLIC_URL", "http://localhost:8000").rstrip("/")
IS_WORKER_REQUIRED = env.boolean("WORKER_REQUIRED", True)

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "hub",
    "release",
    "gating",
    "licensing",
    "registry",
    "accounts",
    "audit",
    "jobs",
    "web",
    "pgtrigger",
    "template_partials",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
]

MIDDLEWARE = [
    "web.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "hub.middleware.HubMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.middleware.AddressMiddleware",
    "web.middleware.RefusalMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.instance",
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]

# --- truth and doorbell ----------------------------------------------------------------------

DATABASES = {"default": env.database("DATABASE_URL")}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    # A process that froze in a transaction must not keep its rows locked for good.
    "OPTIONS": {"connect_timeout": 5, "options": "-c idle_in_transaction_session_timeout=10min"},
}
REDIS_URL = env.text("REDIS_URL")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    }
}

STORAGE_ROOT = Path(env.text("STORAGE_ROOT", str(BASE_DIR / "var" / "storage")))
# Where content is kept: "disk" is STORAGE_ROOT; "s3" is a bucket, and STORAGE_ROOT holds what is on its way there.
STORAGE = env.choice("STORAGE", "disk", "s3")
S3_BUCKET = env.text("S3_BUCKET", "" if STORAGE == "disk" else None)
S3_PREFIX = env.text("S3_PREFIX", "").strip("/")
S3_PREFIX += "/" if S3_PREFIX else ""
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL", "").rstrip("/")  # empty for Amazon's own
S3_PUBLIC_URL = env.text("S3_PUBLIC_URL", "").rstrip("/")  # where clients reach it, if that is elsewhere
S3_REGION = env.text("S3_REGION", "us-east-1")
S3_ACCESS_KEY_ID = env.text("S3_ACCESS_KEY_ID", "")  # without one, boto3 asks the machine's own identity
S3_SECRET_ACCESS_KEY = env.text("S3_SECRET_ACCESS_KEY", "")
S3_PART_BYTES = env.integer("S3_PART_BYTES", 16 << 20, at_least=5 << 20)
S3_ADDRESS_SECONDS = env.integer("S3_ADDRESS_SECONDS", 120, at_least=1)
# What copies of objects may take of this machine's disk.
STORAGE_COPIES_BYTES = env.integer("STORAGE_COPIES_BYTES", 200 << 30)
# How long content that nothing refers to is kept.
BLOB_GRACE_DAYS = env.integer("BLOB_GRACE_DAYS", 30, at_least=0)
# How bytes on disk leave: "sendfile" by the web process, "accel" by an nginx before it, told by X-Accel-Redirect.
DELIVERY = env.choice("DELIVERY", "sendfile", "accel")
# Larger files come by LFS in parts of this size, where the client can; those that it sends by Xet do not.
LFS_PART_BYTES = env.integer("LFS_PART_BYTES", 4 << 30, at_least=1 << 20)
# What the Hub's protocol takes in five minutes from one token, and from one address without a token; 0 is no limit.
REQUESTS_PER_TOKEN = env.integer("REQUESTS_PER_TOKEN", 150_000)
REQUESTS_PER_ADDRESS = env.integer("REQUESTS_PER_ADDRESS", 6_000)
# Folders that `import_checkpoint` may read; a path outside them is refused.
IMPORT_ROOTS = [Path(path) for path in env.words("IMPORT_ROOTS", str(BASE_DIR / "var" / "imports"))]

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A job's truth is its row, and the sweep rings again for whatever is due, so a message needs no acknowledgement:
    # one that is lost costs seconds, while redelivery loops without an attempt count, and putting unacknowledged
    # messages back ends the worker when it is Redis that was lost (Celery 5.7.0 with kombu 5.7.0).
    "ack_emulation": False,
    "socket_keepalive": True,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
# A message that is taken before there is a process for it would wait behind hours of work while others are idle.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Seconds; a job may hold its lease this long without a heartbeat before another worker may take it.
JOB_LEASE_SECONDS = env.integer("JOB_LEASE_SECONDS", 30, at_least=2)
JOB_SWEEP_SECONDS = env.integer("JOB_SWEEP_SECONDS", 10, at_least=1)
# Smoke inference: off means that its evidence says not_run.
IS_SMOKE_ENABLED = env.boolean("SMOKE", True)
# "require" refuses to run where namespaces, Landlock or seccomp are missing; "allow-weaker" runs and says so.
SMOKE_CONTAINMENT = env.text("SMOKE_CONTAINMENT", "allow-weaker")
SMOKE_WALL_SECONDS = env.integer("SMOKE_WALL_SECONDS", 1800, at_least=10)
# How long a device may be silent before it counts as gone, and how long work waits for a first one to be registered.
DEVICE_GONE_SECONDS = env.integer("DEVICE_GONE_SECONDS", 60, at_least=2)

# --- targets ---------------------------------------------------------------------------------

# TARGET_TOKEN_<NAME> or TARGET_TOKEN_<NAME>_FILE: the token that publishes to the target of that name.
TARGET_TOKENS = env.credentials("TARGET_TOKEN_")
PUBLISH_RETRY_SECONDS = [float(word) for word in env.words("PUBLISH_RETRY_SECONDS", "2,5,15,60,300")]

# --- people ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# One per instance, so that two instances on one host name do not sign each other out.
SESSION_COOKIE_NAME = env.text("SESSION_COOKIE_NAME", "imprimatur_session")
CSRF_COOKIE_NAME = env.text("CSRF_COOKIE_NAME", "imprimatur_csrf")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("BEHIND_PROXY", False) else None
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Tabler's style sheet draws its carets and checks as data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- language and time -----------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

# --- static files ----------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False

FILE_UPLOAD_HANDLERS = ["web.bodies.NoFiles"]

# --- API -------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.bodies.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # OPTIONS would look a row up by ways of its own; the schema says what an endpoint takes.
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "web.problems.exception_handler",
    "DEFAULT_PAGINATION_CLASS": "web.pagination.KeyPagination",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Imprimatur API",
    "DESCRIPTION": "Register checkpoints, wait for evidence, open releases, decide access.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVERS": [{"url": "/"}],
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "accounts.api.serializers.ROLES",
        "ReleaseStateEnum": "release.api.serializers.RELEASE_STATES",
        "PublicationStateEnum": "release.api.serializers.PUBLICATION_STATES",
        "TargetKindEnum": "release.api.serializers.TARGET_KINDS",
        "EvidenceKindEnum": "release.api.serializers.EVIDENCE_KINDS",
        "AccessRequestStateEnum": "gating.api.serializers.REQUEST_STATES",
        "GrantStateEnum": "gating.api.serializers.GRANT_STATES",
        "GateFieldTypeEnum": "gating.api.serializers.FIELD_TYPES",
        "LicenseKindEnum": "licensing.api.serializers.LICENSE_KINDS",
    },
}

# --- logs ------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {"django.request": {"level": "ERROR"}, "httpx": {"level": "WARNING"}},
}
