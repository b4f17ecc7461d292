# Two images from one file: `app` for web, schedule and most workers, and `smoke` with torch for smoke inference.
#   docker build --target app -t imprimatur .
#   docker build --target smoke -t imprimatur-smoke .

FROM python:3.12-slim AS app
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 imprimatur \
    && install -d -o imprimatur /app /var/lib/imprimatur/storage /var/lib/imprimatur/imports
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY --chown=imprimatur . .
USER imprimatur
ENV STORAGE_ROOT=/var/lib/imprimatur/storage \
    IMPORT_ROOTS=/var/lib/imprimatur/imports \
    STATIC_ROOT=/app/staticfiles
RUN python manage.py collectstatic --noinput
CMD ["gunicorn", "--config", "config/gunicorn_conf.py", "--bind", "0.0.0.0:8000", "--workers", "4", "config.wsgi"]

FROM app AS smoke
USER root
# On x86-64 the default wheels of torch bring CUDA libraries (several GB); machines without a GPU can take a build
# without them from an index of torch's own: --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
ARG PIP_EXTRA_INDEX_URL=
RUN pip install -r requirements-smoke.txt
USER imprimatur
