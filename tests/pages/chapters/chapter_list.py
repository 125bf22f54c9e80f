"""A student's chapter rows in an AppTest: what the browser component was given, and what a browser would send."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import streamlit as st
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from pages.chapters import acts
from pages.chapters.saving import BULK
from pages.shell import session


def send_acts(person: str, *sent: Mapping[str, Any], token: str) -> Response:
    """Send acts as outbox.js does."""
    with TestClient(Starlette(routes=[acts.route()]), cookies={session.SESSION_COOKIE: token}) as client:
        return client.post(acts.ADDRESS, json={"person": person, "acts": sent})


class ChapterList:
    """The rows on an open page. An act is sent as outbox.js sends it, and the page runs."""

    def __init__(self, page: AppTest) -> None:
        self.page = page
        self._notes: dict[str, Mapping[str, Any]] = {}

    @property
    def data(self) -> Mapping[str, Any]:
        """What the component draws, and the note over the list."""
        data: Mapping[str, Any] = json.loads(self._proto.bytes)
        return {**data, "note": self._notes.get(BULK)}

    @property
    def names(self) -> list[str]:
        return [row["name"] for row in self.data["rows"]]

    def row(self, chapter_id: str) -> Mapping[str, Any]:
        """One row as it is drawn now, and the note beside it."""
        row = next(row for row in self.data["rows"] if row["id"] == chapter_id)
        return {**row, "note": self._notes.get(chapter_id)}

    def note(self, chapter_id: str) -> str:
        """The sentence beside a row; empty where there is none."""
        note = self.row(chapter_id)["note"]
        return str(note["text"]) if note else ""

    def change(self, *ids: str, key: str = "", **change: Any) -> None:
        """Change chapters, as the controls of a row or the bar over the list do."""
        self.send({"key": key or uuid4().hex, "act": "change", "ids": ids, "isBulk": len(ids) > 1, **change})

    def choose(self, note: Mapping[str, Any], label: str) -> None:
        """Press one of a note's buttons."""
        act = next(choice["act"] for choice in note["choices"] if choice["label"] == label)
        if act["act"] == "dismiss":
            self._notes.pop(_place(act))
        else:
            self.send(act)

    def send(self, *sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hand over the acts that wait in the browser; return what the server answered."""
        token = st.context.cookies[session.SESSION_COOKIE]
        response = send_acts(self.data["person"], *sent, token=token)
        assert response.status_code == 200, response.text
        answered: Mapping[str, Any] = response.json()
        places = {act["key"]: _place(act) for act in sent}
        self._notes |= {places[each["key"]]: each["note"] for each in answered["answers"] if each.get("note")}
        self.page.run()
        assert not self.page.exception, self.page.exception[0].value
        return answered

    @property
    def _proto(self) -> Any:
        return next(
            element.proto
            for element in self.page.get("bidi_component")
            if element.proto.component_name.endswith("chapter_rows")
        )


def _place(act: Mapping[str, Any]) -> str:
    ids = act.get("ids", ())
    return BULK if act.get("isBulk") or len(ids) != 1 else str(ids[0])
