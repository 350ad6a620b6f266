"""`/api/sessions`, `/api/kiosks`, `/api/line-tickets`: proving who one is."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from aiohttp import web

from scheduling.record import Site
from signaling.access import ACCESS_LIFE, Identity, Role, Tokens
from signaling.accounts import SESSION_LIFE, Account, Accounts, Kiosk
from signaling.api.rest import (
    ANYONE,
    COOKIE,
    EVERYONE,
    Asked,
    Nothing,
    Operation,
    Problem,
    json_response,
)
from signaling.audit import Audit
from signaling.protocol import SiteView
from signaling.world import World, site_view

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
LEADS = frozenset({Role.ADMIN})


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """Login and password of a person."""

    login: Text
    password: Text


class AccountView(msgspec.Struct):
    """The person who signed in."""

    id: str
    role: Role
    city: str
    name_zh: str
    name_en: str
    lead: bool


class SignedIn(msgspec.Struct):
    """An access token for `Authorization: Bearer`, good for `expires_in_s`."""

    access_token: str
    expires_in_s: int
    account: AccountView


class Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    """A one-time code and the public half (JWK, P-256) of the key the device made."""

    code: Text
    public_key: dict[str, Any]


class KioskView(msgspec.Struct):
    """One enrolled device."""

    id: str
    site: SiteView
    city: str
    active: bool
    enrolled_at: str
    online: bool


class Assertion(msgspec.Struct, forbid_unknown_fields=True):
    """A JWT signed with the device's key (ES256): `iss` = `sub` = kiosk, `aud` = kiosk-token."""

    assertion: Annotated[str, msgspec.Meta(max_length=4096)]


class AccessToken(msgspec.Struct):
    """An access token for `Authorization: Bearer`, good for `expires_in_s`."""

    access_token: str
    expires_in_s: int


class LineTicket(msgspec.Struct):
    """What `hello` on the line proves itself with: once, within 30 s."""

    ticket: str


class CodeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The site where the new kiosk stands."""

    site: Text


class EnrolmentCode(msgspec.Struct):
    """A one-time code, good for 15 minutes, shown once."""

    code: str
    site: SiteView


class KioskChange(msgspec.Struct, forbid_unknown_fields=True):
    """Suspend a device, or let it in again."""

    active: bool


class IdentityApi:
    """Sign-in of people and devices."""

    def __init__(
        self,
        world: World,
        accounts: Accounts,
        tokens: Tokens,
        audit: Audit,
        *,
        secure: bool,
        is_online: Callable[[str], bool],
    ) -> None:
        self._world, self._accounts, self._tokens, self._audit = world, accounts, tokens, audit
        self._secure, self._is_online = secure, is_online

    def operations(self) -> list[Operation]:
        """The rows of this resource."""
        return [
            Operation(
                "POST", "/api/sessions", "Sign in with login and password", ANYONE,
                self.sign_in, SignIn, SignedIn,
            ),
            Operation(
                "POST", "/api/sessions/token", "A new access token for the session's cookie",
                ANYONE, self.renew, None, SignedIn,
            ),
            Operation(
                "DELETE", "/api/sessions", "Sign out", ANYONE, self.sign_out,
            ),
            Operation(
                "POST", "/api/kiosks", "Enrol a kiosk with a one-time code", ANYONE,
                self.enrol, Enrolment, KioskView,
            ),
            Operation(
                "POST", "/api/kiosks/token", "An access token for a kiosk's assertion", ANYONE,
                self.kiosk_token, Assertion, AccessToken,
            ),
            Operation(
                "POST", "/api/line-tickets", "A single-use ticket for the WebSocket",
                EVERYONE - {Role.ADMIN}, self.line_ticket, None, LineTicket,
            ),
            Operation(
                "GET", "/api/kiosks", "The kiosks of one's city", LEADS, self.kiosks, None,
                list[KioskView],
            ),
            Operation(
                "GET", "/api/sites", "The sites of one's city", LEADS, self.sites, None,
                list[SiteView],
            ),
            Operation(
                "POST", "/api/enrolment-codes", "A one-time code to enrol a kiosk", LEADS,
                self.new_code, CodeRequest, EnrolmentCode,
            ),
            Operation(
                "PATCH", "/api/kiosks/{kiosk}", "Suspend a kiosk or let it in again", LEADS,
                self.change_kiosk, KioskChange, Nothing,
            ),
        ]  # fmt: skip

    async def sign_in(self, asked: Asked) -> web.Response:
        """Cookie for the pages, token for the interface."""
        account, secret = await self._accounts.sign_in(
            asked.body.login, asked.body.password, asked.now
        )
        await self._audit.log(account.identity, "sign_in", account.id, asked.now)
        response = json_response(self._signed_in(account))
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._secure,
            path="/api/",
        )
        return response

    async def renew(self, asked: Asked) -> SignedIn:
        """The cookie's session must still stand."""
        secret = asked.request.cookies.get(COOKIE, "")
        return self._signed_in(await self._accounts.by_session(secret, asked.now))

    async def sign_out(self, asked: Asked) -> web.Response:
        """End the session and forget the cookie."""
        await self._accounts.sign_out(asked.request.cookies.get(COOKIE, ""))
        response = json_response(Nothing())
        response.del_cookie(COOKIE, path="/api/")
        return response

    async def enrol(self, asked: Asked) -> KioskView:
        """The code is used up by this."""
        try:
            kiosk = await self._accounts.enrol(asked.body.code, asked.body.public_key, asked.now)
        except ValueError as error:
            raise Problem(400, str(error)) from error
        await self._audit.log(kiosk.identity, "enrol", kiosk.id, asked.now)
        return self._kiosk_view(kiosk)

    async def kiosk_token(self, asked: Asked) -> AccessToken:
        """Prove the key, get a token."""
        kiosk = await self._accounts.by_assertion(asked.body.assertion, asked.now)
        return self._access(kiosk.identity)

    async def line_ticket(self, asked: Asked) -> LineTicket:
        """For the hello of one socket."""
        return LineTicket(self._tokens.issue("line", asked.who, asked.now))

    async def kiosks(self, asked: Asked) -> list[KioskView]:
        """All of them for the lead city."""
        city = None if asked.who.lead else asked.who.city
        return [self._kiosk_view(kiosk) for kiosk in await self._accounts.kiosks(city)]

    async def sites(self, asked: Asked) -> list[SiteView]:
        """All of them for the lead city."""
        return [site_view(s) for s in self._world.sites.values() if asked.who.may_see(s.city)]

    async def new_code(self, asked: Asked) -> EnrolmentCode:
        """For a site of one's own city."""
        site = self._world.sites.get(asked.body.site)
        if site is None or not asked.who.may_see(site.city):
            raise Problem(404, f"no site {asked.body.site}")
        code = await self._accounts.new_code(site.id, site.city, asked.now)
        await self._audit.log(asked.who, "new_enrolment_code", site.id, asked.now)
        return EnrolmentCode(code, site_view(site))

    async def change_kiosk(self, asked: Asked) -> Nothing:
        """Its open line is closed within 60 s."""
        kiosk = await self._accounts.kiosk(asked.part("kiosk"))
        if kiosk is None or not asked.who.may_see(kiosk.city):
            raise Problem(404, "no such kiosk")
        await self._accounts.set_kiosk_active(kiosk.id, asked.body.active)
        action = "admit_kiosk" if asked.body.active else "suspend_kiosk"
        await self._audit.log(asked.who, action, kiosk.id, asked.now)
        return Nothing()

    def _signed_in(self, account: Account) -> SignedIn:
        token = self._access(account.identity)
        return SignedIn(
            token.access_token,
            token.expires_in_s,
            AccountView(
                account.id,
                account.role,
                account.city,
                account.name_zh,
                account.name_en,
                account.lead,
            ),
        )

    def _access(self, who: Identity) -> AccessToken:
        return AccessToken(self._tokens.issue("access", who), int(ACCESS_LIFE.total_seconds()))

    def _kiosk_view(self, kiosk: Kiosk) -> KioskView:
        site: Site = self._world.sites[kiosk.site]
        return KioskView(
            kiosk.id,
            site_view(site),
            kiosk.city,
            kiosk.active,
            kiosk.enrolled_at.isoformat(),
            self._is_online(kiosk.id),
        )
