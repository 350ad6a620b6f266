"""Which frames does a packet socket of the load take? Two classic BPF programs.

`HANDSHAKES` takes STUN and DTLS that comes in, which the load must answer. `MEDIA` takes RTP both
ways for `capture.py`: its headers only, and whole every `WHOLE_EACH`th that comes in, so that a
server that sends rubbish is found out. RFC 7983 tells the kinds apart by their first byte.
"""

import ctypes
import socket
import struct

WHOLE_EACH = 64
RTP_HEADERS = 42 + 12
_SO_ATTACH_FILTER = 26

_LOAD_BYTE, _LOAD_HALF, _AND, _RETURN = 0x30, 0x28, 0x54, 0x06
_EQUAL, _AT_LEAST = 0x15, 0x35
_PACKET_TYPE, _OUTGOING = 0xFFFFF000 + 4, 4
_WHOLE = 0xFFFF

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand

_UDP_ONLY: tuple[Instruction, ...] = (  # falls through for UDP over IPv4
    (_LOAD_HALF, 0, 0, 12),
    (_EQUAL, 1, 0, 0x0800),
    (_RETURN, 0, 0, 0),
    (_LOAD_BYTE, 0, 0, 23),
    (_EQUAL, 1, 0, socket.IPPROTO_UDP),
    (_RETURN, 0, 0, 0),
)
HANDSHAKES: tuple[Instruction, ...] = (
    *_UDP_ONLY,
    (_LOAD_BYTE, 0, 0, 42),
    (_AT_LEAST, 0, 1, 64),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _WHOLE),
)
MEDIA: tuple[Instruction, ...] = (
    *_UDP_ONLY,
    (_LOAD_BYTE, 0, 0, 42),
    (_AND, 0, 0, 0xC0),
    (_EQUAL, 1, 0, 0x80),
    (_RETURN, 0, 0, 0),
    (_LOAD_BYTE, 0, 0, 43),
    (_AT_LEAST, 0, 2, 192),  # 192 to 223 is RTCP
    (_AT_LEAST, 1, 0, 224),
    (_RETURN, 0, 0, 0),
    (_LOAD_BYTE, 0, 0, _PACKET_TYPE),
    (_EQUAL, 3, 0, _OUTGOING),
    (_LOAD_HALF, 0, 0, 44),
    (_AND, 0, 0, WHOLE_EACH - 1),
    (_EQUAL, 1, 0, 0),
    (_RETURN, 0, 0, RTP_HEADERS),
    (_RETURN, 0, 0, _WHOLE),
)


def attach(taker: socket.socket, program: tuple[Instruction, ...]) -> None:
    """Let a packet socket take only what the program lets through."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    kept = ctypes.create_string_buffer(code)
    program_of = struct.pack("@HP", len(program), ctypes.addressof(kept))
    taker.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program_of)
