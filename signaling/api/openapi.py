"""The OpenAPI 3.1 document, written from the route table and its types."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from signaling.api.rest import ANYONE, Operation, ProblemDetails


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document as plain values."""
    types = {op.body for op in operations} | {op.answer for op in operations} | {ProblemDetails}
    listed = sorted((t for t in types if t is not None and t is not bytes), key=str)
    schemas, components = msgspec.json.schema_components(
        listed, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(listed, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        entry = paths.setdefault(operation.path, {})
        entry[operation.method.lower()] = _operation(operation, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Remote virtual window",
            "version": version,
            "description": "Errors are RFC 9457 problem details.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": "vw_session"},
            },
        },
    }


def _operation(operation: Operation, schema_of: dict[Any, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ] + [
        {"name": name, "in": "query", "schema": {"type": "string", "maxLength": 200}}
        for name in operation.query
    ]
    content = (
        {"application/json": {"schema": schema_of[operation.answer]}}
        if operation.answer is not None
        else {"video/webm": {}}
    )
    problem = {"application/problem+json": {"schema": schema_of[ProblemDetails]}}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": operation.do.__name__,
        "responses": {
            "200": {"description": "Done", "content": content},
            "default": {"description": "Refused or failed", "content": problem},
        },
    }
    if parameters:
        described["parameters"] = parameters
    if operation.body is bytes:
        file = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": {"text/csv": file}}
    elif operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[operation.body]}},
        }
    if operation.may != ANYONE:
        described["security"] = [{"bearer": []}] + ([{"session": []}] if operation.cookie else [])
        described["x-roles"] = sorted(operation.may)
    return described
