"""Signed HTTP messages: the standard's example, and whatever is changed is not trusted."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.materials import message_signatures as signatures
from media.materials.message_signatures import Untrusted

SECRET, OTHER = b"a secret of more than 32 characters", b"quite another secret of 32 characters"
NONCE, NOW_S = "0123456789abcdef", 1_795_000_000
REQUEST = signatures.request_components("POST", "/v1/x", "application/json", b"{}")


def signed(
    components: signatures.Components = REQUEST, secret: bytes = SECRET, nonce: str = NONCE
) -> dict[str, str]:
    return signatures.sign(components, secret, created_s=NOW_S, nonce=nonce)


def test_the_example_of_the_standard_is_signed_as_it_says() -> None:
    """RFC 9421, appendix B.2.5."""
    secret = base64.b64decode(
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    )
    components = [
        ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"),
        ('"@authority"', "example.com"),
        ('"content-type"', "application/json"),
    ]
    parameters = (
        '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
    )
    base = signatures.signature_base(components, parameters)
    assert signatures._bytes(signatures._mac(secret, base)) == (
        ":pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"
    )


def test_the_digest_is_that_of_the_standard() -> None:
    """RFC 9530, appendix B."""
    assert signatures.digest(b'{"hello": "world"}\n') == (
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    )


def test_what_was_signed_is_trusted_for_a_minute_by_either_clock() -> None:
    for now_s in (NOW_S - 60, NOW_S, NOW_S + 60):
        assert signatures.check(signed(), REQUEST, SECRET, now_s).nonce == NONCE
    for now_s in (NOW_S - 61, NOW_S + 61):
        with pytest.raises(Untrusted, match="created"):
            signatures.check(signed(), REQUEST, SECRET, now_s)


def test_a_message_of_another_secret_is_not_trusted() -> None:
    with pytest.raises(Untrusted, match="shared secret"):
        signatures.check(signed(secret=OTHER), REQUEST, SECRET, NOW_S)


@given(st.integers(0, 3), st.text(min_size=1, max_size=40))
def test_whatever_part_of_a_message_is_changed_it_is_not_trusted(place: int, value: str) -> None:
    changed = list(REQUEST)
    if value == changed[place][1]:
        return
    changed[place] = (changed[place][0], value)
    with pytest.raises(Untrusted):
        signatures.check(signed(), changed, SECRET, NOW_S)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("vw=", "sig="),
        ('"@method" ', ""),
        ('"content-digest"', '"content-length"'),
        (f"created={NOW_S}", f"created={NOW_S + 1}"),
        (f"created={NOW_S}", "created=999999999999999999999"),
        (f"created={NOW_S}", "created=٣"),
        (f";created={NOW_S}", ""),
        (NONCE, "short"),
        (NONCE, NONCE[::-1]),
        (f';nonce="{NONCE}"', ""),
        ("hmac-sha256", "none"),
        (";alg", ";algorithm"),
        (";alg", ';expires="x";alg'),
        ("(", "(("),
    ],
)
def test_a_signature_of_another_shape_is_not_trusted(was: str, now: str) -> None:
    headers = signed()
    assert was in headers[signatures.INPUT]
    headers[signatures.INPUT] = headers[signatures.INPUT].replace(was, now)
    with pytest.raises(Untrusted):
        signatures.check(headers, REQUEST, SECRET, NOW_S)


@given(st.dictionaries(st.sampled_from(["Signature", "Signature-Input"]), st.text(max_size=200)))
def test_no_header_is_more_than_untrusted(headers: dict[str, str]) -> None:
    with pytest.raises(Untrusted):
        signatures.check(headers, REQUEST, SECRET, NOW_S)


def test_an_answer_belongs_to_one_request() -> None:
    first, second = signed()["Signature"], signed(nonce="another-nonce-of-16")["Signature"]
    answer = signatures.answer_components(200, "application/json", b"{}", first)
    headers = signed(answer)
    assert signatures.check(headers, answer, SECRET, NOW_S)
    with pytest.raises(Untrusted):
        signatures.check(
            headers,
            signatures.answer_components(200, "application/json", b"{}", second),
            SECRET,
            NOW_S,
        )
