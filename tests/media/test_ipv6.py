"""One port serves IPv4 and IPv6, and the parties of one call may come over either."""

import re

import pytest

from media.node.node import Node
from tests.media.light import Medium, light_exchange
from tests.media.peers import Newspaper


@pytest.mark.parametrize("medium", ["udp", "tcp"])
async def test_a_party_over_ipv6_and_one_over_ipv4_hear_each_other(medium: Medium) -> None:
    async with light_exchange("::") as running:
        resident = await running.join("resident", medium=medium, host="::1")
        clerk = await running.join("clerk", medium=medium, host="127.0.0.1")
        resident.speak(1, b"six")
        clerk.speak(1, b"four")
        await clerk.until(lambda: b"six" in clerk.bodies())
        await resident.until(lambda: b"four" in resident.bodies())


async def test_a_node_on_ipv6_alone_takes_ipv6() -> None:
    async with light_exchange("::1") as running:
        resident = await running.join("resident", host="::1")
        assert running.node.status()["unsent"] == 0
        assert resident.reached


async def test_both_kinds_of_address_are_announced() -> None:
    node = Node(host="::", port=0, announce=["192.0.2.7", "2001:db8::7"], listener=Newspaper())
    await node.start()
    try:
        offer = node.invite().offer
    finally:
        await node.stop()
    hosts = re.findall(r"a=candidate:\d+ 1 udp \d+ (\S+) \d+ typ host\r", offer)
    assert hosts[:2] == ["192.0.2.7", "2001:db8::7"]
    assert "c=IN IP4 192.0.2.7\r\n" in offer
