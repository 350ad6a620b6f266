"""Every input that fuzzing began with, or once broke something, through every target."""

import time
from pathlib import Path

import pytest

from media.node import rtcp, stun
from media.node.sdp import read_answer
from tests.media.fuzz.targets import CORPUS, MOST_BYTES, PASSWORD, TARGETS, packets

MOST_S = 0.1
INPUTS = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_input_breaks_a_target(path: Path, target: str) -> None:
    data = path.read_bytes()
    began = time.process_time()
    TARGETS[target](data)
    assert time.process_time() - began < MOST_S


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_has_a_corpus_that_it_can_grow_from(target: str) -> None:
    inputs = [path.read_bytes() for path in INPUTS if path.parent.name == target]
    assert len(inputs) >= 3
    assert all(len(data) <= MOST_BYTES for data in inputs)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_and_noise_break_no_target(target: str) -> None:
    for data in (b"", b"\x00", b"\xff" * MOST_BYTES, bytes(MOST_BYTES)):
        TARGETS[target](data)


def test_the_readers_accept_what_fuzzing_begins_with() -> None:
    """Otherwise it would never come past their first line."""
    for name in ("nominating", "without-fingerprint"):
        request = stun.parse_binding_request((CORPUS / "stun" / name).read_bytes())
        assert request is not None
        assert request.is_signed_with(PASSWORD)
    for name, slots, ssrcs in (("1-slots", 1, 5), ("1-slots-listens", 1, 0), ("5-slots", 5, 5)):
        text = (CORPUS / "sdp" / f"chromium-{name}").read_text()
        assert len(read_answer(text, slots).ssrcs) == ssrcs
    for path in (CORPUS / "rtcp").iterdir():
        for compound, _, _ in packets(path.read_bytes()):
            assert rtcp.split(compound)


def test_an_input_is_read_as_packets_with_their_times() -> None:
    data = b"\x00\x02ab" + b"\x98\x01c" + b"\x00\x05short"[:5]
    assert list(packets(data)) == [(b"ab", False, 0.0), (b"c", True, 0.75), (b"sho", False, 0.0)]
