"""What is posted, and when it is tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from worker.webhooks import letters

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"test": 2432232314}'


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that the reference implementations share."""
    signed = letters.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, [SECRET], at=datetime.fromtimestamp(1614265330, UTC))
    assert signed["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert signed["webhook-timestamp"] == "1614265330"
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs_and_no_other_opens() -> None:
    signed = letters.headers("evt_1", BODY, [SECRET, OTHER])
    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(BODY, signed) == {"test": 2432232314}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(BODY, signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + " ", signed)


def test_the_tries_come_later_and_later_and_end() -> None:
    rng = random.Random(7)
    waits = [letters.again_in(failures, rng) for failures in range(1, 10)]
    assert waits[-1] is None
    told = [wait for wait in waits if wait is not None]
    assert len(told) == 8
    for wait, middle in zip(told, (5, 30, 120, 600, 3600, 10800, 28800, 86400), strict=True):
        assert 0.8 * middle <= wait <= 1.2 * middle
    assert len({letters.again_in(1, rng) for _ in range(20)}) > 10, "they are spread"
