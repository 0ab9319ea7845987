"""The OpenAPI document as one page that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response

from textgraft.report.html import shell

router: APIRouter = APIRouter()
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The interface, for people."""
    page = page_of(request.app.openapi())
    return Response(page, headers={"Content-Security-Policy": POLICY}, media_type="text/html; charset=utf-8")


def page_of(document: Mapping[str, Any]) -> str:
    """A page that says of each route what it takes and gives."""
    title = f"{document['info']['title']} {document['info']['version']}"
    known = document["components"]["schemas"]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(document['info']['description'])}</p>",
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>',
    ]
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            parts += [f"<h2><code>{method.upper()} {escape(path)}</code></h2>", *_route(route)]
    parts.append("<h2>What bodies and answers are made of</h2>")
    for name, schema in known.items():
        parts += [f'<h3 id="{escape(name)}">{escape(name)}</h3>', *_schema(schema)]
    return shell(title, "\n".join(["<main>", *parts, "</main>"]))


def _route(route: Mapping[str, Any]) -> Iterator[str]:
    yield f"<p>{escape(route.get('summary', ''))}. {escape(route.get('description', ''))}</p>"
    rows = [(each["name"], each["in"], _kind(each["schema"])) for each in route.get("parameters", ())]
    for media, content in route.get("requestBody", {}).get("content", {}).items():
        rows.append(("body", media, _kind(content["schema"])))
    for status, response in route.get("responses", {}).items():
        contents = response.get("content") or {"": {}}
        rows += [(status, media, _kind(content.get("schema", {}))) for media, content in contents.items()]
    yield _table(rows, "what it takes and gives")


def _schema(schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"<p>{escape(schema.get('description', ''))}</p>"
    needed = schema.get("required", ())
    members = schema.get("properties", {}).items()
    rows = [
        (name, _kind(each) + ("" if name in needed else ", may be left out"), escape(each.get("description", "")))
        for name, each in members
    ]
    yield _table(rows, "members")


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in HTML, with a link to what it is made of."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(repr(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = [f"{word} {schema[key]:,}" for key, word in _BOUNDS.items() if isinstance(schema.get(key), int | float)]
    return ", ".join([escape(str(schema.get("type", "any"))), *bounds])


_BOUNDS = {"minimum": "from", "maximum": "to", "maxLength": "at most", "maxItems": "at most"}


def _table(rows: list[tuple[str, str, str]], called: str) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    if not rows:
        return ""
    lines = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<div class="table" role="region" tabindex="0" aria-label="{called}"><table>{lines}</table></div>'
