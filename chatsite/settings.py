"""Owns what Django is told. Reads nothing itself: every value from outside comes through `env`."""

from datetime import timedelta
from typing import Any

from chatsite import build, gisless, mail_server, redis_nodes
from chatsite.env import BASE_DIR, ENV
from metrics import logs

gisless.answer_no()

# --- The frame ---
DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key or "this-process-signs-nothing-and-was-started-without-a-key"
SECRET_KEY_IS_SET = bool(ENV.secret_key)
ALLOWED_HOSTS = list(ENV.allowed_hosts)
PUBLIC_ORIGINS = list(ENV.public_origins)
ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"
VERSION = "0.1.0"
REPLICA = ENV.replica
APP_ENV = ENV.app_env
DATA_DIR = ENV.data_dir
RATE_LIMITS = ENV.rate_limits
RETENTION_DAYS = ENV.retention_days
REGISTRATION = ENV.registration
NEW_ACCOUNT_HOURS = ENV.new_account_hours
NEW_ACCOUNT_LINKS = ENV.new_account_links
NEW_ACCOUNT_DIRECT = ENV.new_account_direct
NEW_ACCOUNT_MESSAGES_PER_MIN = ENV.new_account_messages_per_min
SOCKETS_MAX = ENV.sockets_max
SOCKETS_PER_ADDRESS = ENV.sockets_per_address
METRICS_TOKEN = ENV.metrics_token
TRUSTED_PROXIES = list(ENV.trusted_proxies)
RUNNING_REPLICAS = list(ENV.running_replicas)
DEFAULT_AUTO_FIELD = "django_mongodb_backend.fields.ObjectIdAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "chatsite.apps.MongoAdminConfig",
    "chatsite.apps.MongoAuthConfig",
    "chatsite.apps.MongoContentTypesConfig",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_mongodb_backend",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "chatsite.apps.ChatsiteConfig",
    "metrics",
    "accounts",
    "chat",
]
MIGRATION_MODULES = {
    "admin": "chatsite.mongo_migrations.admin",
    "auth": "chatsite.mongo_migrations.auth",
    "contenttypes": "chatsite.mongo_migrations.contenttypes",
}

MIDDLEWARE = [
    "metrics.middleware.BeforeMiddleware",
    "chatsite.middleware.RequestMiddleware",
    "chatsite.statics.StaticsMiddleware",
    "chatsite.middleware.on_the_loop",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "chatsite.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LiveSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "metrics.middleware.AfterMiddleware",
    "chatsite.middleware.in_one_thread",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Where things are kept ---
MONGODB_URL = ENV.mongodb_url
MONGODB_NAME = ENV.mongodb_name
REDIS_URLS = list(ENV.redis_urls)
REDIS_SENTINELS = list(ENV.redis_sentinels)
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django_mongodb_backend",
        "HOST": MONGODB_URL,
        "NAME": MONGODB_NAME,
        "OPTIONS": {
            "w": "majority",
            "journal": True,
            "serverSelectionTimeoutMS": 3_000,
            "timeoutMS": 8_000,  # of one operation with its retries: a page must not wait longer
        },
    }
}
DATABASE_ROUTERS = ["django_mongodb_backend.routers.MongoRouter"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": redis_nodes.layer_hosts(REDIS_URLS, REDIS_SENTINELS, connect_timeout_s=1.0),
            "prefix": "parley",
        },
    }
}

# --- Who one is ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.LoginBackend"]
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # usernames are unique by username_key, without case
PASSWORD_HASHERS = ["accounts.passwords.Argon2idHasher"]
PASSWORD_RESET_TIMEOUT = 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
LOGIN_TTL_S = ENV.refresh_token_s  # unused for this long, a login is over
SESSION_ENGINE = "accounts.engine"
SESSION_COOKIE_NAME = "parley_session"
SESSION_COOKIE_AGE = 400 * 86_400  # as long as browsers keep one: the stored session decides
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENV.secure_cookies
CSRF_COOKIE_NAME = "parley_csrf"
CSRF_FAILURE_VIEW = "chatsite.replies.csrf_failure"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = ENV.secure_cookies
CSRF_TRUSTED_ORIGINS = PUBLIC_ORIGINS
SECURE_SSL_REDIRECT = ENV.secure_cookies
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if ENV.secure_cookies else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.secure_cookies
SECURE_HSTS_PRELOAD = ENV.secure_cookies
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.trusted_proxies else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ENV.access_token_s),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=ENV.refresh_token_s),
    "ALGORITHM": "HS256",
    "USER_ID_CLAIM": "user_id",
}

# --- Programs ---
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "chatsite.rest.BearerAuthentication",
        "chatsite.rest.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["chatsite.rest.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chatsite.rest.JsonByDefault",
    "EXCEPTION_HANDLER": "chatsite.rest.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Parley",
    "DESCRIPTION": "Team chat that people host themselves: the REST half of the wire.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
}
BODY_MAX_BYTES = 256 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_MAX_BYTES

# --- Pages ---
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = f"/static/{build.name_of(BASE_DIR / 'static')}/"
STATIC_ROOT = None  # nothing is collected: WhiteNoise serves the sources themselves
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# --- Post ---
_mail = mail_server.parse(ENV.email_url)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if _mail else 'console'}.EmailBackend"
if _mail:
    EMAIL_HOST = _mail.host
    EMAIL_PORT = _mail.port
    EMAIL_HOST_USER = _mail.user
    EMAIL_HOST_PASSWORD = _mail.password
    EMAIL_USE_SSL = _mail.tls
    EMAIL_USE_TLS = _mail.starttls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV.email_from

# --- What it tells of itself ---
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logs.config(
    level=ENV.log_level, loki_url=ENV.loki_url, app_env=ENV.app_env, replica=ENV.replica
)
LOGGING["filters"] = {"refusals": {"()": "chatsite.replies.RefusalsAreNoErrors"}}
LOGGING["loggers"]["django.request"] = {"filters": ["refusals"]}
