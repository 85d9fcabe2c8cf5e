"""Credentials are sealed for one place, and only a key of the ring opens them."""

from __future__ import annotations

import base64

import pytest

from worker.ledger.vault import KeyMissing, Vault

OLD, NEW = (base64.b64encode(bytes([filling]) * 32).decode() for filling in (1, 2))
SECRET = "canary-señal"


def sealed(vault: Vault, *, tenant: int = 1, connector: int = 7, field: str = "store_token") -> tuple[str, bytes]:
    return vault.seal(SECRET, tenant_id=tenant, connector_id=connector, field=field)


def opened(
    vault: Vault, kept: tuple[str, bytes], *, tenant: int = 1, connector: int = 7, field: str = "store_token"
) -> str:
    return vault.open(*kept, tenant_id=tenant, connector_id=connector, field=field)


def test_what_is_sealed_is_opened_again() -> None:
    vault = Vault.from_ring(f"new:{NEW}")
    assert opened(vault, sealed(vault)) == SECRET


def test_sealed_bytes_show_nothing_and_never_repeat() -> None:
    vault = Vault.from_ring(f"new:{NEW}")
    (_, once), (_, twice) = sealed(vault), sealed(vault)
    assert SECRET.encode() not in once
    assert once != twice


def test_the_first_key_seals_and_all_open() -> None:
    before = sealed(Vault.from_ring(f"old:{OLD}"))
    rotated = Vault.from_ring(f" new:{NEW} , old:{OLD},")
    assert sealed(rotated)[0] == "new"
    assert opened(rotated, before) == SECRET


@pytest.mark.parametrize("place", [{"tenant": 2}, {"connector": 8}, {"field": "source_secret"}])
def test_what_was_sealed_for_one_place_opens_at_no_other(place: dict[str, object]) -> None:
    vault = Vault.from_ring(f"new:{NEW}")
    with pytest.raises(KeyMissing, match="sealed for another place"):
        opened(vault, sealed(vault), **place)  # type: ignore[arg-type]  # one of the three by name


def test_tenant_and_connector_cannot_be_run_together() -> None:
    vault = Vault.from_ring(f"new:{NEW}")
    with pytest.raises(KeyMissing):
        opened(vault, sealed(vault, tenant=1, connector=12), tenant=11, connector=2)


def test_another_key_of_the_same_name_does_not_open() -> None:
    with pytest.raises(KeyMissing, match="does not open store_token"):
        opened(Vault.from_ring(f"k:{NEW}"), sealed(Vault.from_ring(f"k:{OLD}")))


def test_a_key_that_left_the_ring_is_named() -> None:
    with pytest.raises(KeyMissing, match="lacks the key 'old', which sealed store_token"):
        opened(Vault.from_ring(f"new:{NEW}"), sealed(Vault.from_ring(f"old:{OLD}")))


@pytest.mark.parametrize("position", [0, 5, 12, -1])
def test_bytes_that_were_touched_do_not_open(position: int) -> None:
    vault = Vault.from_ring(f"new:{NEW}")
    key_id, kept = sealed(vault)
    touched = bytearray(kept)
    touched[position] ^= 1
    with pytest.raises(KeyMissing):
        opened(vault, (key_id, bytes(touched)))


@pytest.mark.parametrize("kept", [b"", b"short", bytes(12)])
def test_bytes_that_were_cut_do_not_open(kept: bytes) -> None:
    with pytest.raises(KeyMissing):
        opened(Vault.from_ring(f"new:{NEW}"), ("new", kept))


def test_an_empty_ring_opens_the_service_but_seals_nothing() -> None:
    with pytest.raises(KeyMissing, match="CREDENTIAL_KEYS is empty"):
        sealed(Vault.from_ring(""))


@pytest.mark.parametrize(
    "ring",
    [
        pytest.param(NEW, id="its name was forgotten"),
        pytest.param(f"{NEW}:new", id="name and key changed places"),
        pytest.param(f"new:{NEW[:20]}", id="it was cut"),
        pytest.param(f"new:{NEW}{NEW}", id="it is too long"),
        pytest.param(f"new:*{NEW}", id="it is no base64"),
        pytest.param(f"ok:{OLD},{NEW}", id="the second one"),
    ],
)
def test_a_malformed_ring_is_refused_and_never_quoted(ring: str) -> None:
    with pytest.raises(KeyMissing, match=r"entry [12]\b") as refusal:
        Vault.from_ring(ring)
    assert NEW[:10] not in str(refusal.value)


def test_a_vault_does_not_show_its_keys() -> None:
    vault = Vault.from_ring(f"new:{NEW}")
    assert repr(base64.b64decode(NEW)) not in repr(vault)
    assert "new" not in repr(vault)
