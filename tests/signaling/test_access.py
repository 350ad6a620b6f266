"""Tokens of every wrong sort are refused, each for what is wrong with it."""

import base64
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from signaling.access import (
    ACCESS_LIFE,
    ISSUER,
    LINE_LIFE,
    Identity,
    Refusal,
    Role,
    Tokens,
    read_assertion,
    unverified_subject,
)

SECRET = b"s" * 32
TOKENS = Tokens(SECRET)
CLERK = Identity("jiaxing1", Role.CLERK, "330400")
KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token, with changes; None takes a claim away."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": "access",
        "typ": "access",
        "sub": "jiaxing1",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 300,
        "role": "clerk",
        "city": "330400",
        "lead": False,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(secret: bytes = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm)


def test_a_token_gives_back_whom_it_was_issued_to() -> None:
    for kind in ("access", "line"):
        who, token_id, expires_at = TOKENS.read(kind, TOKENS.issue(kind, CLERK))  # type: ignore[arg-type]
        assert who == CLERK
        assert token_id
        assert expires_at > datetime.now(UTC)


def test_no_two_tokens_have_the_same_id() -> None:
    ids = {TOKENS.read("line", TOKENS.issue("line", CLERK))[1] for _ in range(50)}
    assert len(ids) == 50


@pytest.mark.parametrize("changes", [{}, {"city": "330100"}, {"lead": True}])
def test_the_good_token_of_these_tests_is_good(changes: dict[str, Any]) -> None:
    TOKENS.read("access", signed(**changes))


@pytest.mark.parametrize(("issued", "read"), [("access", "line"), ("line", "access")])
def test_a_token_of_the_other_kind_is_refused(issued: Any, read: Any) -> None:
    with pytest.raises(Refusal):
        TOKENS.read(read, TOKENS.issue(issued, CLERK))


@pytest.mark.parametrize(("kind", "life"), [("access", ACCESS_LIFE), ("line", LINE_LIFE)])
def test_a_token_lives_as_long_as_its_kind_and_no_longer(kind: Any, life: timedelta) -> None:
    now = datetime.now(UTC)
    TOKENS.read(kind, TOKENS.issue(kind, CLERK, now - life + timedelta(seconds=10)))
    with pytest.raises(Refusal, match="expired"):
        TOKENS.read(kind, TOKENS.issue(kind, CLERK, now - life - timedelta(seconds=1)))


@pytest.mark.parametrize("claim", ["aud", "iss", "exp", "iat", "jti", "sub", "typ"])
def test_a_token_without_a_required_claim_is_refused(claim: str) -> None:
    with pytest.raises(Refusal):
        TOKENS.read("access", signed(**{claim: None}))


@pytest.mark.parametrize("claim", ["role", "city", "lead"])
def test_a_token_without_a_role_or_a_city_is_refused(claim: str) -> None:
    with pytest.raises(Refusal):
        TOKENS.read("access", signed(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "line"},
        {"aud": "kiosk-token"},
        {"typ": "line"},
        {"typ": "assertion"},
        {"role": "root"},
        {"role": ["clerk"]},
        {"role": 1},
        {"sub": 5},
        {"jti": 5},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"exp": "never"},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        TOKENS.read("access", signed(**changes))


def test_a_token_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(Refusal):
        TOKENS.read("access", signed(secret=b"t" * 32))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_of_another_algorithm_is_refused(algorithm: str) -> None:
    with pytest.raises(Refusal):
        TOKENS.read("access", signed(secret=b"s" * 64, algorithm=algorithm))
    with pytest.raises(Refusal):
        Tokens(b"s" * 64).read("access", signed(secret=b"s" * 64, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_is_refused(algorithm: str) -> None:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}"
    _, _, signature = signed().split(".")
    for token in (f"{body}.", body, f"{body}.{signature}"):
        with pytest.raises(Refusal):
            TOKENS.read("access", token)


def test_a_token_with_any_character_changed_is_refused() -> None:
    token = TOKENS.issue("access", CLERK)
    header, body, signature = token.split(".")
    for part, where in ((header, 0), (body, 1), (signature, 2)):
        for place in range(0, len(part) - 1, 7):  # a last character holds spare bits
            parts = [header, body, signature]
            parts[where] = part[:place] + ("A" if part[place] != "A" else "B") + part[place + 1 :]
            with pytest.raises(Refusal):
                TOKENS.read("access", ".".join(parts))


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){0,4}"))
def test_any_text_is_refused_and_never_breaks_the_reader(text: str) -> None:
    with pytest.raises(Refusal):
        TOKENS.read("access", text)
    with pytest.raises(Refusal):
        read_assertion(text, KEY.public_key())


@pytest.mark.parametrize("length", [0, 1, 31])
def test_a_short_secret_is_no_secret(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens(b"s" * length)


def test_only_the_lead_sees_other_cities() -> None:
    assert CLERK.may_see("330400")
    assert not CLERK.may_see("330100")
    assert Identity("a", Role.ADMIN, "310117", lead=True).may_see("330100")


# What kiosks sign


def assertion(key: Any = KEY, algorithm: str = "ES256", **changes: Any) -> str:
    now = int(time.time())
    good = {
        "iss": "kiosk-1",
        "sub": "kiosk-1",
        "aud": "kiosk-token",
        "typ": "assertion",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 60,
    }
    body = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return jwt.encode(body, key, algorithm=algorithm)


def test_what_a_kiosk_signed_is_read_with_its_key() -> None:
    token_id, expires_at = read_assertion(assertion(jti="abc"), KEY.public_key())
    assert token_id == "abc"
    assert expires_at > datetime.now(UTC)
    assert unverified_subject(assertion()) == "kiosk-1"


def test_what_another_key_signed_is_refused() -> None:
    with pytest.raises(Refusal):
        read_assertion(assertion(OTHER_KEY), KEY.public_key())


def test_an_assertion_of_another_algorithm_is_refused() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    for token in (assertion(rsa_key, "RS256"), assertion(b"s" * 32, "HS256")):
        with pytest.raises(Refusal):
            read_assertion(token, KEY.public_key())


NOW = int(time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW + 3600},
        {"iat": NOW - 3600},
        {"iat": -(10**9)},
        {"exp": NOW - 10, "iat": NOW - 60},
        {"iat": NOW + 3600, "exp": NOW + 3660},
        {"aud": "access"},
        {"aud": None},
        {"typ": "access"},
        {"typ": None},
        {"iss": "kiosk-2"},
        {"iss": None},
        {"sub": None},
        {"jti": None},
        {"iat": None},
        {"exp": None},
        {"jti": 7},
        {"exp": str(NOW + 30)},
        {"iat": str(NOW)},
        {"exp": 10**300},
        {"exp": [NOW]},
        {"iat": {}},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        read_assertion(assertion(**changes), KEY.public_key())
