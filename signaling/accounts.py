"""Who are the people and devices, and is this one of them? Sign-in, enrolment, sessions.

People: password (argon2id) to a cookie session. Kiosks: a one-time code to register a public key
whose private half never leaves the browser, then a signed assertion for each access token.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from signaling.access import Identity, Refusal, Role, read_assertion, unverified_subject
from signaling.tables import (
    accounts,
    database_s,
    enrolment_codes,
    kiosks,
    sessions,
    used_tokens,
)

SESSION_LIFE = timedelta(hours=12)
CODE_LIFE = timedelta(minutes=15)
LOCK_AFTER, LOCK_FOR = 5, timedelta(minutes=5)
MOST_SIGN_INS = 50  # that wait for their hash; one hash costs a core about 0.1 s


class Locked(Refusal):
    """Too many wrong passwords; nothing was checked."""


class Busy(Refusal):
    """Too many people sign in at this moment; nothing was checked."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person. `lead`: of the lead city, sees all."""

    id: str
    login: str
    name_zh: str
    name_en: str
    role: Role
    city: str
    lead: bool
    active: bool

    @property
    def identity(self) -> Identity:
        """What this person's tokens say."""
        return Identity(self.id, self.role, self.city, self.lead)


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One enrolled device."""

    id: str
    site: str
    city: str
    active: bool
    enrolled_at: datetime

    @property
    def identity(self) -> Identity:
        """What this device's tokens say."""
        return Identity(self.id, Role.KIOSK, self.city)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _account(row: Any) -> Account:
    return Account(
        row.id, row.login, row.name_zh, row.name_en, Role(row.role), row.city, row.lead, row.active
    )


def _kiosk(row: Any) -> Kiosk:
    return Kiosk(row.id, row.site, row.city, row.active, row.enrolled_at)


