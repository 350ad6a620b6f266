"""With which certificate does a city sign? One given as PKCS#12, else one of our own authority.

The authority of the installation is for demo and test: nobody outside trusts it, and its name says
so. Keys lie in the folder, readable by the service alone, and never in a log or a `repr`.
"""

import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

AUTHORITY_LASTS = timedelta(days=3650)
SEAL_LASTS = timedelta(days=1095)
RENEWED_BEFORE = timedelta(days=30)
BITS = 3072

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class BadSeal(ValueError):  # noqa: N818
    """A certificate cannot be used; the text names its file and never its content."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A city's certificate with its key, and the certificates up to the one that is trusted."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def name(self) -> str:
        """Who signs with it: the certificate's common name."""
        return common_name(self.certificate)

    @property
    def root(self) -> x509.Certificate:
        """The certificate at the top."""
        return self.chain[-1] if self.chain else self.certificate

    def signer(self) -> SimpleSigner:
        """For pyHanko; a new one for each signature, as it takes settings."""
        der = self.key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple([as_asn1(certificate) for certificate in self.chain])
        return SimpleSigner(
            signing_cert=as_asn1(self.certificate),
            signing_key=asn1_keys.PrivateKeyInfo.load(der),
            cert_registry=store,
        )


class Seals:
    """The seals of all cities. `folder` is ours; `given` holds `CITY.p12` where a city has one."""

    def __init__(self, folder: Path, given: Path | None = None, passphrase: str = "") -> None:
        self._folder = folder
        self._given = given
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return f"Seals({str(self._folder)!r})"

    def of(self, city: str, name: str, now: datetime) -> Seal:
        """The seal of a city (its code) that is called `name`; made if there is none, or soon none.

        Reads and writes files; call it in a thread. Raises BadSeal, OSError.
        """
        if not city.isalnum():
            raise BadSeal("city: letters and digits only")
        given = self._given_file(city)
        if given is not None:
            return _opened(given, self._passphrase, now)
        path = self._folder / f"{city}.pem"
        if path.exists():
            seal = _read(path)
            if seal.certificate.not_valid_after_utc - now > RENEWED_BEFORE:
                return seal
            path.unlink(missing_ok=True)
        authority = self._authority(now)
        return _kept(path, _issued(authority, city, name, now))

    def roots(self, now: datetime) -> tuple[x509.Certificate, ...]:
        """What signatures of this installation are traced back to; makes nothing.

        Raises BadSeal, OSError.
        """
        given = sorted(self._given.glob("*.p12")) if self._given is not None else []
        tops = [_opened(path, self._passphrase, now).root for path in given]
        authority = self._folder / "authority.pem"
        if authority.exists():
            tops.append(_read(authority).certificate)
        return tuple(dict.fromkeys(tops))

    def _given_file(self, city: str) -> Path | None:
        if self._given is None:
            return None
        path = self._given / f"{city}.p12"
        return path if path.exists() else None

    def _authority(self, now: datetime) -> Seal:
        path = self._folder / "authority.pem"
        return _read(path) if path.exists() else _kept(path, _made_authority(now))


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, else the whole subject."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def as_asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    """The same certificate for pyHanko."""
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _made_authority(now: datetime) -> Seal:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "远程虚拟窗口 Remote virtual window"),
            x509.NameAttribute(NameOID.COMMON_NAME, "安装自签根证书 self-made, not accredited"),
        ]
    )
    builder = (
        _dated(name, name, key, now, AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Seal(builder.sign(key, hashes.SHA256()), key)


def _issued(authority: Seal, city: str, name: str, now: datetime) -> Seal:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, city),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:50]}远程虚拟窗口"),
        ]
    )
    issuer = authority.certificate
    builder = (
        _dated(subject, issuer.subject, key, now, SEAL_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
    )
    return Seal(builder.sign(authority.key, hashes.SHA256()), key, (issuer,))


def _dated(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(minutes=5))
        .not_valid_after(now.astimezone(UTC) + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _kept(path: Path, seal: Seal) -> Seal:
    """Write it whole; of processes that start at once one makes it, and all use that one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_suffix(f".{secrets.token_hex(8)}")
    made.touch(mode=0o600)
    try:
        made.write_bytes(
            seal.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + b"".join(
                certificate.public_bytes(serialization.Encoding.PEM)
                for certificate in (seal.certificate, *seal.chain)
            )
        )
        os.link(made, path)
    except FileExistsError:
        return _read(path)
    finally:
        made.unlink()
    return seal


def _read(path: Path) -> Seal:
    content = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(content, password=None)
        certificate, *chain = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise BadSeal(f"{path}: this is not a key with its certificates") from error
    return _matching(path, key, certificate, tuple(chain))


def _opened(path: Path, passphrase: str, now: datetime) -> Seal:
    try:
        opened = pkcs12.load_pkcs12(path.read_bytes(), passphrase.encode() or None)
    except ValueError as error:
        raise BadSeal(f"{path}: not PKCS#12, or the passphrase is another one") from error
    if opened.cert is None or opened.key is None:
        raise BadSeal(f"{path}: a certificate with its key is needed")
    certificate = opened.cert.certificate
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise BadSeal(f"{path}: the certificate is valid to {certificate.not_valid_after_utc:%F}")
    others = {other.certificate.subject: other.certificate for other in opened.additional_certs}
    return _matching(path, opened.key, certificate, _upwards(certificate, others))


def _upwards(
    certificate: x509.Certificate, others: dict[x509.Name, x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """The issuers in order; PKCS#12 keeps none."""
    chain: list[x509.Certificate] = []
    while certificate.issuer in others:
        certificate = others.pop(certificate.issuer)
        chain.append(certificate)
    return tuple(chain)


def _matching(
    path: Path, key: object, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]
) -> Seal:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise BadSeal(f"{path}: RSA or an elliptic curve is needed")
    if key.public_key() != certificate.public_key():
        raise BadSeal(f"{path}: key and certificate do not belong together")
    return Seal(certificate, key, chain)
