"""The Celery application, each setting with its reason."""

from __future__ import annotations

from celery import Celery

from worker import broker
from worker.settings import settings

QUEUE = "slices"

broker.use_it()
app = Celery("connector", broker=settings().redis_url, include=["worker.tasks"])
app.conf.update(
    # Early ack: with a late one a connection blip starts the same slice twice (measured); the lease recovers.
    task_acks_late=False,
    # Nothing is reserved behind a busy slot: order is decided as late as possible.
    worker_disable_prefetch=True,
    worker_prefetch_multiplier=1,
    # Results cost 31 % of throughput, and the truth is in Postgres.
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    # One queue: fairness is decided before.
    task_default_queue=QUEUE,
    # A slice waits for its neighbours most of the time: 16 threads take 78 MiB, 16 processes 562.
    worker_pool="threads",
    worker_concurrency=16,
    # What Flower shows.
    worker_send_task_events=True,
    task_send_sent_event=True,
    task_track_started=True,
    # Without these three a half-open connection leaves the worker deaf; never add retry_on_timeout, which hangs it.
    broker_transport_options={
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "health_check_interval": 5,
        "visibility_timeout": 3600,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A publish must not block; one that fails is repaired by the pacemaker.
    broker_pool_acquire_timeout=10,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_remote_control=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    enable_utc=True,
)
