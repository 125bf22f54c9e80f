"""The product's app process as the page measures start it: `python -m bench.pages.app [--defaults]`.

It serves one page more, almost empty, at /?bench=empty, beside which the others are measured; `--defaults` gives
Streamlit's own defaults to the two settings that decide what a rerun costs. The product knows nothing of either.
"""

import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from bench.machine import ROOT

DEFAULTS: dict[str, Any] = {"runner.postScriptGC": True, "server.fileWatcherType": "auto"}
EMPTY = "bench=empty"


def beside(pages: Path, folder: Path) -> Path:
    """A folder that looks like `pages` but for its frame, which draws the empty page as well; returns that frame."""
    for file in pages.iterdir():
        if file.name != "_frame.py":
            (folder / file.name).symlink_to(file)
    frame = folder / "_frame.py"
    code = (pages / "_frame.py").read_text()
    frame.write_text(_frame(code))
    return frame


def _frame(code: str) -> str:
    code = code.partition("\n")[2]  # its docstring: within a branch Streamlit would show it
    indented = "".join(f"    {line}" if line.strip() else line for line in code.splitlines(keepends=True))
    empty = 'if st.query_params.get("bench") == "empty":\n    st.write("An almost empty page.")\nelse:\n'
    return f"import streamlit as st\n\n{empty}{indented}"


def main(words: list[str]) -> None:
    """Serve until interrupted."""
    with tempfile.TemporaryDirectory() as folder:
        frame = beside(ROOT / "pages", Path(folder))
        product = st.App

        def framed(_script: Path, **more: Any) -> st.App:
            return product(frame, **more)

        st.App = framed  # type: ignore[assignment,misc]  # app.py names its own script and must not know of this one
        import app  # noqa: PLC0415 - it builds its st.App when it is imported

        config = {"server.port": app.settings.port} | (DEFAULTS if "--defaults" in words else {})
        with suppress(KeyboardInterrupt):
            app.app.run(config=config)


if __name__ == "__main__":
    main(sys.argv[1:])
