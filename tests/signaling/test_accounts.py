"""People and devices prove who they are, once for each proof."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from deploy.demo_world import PASSWORD
from signaling.access import Refusal, Role
from signaling.accounts import CODE_LIFE, LOCK_FOR, SESSION_LIFE, Accounts, Kiosk, Locked
from signaling.client import KioskKey
from tests.scheduling.office import office
from tests.support.worlds import World

NOW = datetime.now(UTC).replace(microsecond=0)
SITE, CITY = "jiaxing-hall", "330400"


@pytest_asyncio.fixture
async def accounts(world: World) -> AsyncIterator[Accounts]:
    """The accounts of the demo world."""
    async with office(world) as at:
        yield Accounts(at.engine)


def jwk(key: ec.EllipticCurvePrivateKey | None = None) -> dict[str, Any]:
    """The public half of a key, a new one if none is given."""
    made = key or ec.generate_private_key(ec.SECP256R1())
    return ECAlgorithm.to_jwk(made.public_key(), as_dict=True)


async def enrolled(accounts: Accounts) -> tuple[Kiosk, KioskKey]:
    """A kiosk and the key that it signs with."""
    key = KioskKey()
    public = ECAlgorithm.to_jwk(key._private.public_key(), as_dict=True)
    kiosk = await accounts.enrol(await accounts.new_code(SITE, CITY, NOW), public, NOW)
    key.kiosk = kiosk.id
    return kiosk, key


# People


async def test_a_person_signs_in_and_the_session_says_who_it_is(accounts: Accounts) -> None:
    account, secret = await accounts.sign_in("jiaxing1", PASSWORD, NOW)
    assert (account.role, account.city, account.lead) == (Role.CLERK, CITY, False)
    assert await accounts.by_session(secret, NOW) == account


async def test_a_wrong_login_and_a_wrong_password_get_the_same_answer(accounts: Accounts) -> None:
    told = []
    for login, password in (("jiaxing1", "wrong"), ("nobody", PASSWORD), ("nobody", "wrong")):
        with pytest.raises(Refusal) as refused:
            await accounts.sign_in(login, password, NOW)
        told.append((type(refused.value), str(refused.value)))
    assert len(set(told)) == 1


@pytest.mark.parametrize("login", ["jiaxing1", "nobody"])
async def test_five_failures_lock_a_login_whether_it_exists_or_not(
    accounts: Accounts, login: str
) -> None:
    for _ in range(5):
        with pytest.raises(Refusal, match="wrong"):
            await accounts.sign_in(login, "wrong", NOW)
    with pytest.raises(Locked):
        await accounts.sign_in(login, PASSWORD, NOW + LOCK_FOR - timedelta(seconds=1))
    await accounts.sign_in("jiaxing2", PASSWORD, NOW)


async def test_a_lock_ends_after_its_time(accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(Refusal):
            await accounts.sign_in("jiaxing1", "wrong", NOW)
    await accounts.sign_in("jiaxing1", PASSWORD, NOW + LOCK_FOR + timedelta(seconds=1))


async def test_success_forgets_the_failures_before_it(accounts: Accounts) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(Refusal, match="wrong"):
                await accounts.sign_in("jiaxing1", "wrong", NOW)
        await accounts.sign_in("jiaxing1", PASSWORD, NOW)


async def test_guesses_made_at_once_are_counted_too(accounts: Accounts) -> None:
    """Otherwise a lock of five holds off nobody who asks in parallel."""
    guesses = await asyncio.gather(
        *(accounts.sign_in("jiaxing1", f"guess {n}", NOW) for n in range(12)),
        return_exceptions=True,
    )
    assert all(isinstance(g, Refusal) for g in guesses)
    assert sum(not isinstance(g, Locked) for g in guesses) == 5
    with pytest.raises(Locked):
        await accounts.sign_in("jiaxing1", PASSWORD, NOW)


async def test_signing_out_ends_that_session_alone(accounts: Accounts) -> None:
    _, first = await accounts.sign_in("jiaxing1", PASSWORD, NOW)
    _, second = await accounts.sign_in("jiaxing1", PASSWORD, NOW)
    await accounts.sign_out(first)
    with pytest.raises(Refusal):
        await accounts.by_session(first, NOW)
    await accounts.by_session(second, NOW)
    await accounts.sign_out("never issued")


async def test_a_session_ends_after_twelve_hours(accounts: Accounts) -> None:
    _, secret = await accounts.sign_in("jiaxing1", PASSWORD, NOW)
    await accounts.by_session(secret, NOW + SESSION_LIFE - timedelta(seconds=1))
    with pytest.raises(Refusal):
        await accounts.by_session(secret, NOW + SESSION_LIFE)


@pytest.mark.parametrize("secret", ["", "x", "' OR 1=1 --"])
async def test_an_invented_session_is_refused(accounts: Accounts, secret: str) -> None:
    with pytest.raises(Refusal):
        await accounts.by_session(secret, NOW)


# Enrolment


async def test_a_code_enrols_one_kiosk_at_its_site(accounts: Accounts) -> None:
    kiosk, _ = await enrolled(accounts)
    assert (kiosk.site, kiosk.city, kiosk.active) == (SITE, CITY, True)
    assert await accounts.kiosks(CITY) == [kiosk]
    assert await accounts.kiosks("330100") == []


async def test_a_code_is_good_for_one_kiosk(accounts: Accounts) -> None:
    code = await accounts.new_code(SITE, CITY, NOW)
    await accounts.enrol(code, jwk(), NOW)
    with pytest.raises(Refusal):
        await accounts.enrol(code, jwk(), NOW)


async def test_a_code_used_at_once_by_many_enrols_exactly_one(accounts: Accounts) -> None:
    code = await accounts.new_code(SITE, CITY, NOW)
    done = await asyncio.gather(
        *(accounts.enrol(code, jwk(), NOW) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(d, Kiosk) for d in done) == 1
    assert sum(isinstance(d, Refusal) for d in done) == 7
    assert len(await accounts.kiosks(None)) == 1


async def test_a_code_is_good_for_fifteen_minutes(accounts: Accounts) -> None:
    code = await accounts.new_code(SITE, CITY, NOW)
    with pytest.raises(Refusal):
        await accounts.enrol(code, jwk(), NOW + CODE_LIFE)
    await accounts.enrol(code, jwk(), NOW + CODE_LIFE - timedelta(seconds=1))


@pytest.mark.parametrize("code", ["", "00000000-00000000-00000000-00000000", "x" * 200])
async def test_an_unknown_code_is_refused(accounts: Accounts, code: str) -> None:
    with pytest.raises(Refusal):
        await accounts.enrol(code, jwk(), NOW)


async def test_a_code_may_be_typed_with_capitals_and_spaces_around(accounts: Accounts) -> None:
    code = await accounts.new_code(SITE, CITY, NOW)
    await accounts.enrol(f"  {code.upper()} ", jwk(), NOW)


def private_jwk() -> dict[str, Any]:
    return ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)


BAD_KEYS = {
    "private": private_jwk(),
    "P-384": jwk(ec.generate_private_key(ec.SECP384R1())),
    "P-521": jwk(ec.generate_private_key(ec.SECP521R1())),
    "secp256k1": jwk(ec.generate_private_key(ec.SECP256K1())),
    "P-384 called P-256": {**jwk(ec.generate_private_key(ec.SECP384R1())), "crv": "P-256"},
    "RSA": RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True),
    "symmetric": {"kty": "oct", "k": "c2VjcmV0"},
    "empty": {},
    "no point": {"kty": "EC", "crv": "P-256"},
    "off the curve": {**jwk(), "x": jwk()["x"]},
    "numbers": {"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
    "lists": {"kty": "EC", "crv": "P-256", "x": ["a"], "y": ["b"]},
    "nulls": {"kty": "EC", "crv": "P-256", "x": None, "y": None},
    "objects": {"kty": "EC", "crv": "P-256", "x": {}, "y": {}},
    "not base64": {"kty": "EC", "crv": "P-256", "x": "!!!", "y": "字"},
    "kty a list": {**jwk(), "kty": ["EC"]},
}


@pytest.mark.parametrize("name", BAD_KEYS)
async def test_anything_but_a_public_p256_key_is_refused_and_the_code_stays_good(
    accounts: Accounts, name: str
) -> None:
    code = await accounts.new_code(SITE, CITY, NOW)
    with pytest.raises(ValueError, match="public_key"):
        await accounts.enrol(code, json.loads(json.dumps(BAD_KEYS[name])), NOW)
    await accounts.enrol(code, jwk(), NOW)


# Assertions


async def test_a_kiosk_proves_itself_once_with_each_assertion(accounts: Accounts) -> None:
    kiosk, key = await enrolled(accounts)
    assertion = key.assertion()
    assert await accounts.by_assertion(assertion, NOW) == kiosk
    with pytest.raises(Refusal, match="used"):
        await accounts.by_assertion(assertion, NOW)
    assert await accounts.by_assertion(key.assertion(), NOW) == kiosk


async def test_an_assertion_used_at_once_by_many_proves_one(accounts: Accounts) -> None:
    _, key = await enrolled(accounts)
    assertion = key.assertion()
    done = await asyncio.gather(
        *(accounts.by_assertion(assertion, NOW) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(d, Kiosk) for d in done) == 1
    assert sum(isinstance(d, Refusal) for d in done) == 7


async def test_one_kiosk_cannot_speak_for_another(accounts: Accounts) -> None:
    _, first = await enrolled(accounts)
    second, _ = await enrolled(accounts)
    first.kiosk = second.id
    with pytest.raises(Refusal):
        await accounts.by_assertion(first.assertion(), NOW)


async def test_a_kiosk_that_was_never_enrolled_is_refused(accounts: Accounts) -> None:
    key = KioskKey()
    for name in ("kiosk-000000000000", "", "jiaxing1"):
        key.kiosk = name
        with pytest.raises(Refusal):
            await accounts.by_assertion(key.assertion(), NOW)


async def test_a_suspended_kiosk_can_prove_nothing_until_it_is_let_in_again(
    accounts: Accounts,
) -> None:
    kiosk, key = await enrolled(accounts)
    await accounts.set_kiosk_active(kiosk.id, False)
    assert not await accounts.is_active(kiosk.identity)
    with pytest.raises(Refusal):
        await accounts.by_assertion(key.assertion(), NOW)
    await accounts.set_kiosk_active(kiosk.id, True)
    assert (await accounts.by_assertion(key.assertion(), NOW)).id == kiosk.id
