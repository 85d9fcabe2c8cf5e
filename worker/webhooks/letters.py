"""What is posted: the body as it was written, and the headers of Standard Webhooks that sign it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

AFTER_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 3 * 3600.0, 8 * 3600.0, 24 * 3600.0)
"""How long after each try that failed the next one is due; after the last of them it is given up."""
JITTER = 0.2
"""Share by which these are spread, so that what failed together does not come back together."""


def headers(event_id: str, body: str, secrets: Sequence[str], *, at: datetime | None = None) -> dict[str, str]:
    """The headers of one try; each of the secrets signs it."""
    moment = at or datetime.now(UTC)
    signed = [Webhook(secret).sign(msg_id=event_id, timestamp=moment, data=body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "saleslayer-bigcommerce",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def again_in(failures: int, rng: random.Random) -> float | None:
    """Seconds until the next try, after so many that failed; None = it is given up."""
    if failures > len(AFTER_SECONDS):
        return None
    return AFTER_SECONDS[failures - 1] * rng.uniform(1 - JITTER, 1 + JITTER)
