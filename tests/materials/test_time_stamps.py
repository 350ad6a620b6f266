"""Time stamps: told with a signature, and needed once its certificate has ended."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from media.materials import signatures
from media.materials.seals import SEAL_LASTS, Seal, as_asn1
from media.materials.signing import NoTimeStamp, Signing
from media.materials.typesetting import Typesetter
from tests.materials import made
from tests.materials.signed import act, problems


class Authority:
    """A time-stamping authority on loopback, always at the time of the tests."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "时间戳")])
        self.certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1)
            .not_valid_before(made.AT - timedelta(days=1))
            .not_valid_after(made.AT + timedelta(days=9000))
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
            )
            .sign(key, hashes.SHA256())
        )
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._stamps = DummyTimeStamper(
            as_asn1(self.certificate), asn1_keys.PrivateKeyInfo.load(der), fixed_dt=made.AT
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    async def _start(self) -> str:
        app = web.Application()
        app.router.add_post("/", self._answer)
        app.router.add_post("/nonsense", self._nonsense)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        listening = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(self._runner, listening).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    async def _answer(self, request: web.Request) -> web.Response:
        asked = tsp.TimeStampReq.load(await request.read())
        answer = await self._stamps.async_request_tsa_response(asked)
        return web.Response(body=answer.dump(), content_type="application/timestamp-reply")

    async def _nonsense(self, request: web.Request) -> web.Response:
        return web.Response(body=b"later", content_type="application/timestamp-reply")

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    running = Authority()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stamped(authority: Authority, typesetter: Typesetter, letter: bytes, seal: Seal) -> bytes:
    return Signing(typesetter, authority.url).by_hand(letter, act(letter), made.scrawl(), seal)


def test_a_time_stamp_is_told_and_outlives_the_certificate(
    authority: Authority, stamped: bytes, seal: Seal, tmp_path: Path
) -> None:
    late = made.AT + SEAL_LASTS + timedelta(days=1)
    for now in (made.AT, late):
        (found,) = signatures.check(stamped, [seal.root], now, [authority.certificate])
        assert found.time_stamped_at == made.AT
        assert found.problems == ()
    file = tmp_path / "stamped.pdf"
    file.write_bytes(stamped)
    assert "Signature is Valid" in made.told("pdfsig", str(file))


def test_a_time_stamp_of_an_authority_that_nobody_trusts_is_told(
    stamped: bytes, seal: Seal
) -> None:
    assert problems(stamped, seal) == {"time_stamp"}


def test_without_an_answer_of_the_authority_nothing_is_signed(
    authority: Authority, typesetter: Typesetter, letter: bytes, seal: Seal
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    for url in (f"http://127.0.0.1:{closed}/", f"{authority.url}nonsense", f"{authority.url}404"):
        with pytest.raises(NoTimeStamp):
            Signing(typesetter, url).by_city(letter, act(letter), seal)
