"""The OpenAPI document drawn as one HTML page. Pure: a document in, a page out; all text is escaped."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from backend.kit.i18n import _

Json = Mapping[str, Any]
_CODE = re.compile(r"`([^`]+)`")


def page(document: Json, style: str, source: str) -> str:
    """The whole page; `style` and `source` are the addresses of its style sheet and of the document."""
    by_tag = {tag["name"]: (tag, list(_operations(document, tag["name"]))) for tag in document["tags"]}
    about = "".join(f"<p class=lead>{_text(part)}</p>" for part in document["info"]["description"].split("\n\n"))
    title = escape(document["info"]["title"])
    sections = "".join(_section(document, tag, operations) for tag, operations in by_tag.values())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title><link rel="stylesheet" href="{escape(style)}"><link rel="icon" href="data:,"></head>
<body><a class="skip" href="#main">{_("Skip to the content")}</a><div class="frame">{_navigation(title, by_tag)}
<main id="main"><h1>{title}: API</h1>{about}
<p class="lead">{_("For programs:")} <a href="{escape(source)}">OpenAPI {escape(document["openapi"])}</a></p>
{_first_steps(document)}{sections}{_shapes(document)}</main></div></body></html>"""


def _operations(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method, path, operation


def _navigation(title: str, by_tag: Mapping[str, tuple[Json, list[tuple[str, str, Json]]]]) -> str:
    groups = "".join(
        f"<h2>{escape(name)}</h2><ul>{''.join(_entry(*operation) for operation in operations)}</ul>"
        for name, (_tag, operations) in by_tag.items()
    )
    shapes = f'<h2>{_("Shapes")}</h2><ul><li><a class="plain" href="#shapes">{_("All shapes")}</a></li></ul>'
    return f'<nav aria-label="{_("Contents")}"><p class="title">{title}</p>{groups}{shapes}</nav>'


def _entry(method: str, _path: str, operation: Json) -> str:
    anchor, summary = escape(operation["operationId"]), escape(operation["summary"])
    return f'<li><a href="#{anchor}">{_method(method)}<span>{summary}</span></a></li>'


def _method(method: str) -> str:
    return f'<span class="method {method}">{method.upper()}</span>'


def _first_steps(document: Json) -> str:
    base = escape(document["servers"][0]["url"])
    body = "{&quot;email&quot;: &quot;…&quot;, &quot;password&quot;: &quot;…&quot;}"
    return f"""<article><h3>{_("First steps")}</h3>
<p>{_("Sign in, keep the accessToken, and send it along:")}</p>
<pre tabindex="0">curl -s http://localhost:8501{base}/auth/login -H 'Content-Type: application/json' \\
  -d '{body}'
curl -s http://localhost:8501{base}/auth/me -H 'Authorization: Bearer …'</pre></article>"""


def _section(document: Json, tag: Json, operations: Iterable[tuple[str, str, Json]]) -> str:
    drawn = "".join(_operation(document, *operation) for operation in operations)
    return f"<section><h2>{escape(tag['name'])}</h2><p class=note>{_text(tag['description'])}</p>{drawn}</section>"


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    parts = [_text(operation.get("description", ""), tag="p")]
    if operation.get("parameters"):
        rows = (_row(each["name"], each["schema"], each, required=each["required"]) for each in operation["parameters"])
        parts.append(f"<h4>{_('Parameters')}</h4>{_table(rows)}")
    if "requestBody" in operation:
        parts.append(_body(document, operation["requestBody"]["content"]))
    parts.append(_answers(operation["responses"]))
    address = escape(document["servers"][0]["url"] + path)
    return f"""<article id="{escape(operation["operationId"])}"><header><h3>{escape(operation["summary"])}</h3>
<span class="who">{escape(_who(operation["security"]))}</span></header>
<p>{_method(method)} <code class="path">{address}</code></p>{"".join(parts)}</article>"""


def _who(security: list[Json]) -> str:
    if not security:
        return _("Open to anyone")
    return _("Anyone; more when signed in") if {} in security else _("Signed in")


def _body(document: Json, content: Json) -> str:
    ((kind, media),) = content.items()
    schema = _resolved(document, media["schema"])
    parts = [f"<h4>{_('Body')} · {escape(kind)}</h4>", _text(schema.get("description", ""), tag="p"), _fields(schema)]
    parts += [f'<pre tabindex="0">{_pretty(example)}</pre>' for example in schema.get("examples", ())]
    return "".join(parts)


def _answers(responses: Json) -> str:
    rows = []
    for status, response in responses.items():
        media = next(iter(response.get("content", {}).values()), None)
        kind = _type(media["schema"]) if media else ""
        said = _text(response["description"])
        rows.append(f"<tr><th scope=row><code>{status}</code></th><td>{said}</td><td>{kind}</td></tr>")
        if media and "example" in media:
            example = f'<pre tabindex="0">{_pretty(media["example"])}</pre>'
            details = f"<details><summary>{_('Example')}</summary>{example}</details>"
            rows.append(f"<tr><td></td><td colspan=2>{details}</td></tr>")
    return f"<h4>{_('Answers')}</h4><div class=scroll><table><tbody>{''.join(rows)}</tbody></table></div>"


def _shapes(document: Json) -> str:
    drawn = "".join(
        f'<article id="shape-{escape(name)}"><h3>{escape(name)}</h3>'
        f"{_text(schema.get('description', ''), tag='p')}{_fields(schema)}</article>"
        for name, schema in document["components"]["schemas"].items()
    )
    return f'<section id="shapes"><h2>{_("Shapes")}</h2>{drawn}</section>'


def _fields(schema: Json) -> str:
    if "properties" not in schema:
        return f"<p>{_type(schema)}</p>"
    needed = schema.get("required", ())
    properties = schema["properties"]
    meant = any("description" in each for each in properties.values())
    rows = (_row(name, each, each, required=name in needed, meant=meant) for name, each in properties.items())
    return _table(rows, meant=meant)


def _row(name: str, schema: Json, described: Json, *, required: bool, meant: bool = True) -> str:
    mark = f'<span class="needed">{_("required")}</span>' if required else ""
    said = f"<td>{_text(described.get('description', ''))}</td>" if meant else ""
    return f"<tr><th scope=row><code>{escape(name)}</code>{mark}</th><td>{_type(schema)}</td>{said}</tr>"


def _table(rows: Iterable[str], *, meant: bool = True) -> str:
    names = [_("Name"), _("Kind"), *([_("Meaning")] if meant else [])]
    head = f"<tr>{''.join(f'<th scope=col>{name}</th>' for name in names)}</tr>"
    return f"<div class=scroll><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"


def _type(schema: Json) -> str:
    """A schema in a few words, with links to the shapes it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _(" or ").join(_type(each) for each in schema[several])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(_plain(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if schema.get("type") == "array":
        return _("list of {kind}").format(kind=_type(schema.get("items") or {}))
    if isinstance(schema.get("additionalProperties"), dict):
        return _("object of {kind}").format(kind=_type(schema["additionalProperties"]))
    return escape(" ".join([str(schema.get("type", _("anything"))), *_limits(schema)]))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _limits(schema: Json) -> Iterator[str]:
    if "format" in schema:
        yield f"({schema['format']})"
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if low is not None or high is not None:
        yield _("up to {high}").format(high=_whole(high)) if low is None else f"{_whole(low)}–{_whole(high)}"
    if schema.get("default") not in (None, "", [], {}):
        yield f"= {json.dumps(schema['default'])}"


def _whole(limit: float | None) -> str:
    return "" if limit is None else f"{limit:.0f}"


def _resolved(document: Json, schema: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Json = document["components"]["schemas"][name] if name else schema
    return found


def _pretty(value: Any) -> str:
    return escape(json.dumps(value, ensure_ascii=False, indent=2))


def _text(text: str, tag: str = "") -> str:
    said = _CODE.sub(r"<code>\1</code>", escape(text, quote=False))
    return f"<{tag}>{said}</{tag}>" if tag and said else said
