"""What the table of commands promises, read without a service."""

import msgspec
import pytest

from signaling import protocol
from signaling.commands import MAY
from tests.signaling.parties import sample
from tests.signaling.test_protocol import ABOUT

DECODER = msgspec.json.Decoder(protocol.ClientMessage)


def test_every_command_has_roles() -> None:
    assert set(MAY) == set(protocol.COMMAND_TYPES)
    assert all(MAY.values())


def test_all_commands_but_four_are_about_a_visit_a_call_or_a_connection() -> None:
    others = set(protocol.COMMAND_TYPES) - set(ABOUT)
    assert others == {
        protocol.TakeTicket,
        protocol.CheckIn,
        protocol.ComeBack,
        protocol.SetWindow,
    }


@pytest.mark.parametrize("command", protocol.COMMAND_TYPES)
def test_a_command_without_any_one_of_its_required_fields_is_not_read(
    command: type[protocol.Command],
) -> None:
    whole = sample(command)
    assert isinstance(DECODER.decode(msgspec.json.encode(whole)), command)
    for field in msgspec.structs.fields(command):
        if field.required:
            lacking = {name: value for name, value in whole.items() if name != field.name}
            with pytest.raises(msgspec.ValidationError, match=field.name):
                DECODER.decode(msgspec.json.encode(lacking))
