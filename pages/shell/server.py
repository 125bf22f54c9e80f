"""The pages' HTTP server: the one of the API alone, under Streamlit's preparations."""

import sys
from typing import Any

import streamlit as st
from streamlit.web import bootstrap
from streamlit.web.server.starlette import starlette_server

from backend import terminal
from backend.api import http_server

OURS = ("access_log", "ws_max_size")  # Streamlit would take as much from anybody as it may send


def run(app: st.App, port: int) -> None:
    """Serve `app` until it is told to stop; where nothing can listen on `port`, say so and exit with status 1."""
    # st.App.run() makes one of these: its own takes no protocol, and says neither PORT nor the product's words.
    starlette_server.UvicornRunner = _Runner  # type: ignore[misc,assignment]  # the one place where it is named
    # It would look for changes of config.toml thirty times a second, as long as the app runs.
    bootstrap._install_config_watchers = lambda flag_options: None
    app.run(config={"server.port": port})


class _Runner:
    def __init__(self, app: Any) -> None:
        self._app = app

    def run(self) -> None:
        try:
            opened = http_server.listener(int(st.get_option("server.port")))
        except http_server.PortUnavailable as error:
            terminal.say(error.message)
            sys.exit(terminal.FAILED)
        own = starlette_server._get_uvicorn_config_kwargs()
        server = http_server.server(self._app, **{name: own[name] for name in own if name not in OURS})
        with opened:
            server.run(sockets=[opened])
        if not server.started:
            sys.exit(terminal.FAILED)