class Accounts:
    """People, kiosks, their sessions and codes; the only writer of these tables."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._hasher = PasswordHasher()
        self._failures: dict[str, tuple[int, datetime]] = {}
        self._hashing = asyncio.Semaphore(1)  # strangers' guesses must not take every thread
        self._signing_in = 0
        self._dummy_hash = self._hasher.hash(secrets.token_hex(16))

    async def add_account(
        self,
        *,
        login: str,
        password: str,
        name_zh: str,
        name_en: str,
        role: Role,
        city: str,
        lead: bool = False,
        cost: PasswordHasher | None = None,
    ) -> str:
        """Create a person, or leave the one with this login as it is; returns the id."""
        hasher = cost or self._hasher
        password_hash = await asyncio.to_thread(hasher.hash, password)
        async with self._engine.begin() as connection:
            known = await connection.scalar(
                sa.select(accounts.c.id).where(accounts.c.login == login)
            )
            if known is not None:
                return str(known)
            await connection.execute(
                sa.insert(accounts).values(
                    id=login,
                    login=login,
                    name_zh=name_zh,
                    name_en=name_en,
                    role=role,
                    city=city,
                    lead=lead,
                    password_hash=password_hash,
                    active=True,
                )
            )
        return login

    async def sign_in(self, login: str, password: str, now: datetime) -> tuple[Account, str]:
        """The account and a session secret for the cookie. Raises Refusal, Locked,
        Busy.

        A wrong login costs the same time as a wrong password.
        """
        failures, since = self._failures.get(login, (0, now))
        if failures >= LOCK_AFTER and now - since < LOCK_FOR:
            raise Locked("too many wrong passwords; try again in 5 minutes")
        if self._signing_in >= MOST_SIGN_INS:
            raise Busy("too many people sign in at this moment; try again in a few seconds")
        self._remember_failure(login, failures + 1, now)  # until it proves right: guesses overlap
        self._signing_in += 1
        try:
            async with self._engine.connect() as connection:
                row = (
                    await connection.execute(sa.select(accounts).where(accounts.c.login == login))
                ).one_or_none()
            expected = row.password_hash if row else self._dummy_hash
            async with self._hashing:
                await asyncio.to_thread(self._hasher.verify, expected, password)
        except VerificationError as error:
            raise Refusal("login or password is wrong") from error
        finally:
            self._signing_in -= 1
        if row is None or not row.active:
            raise Refusal("login or password is wrong")
        self._failures.pop(login, None)
        secret = secrets.token_urlsafe(32)
        async with self._engine.begin() as connection:
            await connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
            await connection.execute(
                sa.insert(sessions).values(
                    token_hash=_hash(secret), account=row.id, expires_at=now + SESSION_LIFE
                )
            )
        return _account(row), secret

    async def by_session(self, secret: str, now: datetime) -> Account:
        """Whose cookie this is. Raises Refusal."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    sa.select(accounts)
                    .join(sessions, sessions.c.account == accounts.c.id)
                    .where(
                        sessions.c.token_hash == _hash(secret),
                        sessions.c.expires_at > now,
                        accounts.c.active,
                    )
                )
            ).one_or_none()
        if row is None:
            raise Refusal("sign in again: the session has ended")
        return _account(row)

    async def sign_out(self, secret: str) -> None:
        """End a session; an unknown one has ended."""
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.delete(sessions).where(sessions.c.token_hash == _hash(secret))
            )

    async def account(self, account_id: str) -> Account | None:
        """One person."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(sa.select(accounts).where(accounts.c.id == account_id))
            ).one_or_none()
        return _account(row) if row else None

    async def is_active(self, identity: Identity) -> bool:
        """Whether the rights behind a token still stand."""
        table = kiosks if identity.role is Role.KIOSK else accounts
        async with self._engine.connect() as connection:
            query = sa.select(table.c.active).where(table.c.id == identity.id)
            return bool(await connection.scalar(query))

    async def new_code(self, site: str, city: str, now: datetime) -> str:
        """A one-time enrolment code for a kiosk at this site, good for 15 minutes."""
        code = "-".join(secrets.token_hex(4) for _ in range(4))
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.insert(enrolment_codes).values(
                    code_hash=_hash(code), site=site, city=city, expires_at=now + CODE_LIFE
                )
            )
        return code

    async def enrol(self, code: str, public_key: dict[str, Any], now: datetime) -> Kiosk:
        """Register a device's public key (JWK, P-256) with a code. Raises Refusal, ValueError."""
        _public_key(public_key)
        kiosk_id = f"kiosk-{secrets.token_hex(6)}"
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    sa.update(enrolment_codes)
                    .where(
                        enrolment_codes.c.code_hash == _hash(code.strip().lower()),
                        enrolment_codes.c.used_by.is_(None),
                        enrolment_codes.c.expires_at > now,
                    )
                    .values(used_by=kiosk_id)
                    .returning(enrolment_codes.c.site, enrolment_codes.c.city)
                )
            ).one_or_none()
            if row is None:
                raise Refusal("this code is unknown, was used, or is older than 15 minutes")
            inserted = await connection.execute(
                sa.insert(kiosks)
                .values(
                    id=kiosk_id,
                    site=row.site,
                    city=row.city,
                    public_key=json.dumps(public_key),
                    active=True,
                    enrolled_at=now,
                )
                .returning(*kiosks.c)
            )
            return _kiosk(inserted.one())

    async def by_assertion(self, assertion: str, now: datetime) -> Kiosk:
        """The kiosk that signed this. Raises Refusal."""
        kiosk_id = unverified_subject(assertion)
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(sa.select(kiosks).where(kiosks.c.id == kiosk_id))
            ).one_or_none()
        if row is None or not row.active:
            raise Refusal("this kiosk is not enrolled")
        token_id, expires_at = read_assertion(assertion, _public_key(json.loads(row.public_key)))
        await self.use_once(token_id, expires_at, now)
        return _kiosk(row)

    async def use_once(self, token_id: str, expires_at: datetime, now: datetime) -> float:
        """Mark a single-use token as used; when that was, by the database's clock in seconds.

        Raises Refusal if it was used already.
        """
        try:
            async with self._engine.begin() as connection:
                await connection.execute(
                    sa.delete(used_tokens).where(used_tokens.c.expires_at <= now)
                )
                used = await connection.execute(
                    sa.insert(used_tokens)
                    .values(id=token_id, expires_at=expires_at)
                    .returning(database_s())
                )
                return float(used.scalar_one())
        except IntegrityError as error:
            raise Refusal("this token was used already") from error

    async def kiosk(self, kiosk_id: str) -> Kiosk | None:
        """One device."""
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(sa.select(kiosks).where(kiosks.c.id == kiosk_id))
            ).one_or_none()
        return _kiosk(row) if row else None

    async def kiosks(self, city: str | None) -> Sequence[Kiosk]:
        """The devices of one city, or of all."""
        query = sa.select(kiosks).order_by(kiosks.c.enrolled_at)
        if city is not None:
            query = query.where(kiosks.c.city == city)
        async with self._engine.connect() as connection:
            return [_kiosk(row) for row in await connection.execute(query)]

    async def set_kiosk_active(self, kiosk_id: str, active: bool) -> None:
        """Suspend a device or let it in again."""
        async with self._engine.begin() as connection:
            await connection.execute(
                sa.update(kiosks).where(kiosks.c.id == kiosk_id).values(active=active)
            )

    def _remember_failure(self, login: str, count: int, now: datetime) -> None:
        if len(self._failures) > 10_000:
            self._failures.clear()
        self._failures[login] = (count, now)


def _public_key(jwk: dict[str, Any]) -> Any:
    """Raises ValueError for anything but a public P-256 key."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
        raise ValueError("public_key: a public P-256 JWK")
    try:
        return jwt.PyJWK(jwk, algorithm="ES256").key
    except (jwt.PyJWTError, TypeError) as error:
        raise ValueError("public_key: a public P-256 JWK") from error
