# Images of the service (the last stage), of Flower, and of the simulated neighbours. A stage takes what it needs and no
# more: pip, setuptools and the sources stay in `build`.
#
# The base is named by version and by Debian's release. Who has looked up its digest pins that too:
# --build-arg PYTHON_IMAGE=python:3.13.16-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie

FROM ${PYTHON_IMAGE} AS base
# With an arena for each thread, glibc would keep what fifty threads have had at their busiest; and of a page of a store,
# megabytes, it would keep the place once it has seen one, unless it is told that such are to be given back.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent connector
WORKDIR /app

# What pyproject.toml asks for, in the versions and with the hashes of requirements.lock; nothing is compiled from source.
FROM base AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ONLY_BINARY=:all:
WORKDIR /build
RUN python -m venv /tools && python -m venv --without-pip /venv
COPY pyproject.toml requirements.lock ./
COPY scripts/locked scripts/
RUN python scripts/locked build > build.txt && /tools/bin/pip install --require-hashes --requirement build.txt
RUN python scripts/locked product > product.txt \
  && /tools/bin/pip --python /venv/bin/python install --require-hashes --requirement product.txt

# The product as a wheel, without the sandbox, which it never imports.
FROM build AS service-build
COPY README.md ./
COPY api api/
COPY cli cli/
COPY migrations migrations/
COPY models models/
COPY worker worker/
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
  && /tools/bin/pip --python /venv/bin/python install --no-index --no-deps wheels/*.whl

FROM service-build AS flower-build
RUN python scripts/locked product flower > flower.txt \
  && /tools/bin/pip --python /venv/bin/python install --require-hashes --requirement flower.txt

FROM base AS flower
COPY --from=flower-build /venv /venv
# Where Flower looks for it; without it Flower would be more than a window.
COPY flowerconfig.py ./
USER 10001
EXPOSE 5555
CMD ["celery", "-A", "worker.app", "flower", "--conf=flowerconfig.py", "--port=5555"]

# The neighbours alone; embedded servers are no part of it.
FROM service-build AS sandbox-build
COPY sandbox sandbox/
RUN rm -rf build && /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir with-sandbox . \
  && /tools/bin/pip --python /venv/bin/python install --no-index --no-deps --force-reinstall with-sandbox/*.whl

FROM base AS sandbox
COPY --from=sandbox-build /venv /venv
USER 10001
CMD ["python", "-m", "sandbox.bigcommerce", "--host", "0.0.0.0", "--port", "8300"]

FROM base AS service
COPY --from=service-build /venv /venv
# Where `alembic` looks.
COPY alembic.ini ./
COPY migrations migrations/
USER 10001
HEALTHCHECK --interval=30s --timeout=20s --start-period=20s \
  CMD ["sh", "-c", "celery -A worker.app inspect ping --destination \"celery@$HOSTNAME\" --timeout 10"]
CMD ["celery", "-A", "worker.app", "worker", "-P", "threads", "-c", "16", "-E", "--without-gossip", "--without-mingle"]
