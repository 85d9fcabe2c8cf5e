# Images of the service (the last stage), of Flower, and of the simulated neighbours.

FROM python:3.13-slim AS base
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent connector
WORKDIR /app

# What pyproject.toml asks for, in the versions and with the hashes of requirements.lock.
FROM base AS build
RUN python -m venv /venv
COPY pyproject.toml requirements.lock ./
COPY scripts/locked scripts/
RUN python scripts/locked > /locked.txt && pip install --no-cache-dir --require-hashes --requirement /locked.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .

FROM build AS flower-build
ARG FLOWER=2.2.0
RUN pip install --no-cache-dir "flower==$FLOWER"

FROM base AS flower
COPY --from=flower-build /venv /venv
COPY --from=flower-build /app /app
USER connector
EXPOSE 5555
CMD ["celery", "-A", "worker.app", "flower", "--conf=flowerconfig.py", "--port=5555"]

FROM build AS sandbox-build
RUN python scripts/locked sandbox > /locked.txt && pip install --no-cache-dir --require-hashes --requirement /locked.txt

FROM base AS sandbox
COPY --from=sandbox-build /venv /venv
COPY --from=sandbox-build /app /app
USER connector
CMD ["python", "-m", "sandbox.bigcommerce", "--host", "0.0.0.0", "--port", "8300"]

# The product never imports the sandbox.
FROM build AS service-build
RUN rm -rf sandbox

FROM base AS service
COPY --from=service-build /venv /venv
COPY --from=service-build /app /app
USER connector
HEALTHCHECK --interval=30s --timeout=20s --start-period=20s \
  CMD celery -A worker.app inspect ping --destination "celery@$HOSTNAME" --timeout 10
CMD ["celery", "-A", "worker.app", "worker", "-P", "threads", "-c", "16", "-E", "--without-gossip", "--without-mingle"]
