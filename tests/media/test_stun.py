"""Only an authenticated binding request is a binding request; everything else is nothing."""

import hmac

import pytest
from aioice import stun as wire
from hypothesis import example, given
from hypothesis import strategies as st

from media.node import stun

PASSWORD = "0123456789abcdef0123456789abcdef"
PEER, PEER6 = ("127.0.0.1", 40_000), ("2001:db8::7", 40_000)


def binding(
    *,
    username: str | None = "ours:theirs",
    password: str | None = PASSWORD,
    nominated: bool = False,
    message_class: wire.Class = wire.Class.REQUEST,
    method: wire.Method = wire.Method.BINDING,
) -> bytes:
    """A binding request as a browser's controlling agent sends it."""
    message = wire.Message(message_method=method, message_class=message_class)
    if username is not None:
        message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1_853_817_087
    message.attributes["ICE-CONTROLLING"] = 7
    if nominated:
        message.attributes["USE-CANDIDATE"] = None
    if password is not None:
        message.add_message_integrity(password.encode())
    return bytes(message)


def attribute(kind: int, value: bytes) -> bytes:
    """One raw STUN attribute, padded."""
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)


def with_attributes(*attributes: bytes) -> bytes:
    """A binding request header with raw attributes behind it."""
    body = b"".join(attributes)
    return b"\x00\x01" + len(body).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + body


def test_a_signed_binding_request_names_our_user_fragment() -> None:
    request = stun.parse_binding_request(binding())
    assert request is not None
    assert request.local_ufrag == "ours"
    assert not request.nominated
    assert request.is_signed_with(PASSWORD)


def test_a_nominating_request_says_so() -> None:
    request = stun.parse_binding_request(binding(nominated=True))
    assert request is not None
    assert request.nominated


def test_another_password_did_not_sign_it() -> None:
    request = stun.parse_binding_request(binding())
    assert request is not None
    assert not request.is_signed_with("f" * 32)


def test_a_changed_byte_before_the_signature_breaks_it() -> None:
    """Without FINGERPRINT, which a forger would compute anew, only the signature is in the way."""
    whole = binding()
    unprinted = whole[:2] + (len(whole) - 28).to_bytes(2, "big") + whole[4:-8]
    at = unprinted.index(b"ours:theirs")
    request = stun.parse_binding_request(unprinted[:at] + b"OURS" + unprinted[at + 4 :])
    assert request is not None
    assert request.local_ufrag == "OURS"
    assert not request.is_signed_with(PASSWORD)


