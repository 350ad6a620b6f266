"""Who may do what, and how is it proved? Roles, and short-lived tokens (PyJWT).

Three kinds of token, told apart by `typ`, each with its own audience and length of life: access
(5 min, for the HTTP interface), line (30 s, once, for one WebSocket), and the assertion (60 s,
once) that a kiosk signs with its own key (RFC 7523). The algorithm is fixed per kind.
"""

import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

import jwt
import msgspec

ISSUER = "virtual-window"
ACCESS_LIFE = timedelta(minutes=5)
LINE_LIFE = timedelta(seconds=30)
ASSERTION_LIFE = timedelta(seconds=60)
MIN_SECRET_BYTES = 32
_REQUIRED = ["aud", "iss", "exp", "iat", "jti", "sub", "typ"]
Kind = Literal["access", "line"]


class Role(StrEnum):
    """What somebody is here for."""

    KIOSK = "kiosk"
    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Identity(msgspec.Struct, frozen=True):
    """Somebody who proved who they are. `lead` sees all cities, others their own."""

    id: str
    role: Role
    city: str
    lead: bool = False

    def may_see(self, city: str) -> bool:
        """Whether this city's data is theirs to see."""
        return self.lead or self.city == city


class Refusal(Exception):  # noqa: N818
    """The proof is missing, wrong, expired or used; the text says which."""


class Tokens:
    """Makes and reads the tokens of this service. `secret` is at least 32 random bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the token secret needs at least {MIN_SECRET_BYTES} bytes")
        self._secret = secret

    def issue(self, kind: Kind, identity: Identity, now: datetime | None = None) -> str:
        """A signed token of this kind for this identity."""
        at = now or datetime.now(UTC)
        life = ACCESS_LIFE if kind == "access" else LINE_LIFE
        claims = {
            "iss": ISSUER,
            "aud": kind,
            "typ": kind,
            "sub": identity.id,
            "jti": str(uuid.uuid4()),
            "iat": at,
            "exp": at + life,
            "role": identity.role,
            "city": identity.city,
            "lead": identity.lead,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def read(self, kind: Kind, token: str) -> tuple[Identity, str, datetime]:
        """Identity, token id and expiry. Raises Refusal."""
        claims = _decode(token, self._secret, "HS256", kind)
        if claims["typ"] != kind:
            raise Refusal("this token is of another kind")
        try:
            identity = Identity(
                claims["sub"], Role(claims["role"]), claims["city"], bool(claims["lead"])
            )
        except (KeyError, ValueError) as error:
            raise Refusal("this token lacks a role") from error
        return identity, claims["jti"], datetime.fromtimestamp(claims["exp"], UTC)


def read_assertion(token: str, public_key: Any) -> tuple[str, datetime]:
    """Token id and expiry of what a kiosk signed (ES256). Raises Refusal."""
    claims = _decode(token, public_key, "ES256", "kiosk-token", issuer=None)
    if claims["typ"] != "assertion" or claims["iss"] != claims["sub"]:
        raise Refusal("this token is of another kind")
    issued, expires = claims["iat"], claims["exp"]
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise Refusal("the token is not valid")  # PyJWT also takes numbers as text
    if expires - issued > ASSERTION_LIFE.total_seconds():
        raise Refusal("the assertion may live 60 s at most")
    return claims["jti"], datetime.fromtimestamp(expires, UTC)


def unverified_subject(token: str) -> str:
    """Who a token says it is from, to look up the key that proves it. Raises Refusal."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise Refusal("this is not a token") from error
    return str(claims.get("sub", ""))


def _decode(
    token: str, key: Any, algorithm: str, audience: str, issuer: str | None = ISSUER
) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            options={"require": _REQUIRED},
        )
    except jwt.ExpiredSignatureError as error:
        raise Refusal("the token has expired") from error
    except jwt.PyJWTError as error:
        raise Refusal("the token is not valid") from error
