"""The HTML file that a browser loads first: Streamlit's own, in the product's words."""

from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backend.api.index_html import shell_html, shell_routes, with_imports

STREAMLITS = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")


def made(html: str = STREAMLITS) -> str:
    return shell_html(
        html,
        title="Our school",
        icon="/mark.svg",
        fonts=["/one.woff2"],
        style="/style.css",
        scripts=["/first.js"],
        chunks=["/later.js"],
        meanwhile="<p>Our school opens.</p>",
        without_scripts="Allow scripts.",
    )


def test_the_products_own_words() -> None:
    """Title, icon, fonts and the words for browsers without scripts are the product's, not Streamlit's."""
    html = made()
    assert "<title>Our school</title>" in html
    assert '<link rel="shortcut icon" href="/mark.svg" />' in html
    assert 'href="/one.woff2" as="font"' in html
    assert "<noscript><p>Allow scripts.</p></noscript>" in html
    assert '<div id="root"><p>Our school opens.</p></div>' in html
    assert "SourceSans" not in html
    assert html.index('rel="stylesheet" href="/style.css"') < html.index(
        'rel="modulepreload" crossorigin href="/later.js"'
    )


def test_scripts_come_with_what_they_import(tmp_path: Path) -> None:
    """All the scripts that an element needs, each once, also where they import each other; an unknown name is none."""
    for name, text in (
        ("Button.Cx-1_a.js", 'import{t as e}from"./shared.js";import"./other.Z9.js";x()'),
        ("shared.js", 'import{r}from"./other.Z9.js"'),
        ("other.Z9.js", 'import{q}from"./shared.js";import("./lazy.js")'),
        ("lazy.js", ""),
    ):
        (tmp_path / name).write_text(text)
    assert with_imports(tmp_path, ["Button", "Absent"]) == ["Button.Cx-1_a.js", "other.Z9.js", "shared.js"]


def test_the_address_is_said_before_the_script_that_wants_it() -> None:
    """Streamlit's script finds the server's address when it starts, and need not guess."""
    html = made()
    assert html.index('src="/first.js"') < html.index("./static/js/")
    assert 0 < html.index("BACKEND_BASE_URL: location.origin") < html.index("./static/js/")


def test_another_streamlit_is_noticed() -> None:
    """A place that a newer index.html lacks stops the start, instead of half a page."""
    with pytest.raises(ValueError, match="no place like"):
        made(STREAMLITS.replace("shortcut icon", "icon"))


def test_it_is_sent_once() -> None:
    """A browser that has it gets a 304 at every path of a page, and asks again after each change of it."""
    with TestClient(Starlette(routes=shell_routes(made(), ("", "settings"), secure=False))) as client:
        first = client.get("/settings")
        assert (first.status_code, first.text) == (200, made())
        again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    with TestClient(Starlette(routes=shell_routes("another", ("",), secure=False))) as client:
        assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


NAMELESS = ["", "browserx=1", "other=browser=1", "xbrowser=1", "session=abc; BROWSER=1"]
NAMED = ["browser=1", "session=abc; browser=1", 'a=b;browser="1"']


@pytest.mark.parametrize("cookie", [*NAMELESS, *NAMED])
def test_a_browser_gets_a_name_that_no_cache_gives_to_another(cookie: str) -> None:
    """Without a name it gets one, with the page or with the 304, in a response that is private; and one alone."""
    with TestClient(Starlette(routes=shell_routes("page", ("",), secure=True))) as client:
        names = set()
        for conditions in ({}, {"If-None-Match": client.get("/").headers["etag"]}):
            client.cookies.clear()
            answer = client.get("/", headers={"Cookie": cookie} | conditions)
            given = answer.headers.get("set-cookie", "")
            is_named = cookie in NAMED
            assert answer.status_code == (304 if conditions else 200)
            assert answer.headers["cache-control"] == ("no-cache" if is_named else "private, no-cache")
            assert not given if is_named else given.startswith("browser=") and given.endswith("SameSite=Lax; Secure")
            names.add(given)
        assert len(names) == (1 if is_named else 2)