@pytest.mark.parametrize(
    ("reason", "datagram"),
    [
        ("empty", b""),
        ("shorter than a header", binding()[:19]),
        ("cut in an attribute", binding()[:-5]),
        ("longer than it says", binding() + b"\x00"),
        ("longer than a path must carry", binding(username="ours:" + "t" * 600)),
        ("not signed", binding(password=None)),
        ("without a user name", binding(username=None)),
        ("with half a user name", binding(username="ours")),
        ("a response", binding(message_class=wire.Class.RESPONSE)),
        ("an error", binding(message_class=wire.Class.ERROR)),
        ("an indication", binding(message_class=wire.Class.INDICATION)),
        ("an allocation", binding(method=wire.Method.ALLOCATE)),
        ("an unknown method", b"\x00\x02" + binding()[2:]),
        ("with a broken fingerprint", binding()[:-1] + bytes((binding()[-1] ^ 1,))),
        ("a DTLS hello", b"\x16\xfe\xfd" + bytes(60)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_an_authenticated_binding_request_is_nothing(
    reason: str, datagram: bytes
) -> None:
    assert stun.parse_binding_request(datagram) is None, reason


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (0x0024, b"abc"),  # PRIORITY
        (0x8028, b"abc"),  # FINGERPRINT
        (0x802A, b"abc"),  # ICE-CONTROLLING
        (0x000C, b"a"),  # CHANNEL-NUMBER
        (0x0009, b"abc"),  # ERROR-CODE
        (0x0020, b"\x00\x01ab"),  # XOR-MAPPED-ADDRESS
        (0x0006, b"\xff\xfe"),  # USERNAME that is not UTF-8
    ],
)
def test_an_attribute_of_the_wrong_length_is_nothing(kind: int, value: bytes) -> None:
    assert stun.parse_binding_request(with_attributes(attribute(kind, value))) is None


def test_the_response_tells_the_peer_its_address_and_is_signed() -> None:
    request = stun.parse_binding_request(binding())
    assert request is not None
    made = stun.binding_response(request, PEER, PASSWORD)
    assert made is not None
    response = wire.parse_message(made)
    assert response.message_class == wire.Class.RESPONSE
    assert response.message_method == wire.Method.BINDING
    assert response.transaction_id == request.transaction
    assert response.attributes["XOR-MAPPED-ADDRESS"] == PEER
    assert "FINGERPRINT" in response.attributes
    assert response.check_message_integrity(PASSWORD.encode())
    assert not response.check_message_integrity(b"f" * 32)


@pytest.mark.parametrize("peer", [PEER, PEER6])
def test_the_response_is_not_longer_than_a_browsers_request(peer: tuple[str, int]) -> None:
    """So a forged sender address, were one ever to pass, would gain an attacker nothing."""
    datagram = binding()
    request = stun.parse_binding_request(datagram)
    assert request is not None
    response = stun.binding_response(request, peer, PASSWORD)
    assert response is not None
    assert len(response) <= len(datagram)


def test_a_request_shorter_than_its_response_gets_none() -> None:
    """USERNAME and MESSAGE-INTEGRITY alone: 56 bytes, where an IPv6 response takes 76."""
    signed = with_attributes(attribute(0x0006, b"ours:t"))
    signed = signed[:2] + (len(signed) - 20 + 24).to_bytes(2, "big") + signed[4:]
    signed += attribute(0x0008, hmac.digest(PASSWORD.encode(), signed, "sha1"))
    request = stun.parse_binding_request(signed)
    assert request is not None
    assert request.is_signed_with(PASSWORD)
    assert stun.binding_response(request, PEER6, PASSWORD) is None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (("2001:db8::7", 40_000), ("2001:db8::7", 40_000)),
        (("fe80::1%eth0", 40_000), ("fe80::1", 40_000)),
        (("::ffff:192.0.2.7", 40_000), ("192.0.2.7", 40_000)),
    ],
)
def test_an_ipv6_peer_is_told_its_address_as_it_knows_it(
    address: tuple[str, int], told: tuple[str, int]
) -> None:
    request = stun.parse_binding_request(binding())
    assert request is not None
    response = stun.binding_response(request, address, PASSWORD)
    assert response is not None
    assert wire.parse_message(response).attributes["XOR-MAPPED-ADDRESS"] == told


def authentic(datagram: bytes) -> bool:
    request = stun.parse_binding_request(datagram)
    return request is not None and request.is_signed_with(PASSWORD)


@given(st.binary(max_size=600))
def test_arbitrary_bytes_are_never_authentic(datagram: bytes) -> None:
    assert not authentic(datagram)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=24)), max_size=6))
@example([(0x0024, b"")])
def test_arbitrary_attributes_are_never_authentic(attributes: list[tuple[int, bytes]]) -> None:
    assert not authentic(with_attributes(*(attribute(*each) for each in attributes)))


KNOWN = sorted(wire.ATTRIBUTES_BY_TYPE)


@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.binary(max_size=24)), max_size=6))
def test_known_attributes_of_any_content_are_never_authentic(
    attributes: list[tuple[int, bytes]],
) -> None:
    assert not authentic(with_attributes(*(attribute(*each) for each in attributes)))


@given(st.data())
def test_a_mutated_request_is_refused_or_left_unsigned(data: st.DataObject) -> None:
    """Any change up to the end of the signature is noticed; what follows proves nothing."""
    original = binding()
    fingerprint_bytes = 8
    at = data.draw(st.integers(0, len(original) - fingerprint_bytes - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != original[at]))
    mutated = original[:at] + bytes((value,)) + original[at + 1 :]
    assert not authentic(mutated)


@given(st.data())
def test_a_cut_and_joined_request_never_raises(data: st.DataObject) -> None:
    original = binding()
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(0, len(original)))
    assert isinstance(authentic(original[:start] + original[end:]), bool)
