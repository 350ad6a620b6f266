"""Which documents are made from the code? The protocol, its page types, and OpenAPI.

`virtual-window docs` writes them; a test says when they are out of date.
"""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import inspect

from deploy.assembly import all_operations
from scheduling import visit, window
from signaling import protocol
from signaling.access import Role
from signaling.api import openapi
from signaling.commands import MAY

ROOT = Path(__file__).resolve().parent.parent
PROTOCOL_MD = ROOT / "docs" / "protocol.md"
PROTOCOL_TYPES = ROOT / "signaling" / "web" / "static" / "protocol.d.ts"
OPENAPI = ROOT / "docs" / "openapi.json"


def write() -> list[Path]:
    """Write every document that is not up to date; returns those written."""
    changed = stale()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_documents()[path], encoding="utf-8")
    return changed


def stale() -> list[Path]:
    """The documents whose files differ from what the code says."""
    return [
        path
        for path, text in _documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def _documents() -> dict[Path, str]:
    described = openapi.document(all_operations(), version("virtual-window"))
    return {
        PROTOCOL_MD: _protocol_md(),
        PROTOCOL_TYPES: _protocol_types(),
        OPENAPI: json.dumps(described, indent=2, ensure_ascii=False) + "\n",
    }


def _structs() -> list[type[msgspec.Struct]]:
    return [
        value
        for value in vars(protocol).values()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and (value.__module__ == protocol.__name__ or value in protocol.SHARED_DESK)
        and value is not protocol.Command
    ]


def _tag(struct: type[msgspec.Struct]) -> tuple[str, str] | None:
    config = struct.__struct_config__
    return (config.tag_field, str(config.tag)) if config.tag_field and config.tag else None


# TypeScript


def _protocol_types() -> str:
    lines = [
        "// Made from signaling/protocol.py by `virtual-window docs`; do not edit.",
        "",
    ]
    for struct in _structs():
        lines.append(f"/** {_summary(struct)} */")
        lines.append(f"export interface {struct.__name__} {{")
        if tag := _tag(struct):
            lines.append(f'  {tag[0]}: "{tag[1]}";')
        for field in _fields(struct):
            optional = "" if field.required else "?"
            lines.append(f"  {field.encode_name}{optional}: {_ts(field.type)};")
        lines += ["}", ""]
    for name in ("ClientState", "ServerMessage", "ClientMessage"):
        members = " | ".join(member.__name__ for member in get_args(getattr(protocol, name)))
        lines += [f"export type {name} = {members};", ""]
    lines.append("/** The fields of each command, without its type and id. */")
    lines.append("export interface CommandFields {")
    for struct in protocol.COMMAND_TYPES:
        tag = _tag(struct)
        lines.append(f'  {tag[1] if tag else ""}: Omit<{struct.__name__}, "type" | "id">;')
    lines += ["}", ""]
    return "\n".join(lines)


def _fields(struct: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    return described.fields


def _ts(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata():
            return _ts(kind.type)
        case inspect.StrType() | inspect.DateTimeType():
            return "string"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.BoolType():
            return "boolean"
        case inspect.NoneType():
            return "null"
        case inspect.LiteralType():
            return " | ".join(json.dumps(value) for value in sorted(kind.values, key=str))
        case inspect.ListType() | inspect.VarTupleType():
            inner = _ts(kind.item_type)
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        case inspect.UnionType():
            return " | ".join(_ts(member) for member in kind.types)
        case inspect.StructType():
            return str(kind.cls.__name__)
        case _:
            raise TypeError(f"no TypeScript for {kind}")


# Markdown


def _protocol_md() -> str:
    return "\n".join(_protocol_lines()) + "\n"


def _protocol_lines() -> Iterator[str]:
    yield "# The protocol on the line"
    yield ""
    yield "<!-- Made from signaling/protocol.py by `virtual-window docs`; do not edit. -->"
    yield ""
    yield f"Version {protocol.VERSION}. JSON text messages of at most"
    yield f"{protocol.MAX_MESSAGE_BYTES // 1024} KiB on `GET /line` (WebSocket)."
    yield ""
    yield "1. `POST /api/line-tickets` with an access token gives a ticket: once, within 30 s."
    yield "2. The client's first message is `hello` with that ticket, within 5 s of the upgrade."
    yield "3. The server answers `welcome` with the client's whole state, or `refused` and closes."
    yield "4. From then on the server sends `state` whenever the state has changed. Each one"
    yield "   **replaces** the one before; there is nothing to acknowledge and nothing to replay."
    yield "5. The client sends commands. Each has an `id` made by the client; the answer is `done`"
    yield "   or `refused` with the same `id`. A repeated `id` gets the stored answer and no second"
    yield "   effect, also on a new socket."
    yield "6. Media: when the state's `connection` has an `offer`, the client sends `answer`: from"
    yield "   a new peer connection if it has none of that `id`, else from the one it has. When a"
    yield "   call runs and it has no connection of that `id` (reload, lost path, new `epoch`), it"
    yield "   sends `connect` with the call's id and gets a new offer; the old connection plays"
    yield "   until the new one does. While it waits for a call it sends `connect` with `call` null"
    yield "   and gets a warm line: connected, but nothing flows. The accept makes it the call's"
    yield "   connection, under the same `id` and without a new offer."
    yield "7. The newest socket of a client wins; the older one is closed with 4001."
    yield "8. The server pings every 10 s. Clients come back after 0, 0.3, 1.2, 2.7, 4.8, 7 s, each"
    yield "   with full jitter, for ever; the browser's `online` event begins again at 0."
    yield ""
    yield "## Close codes"
    yield ""
    yield "| code | meaning |"
    yield "|---|---|"
    for code, meaning in protocol.CLOSE_CODES.items():
        yield f"| {code} | {meaning} |"
    yield ""
    yield "## From the client"
    yield ""
    yield from _struct_lines(protocol.Hello)
    for command in protocol.COMMAND_TYPES:
        yield from _struct_lines(command, MAY[command])
    yield from _struct_lines(protocol.Gesture)
    yield "## From the server"
    yield ""
    for struct in get_args(protocol.ServerMessage):
        yield from _struct_lines(struct)
    yield "Codes of `refused`: " + ", ".join(f"`{c}`" for c in get_args(protocol.ErrorCode)) + "."
    yield ""
    yield "## What the state holds"
    yield ""
    desk = protocol.SHARED_DESK
    shown = {*get_args(protocol.ClientMessage), *get_args(protocol.ServerMessage), *desk}
    for struct in _structs():
        if struct not in shown:
            yield from _struct_lines(struct)
    yield "## The shared desk"
    yield ""
    yield "The call's `desk`. A change names itself in `change`, a gesture in `gesture`. Places are"
    yield "shares of the page's width and height as it was scanned, from its top left; a list of"
    yield "places is x, y, x, y and so on."
    yield ""
    for struct in desk:
        yield from _struct_lines(struct)
    yield "## States of a visit"
    yield ""
    yield from _diagram(visit.TRANSITIONS, visit.State.WAITING)
    yield "## States of a window"
    yield ""
    yield from _diagram(window.TRANSITIONS, window.State.OFF)


def _struct_lines(
    struct: type[msgspec.Struct], may: frozenset[Role] | None = None
) -> Iterator[str]:
    tag = _tag(struct)
    yield f"### `{tag[1] if tag else struct.__name__}`"
    yield ""
    yield _summary(struct)
    if may is not None:
        yield ""
        yield f"May be sent by: {', '.join(sorted(may))}."
    yield ""
    if fields := _fields(struct):
        yield "| field | type |"
        yield "|---|---|"
        for field in fields:
            kind = _ts(field.type).replace("|", "\\|")
            yield f"| `{field.encode_name}` | {kind} |"
        yield ""


def _summary(struct: type[msgspec.Struct]) -> str:
    return " ".join((struct.__doc__ or "").split())


def _diagram(transitions: Mapping[tuple[Any, Any], Any], start: StrEnum) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {start}"
    for (state, event), following in transitions.items():
        yield f"    {state} --> {following}: {event}"
    yield "```"
    yield ""
