# Owns the image of one replica: nothing in it but Python, the locked dependencies and the sources.
# Static files need no step of their own: every replica compresses them as it starts, under names
# that change with their content (chatsite/statics.py).

ARG PYTHON=python:3.13.7-slim-bookworm

FROM ${PYTHON} AS wheels
WORKDIR /build
COPY requirements.txt .
# Only wheels, and only those whose hashes are in the lock: no compiler, nothing run from a source.
RUN pip wheel --no-cache-dir --require-hashes --only-binary=:all: --wheel-dir /wheels \
      -r requirements.txt

FROM ${PYTHON} AS image
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --no-create-home parley
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps /wheels/*.whl
WORKDIR /parley
COPY manage.py ./
COPY chatsite chatsite
COPY accounts accounts
COPY chat chat
COPY metrics metrics
COPY templates templates
COPY static static
# Byte code here, as the file system is read-only later.
RUN python -m compileall -q /parley
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/var/lib/parley
USER parley
EXPOSE 8000
# Whether it lives, not whether its database does: a replica that is ended for a slow database
# loses its sockets and wins nothing. nginx asks no one; a refused connection tells it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
