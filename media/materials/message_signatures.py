"""Who has sent an HTTP message, and is it whole? HTTP Message Signatures with a shared secret.

Two fixed shapes of RFC 9421, by `hmac-sha256`: a request signs its method, path, type and digest,
an answer its status, type, digest and the signature of the request it answers. Whoever signs
otherwise is not trusted. Pure: time and nonce are arguments; what is sent is `licences.py`.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LABEL = "vw"
MAX_AGE_S = 60  # also how far two clocks may differ
ALGORITHM = "hmac-sha256"
INPUT, SIGNATURE, DIGEST = "Signature-Input", "Signature", "Content-Digest"

Components = Sequence[tuple[str, str]]
"""Component identifiers as they are written (RFC 9421, section 2), each with its value."""

_INPUT = re.compile(rf"{LABEL}=(\([^()]*\))((?:;[a-z]+=(?:[0-9]{{1,15}}|\"[!#-~]*\"))*)")
_PARAMETER = re.compile(r";([a-z]+)=(?:([0-9]{1,15})|\"([!#-~]*)\")")
_VALUE = re.compile(rf"{LABEL}=(:[A-Za-z0-9+/]+={{0,2}}:)")


class Untrusted(ValueError):  # noqa: N818
    """The message is not signed with the shared secret, was changed, or is too old."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a valid signature says of itself."""

    nonce: str
    created_s: int


def digest(body: bytes) -> str:
    """`Content-Digest` of a body (RFC 9530, section 2)."""
    return f"sha-256={_bytes(hashlib.sha256(body).digest())}"


def key_id(secret: bytes) -> str:
    """The name of a secret, which does not tell it: two may hold while one is being changed."""
    return hashlib.sha256(secret).hexdigest()[:16]


def request_components(method: str, path: str, content_type: str, body: bytes) -> Components:
    """What a request signs. `path` is the path as it is sent, without a query."""
    return (
        ('"@method"', method),
        ('"@path"', path),
        ('"content-type"', content_type),
        ('"content-digest"', digest(body)),
    )


def answer_components(status: int, content_type: str, body: bytes, request: str) -> Components:
    """What an answer signs. `request` is the `Signature` header of the request it answers.

    Raises Untrusted where that header is none of ours.
    """
    return (
        ('"@status"', str(status)),
        ('"content-type"', content_type),
        ('"content-digest"', digest(body)),
        (f'"signature";req;key="{LABEL}"', _value(request)),
    )


def signature_base(components: Components, parameters: str) -> bytes:
    """What is signed (RFC 9421, section 2.5); `parameters` is the value of `@signature-params`."""
    lines = [f"{name}: {value}" for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def sign(components: Components, secret: bytes, *, created_s: int, nonce: str) -> dict[str, str]:
    """The headers `Signature-Input` and `Signature`."""
    parameters = (
        f'{_covered(components)};created={created_s};nonce="{nonce}"'
        f';keyid="{key_id(secret)}";alg="{ALGORITHM}"'
    )
    return {
        INPUT: f"{LABEL}={parameters}",
        SIGNATURE: f"{LABEL}={_bytes(_mac(secret, signature_base(components, parameters)))}",
    }


def check(
    headers: Mapping[str, str], components: Components, secret: bytes, now_s: float
) -> Checked:
    """Make sure that these components were signed with this secret, just now. Raises Untrusted."""
    given = _INPUT.fullmatch(headers.get(INPUT, ""))
    if given is None:
        raise Untrusted(f"{INPUT}: missing, or not of the form {LABEL}=(…);created=…")
    if given[1] != _covered(components):
        raise Untrusted(f"{INPUT}: it must cover {_covered(components)}")
    parameters = {name: number or text for name, number, text in _PARAMETER.findall(given[2])}
    if parameters.get("alg") != ALGORITHM:
        raise Untrusted(f"{INPUT}: alg must be {ALGORITHM}")
    nonce, created = parameters.get("nonce", ""), parameters.get("created", "")
    if not 16 <= len(nonce) <= 64:
        raise Untrusted(f"{INPUT}: nonce must have 16 to 64 characters")
    if not created.isdecimal() or abs(now_s - int(created)) > MAX_AGE_S:
        raise Untrusted(f"{INPUT}: created is more than {MAX_AGE_S} s from now")
    base = signature_base(components, given[1] + given[2])
    expected = _bytes(_mac(secret, base))
    if not hmac.compare_digest(expected.encode(), _value(headers.get(SIGNATURE, "")).encode()):
        raise Untrusted(f"{SIGNATURE}: not made with the shared secret for this message")
    return Checked(nonce, int(created))


def _covered(components: Components) -> str:
    return f"({' '.join(name for name, _ in components)})"


def _mac(secret: bytes, base: bytes) -> bytes:
    return hmac.digest(secret, base, "sha256")


def _bytes(value: bytes) -> str:
    """A byte sequence as structured fields write it (RFC 9651, section 3.3.5)."""
    return f":{base64.b64encode(value).decode()}:"


def _value(header: str) -> str:
    found = _VALUE.fullmatch(header)
    if found is None:
        raise Untrusted(f"{SIGNATURE}: missing, or not of the form {LABEL}=:…:")
    try:
        base64.b64decode(found[1][1:-1], validate=True)
    except binascii.Error as error:
        raise Untrusted(f"{SIGNATURE}: not base64") from error
    return found[1]
