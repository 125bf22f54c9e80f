"""Browser components of our own: registered, and given what they draw as bytes."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import streamlit as st

from pages.widgets.style import asset

encoded: Callable[[Any], bytes] = msgspec.json.encode


def rerun_only() -> None:
    """Do nothing: a trigger needs a callback to exist; the rerun that it causes is what its user reacts to."""


@cache
def component(name: str, *, file: str, exported: str, html: str, css: str = "") -> Any:
    """The component that the function `exported` of the script pages/assets/`file` draws into `html`.

    Mount it with data that `encoded` made: of plain values Streamlit asks one by one whether they are tables, and
    writes all of them as JSON twice (docs/decisions/0050-kept-and-encoded.md).
    """
    # The script is a file that the browser keeps, so that a run sends a few lines and not all of it. The line breaks
    # within tell Streamlit that these are contents and no paths.
    return st.components.v2.component(
        name,
        html=html,
        css=css or None,
        js=f'const loading = import(location.origin + "{asset(file)}");\n'
        "export default (component) => {\n"
        "  const data = JSON.parse(new TextDecoder().decode(component.data));\n"
        "  let leave;\n"
        f"  loading.then((loaded) => {{ leave = loaded.{exported}({{ ...component, data }}); }});\n"
        "  return () => leave?.();\n};",
        isolate_styles=False,
    )
