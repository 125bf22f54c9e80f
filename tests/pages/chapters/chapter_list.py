"""A student's chapter rows in an AppTest: what the browser component was given, and what a browser would send back."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest


class ChapterList:
    """The rows on an open page. An act is sent as chapter_rows.js sends it, and the page runs."""

    def __init__(self, page: AppTest) -> None:
        self.page = page

    @property
    def data(self) -> Mapping[str, Any]:
        """What the component draws."""
        data: Mapping[str, Any] = json.loads(self._proto.bytes)
        return data

    @property
    def names(self) -> list[str]:
        return [row["name"] for row in self.data["rows"]]

    def row(self, chapter_id: str) -> Mapping[str, Any]:
        """One row as it is drawn now."""
        return next(row for row in self.data["rows"] if row["id"] == chapter_id)

    def note(self, chapter_id: str) -> str:
        """The sentence beside a row; empty where there is none."""
        note = self.row(chapter_id)["note"]
        return str(note["text"]) if note else ""

    def change(self, *ids: str, key: str = "", **change: Any) -> None:
        """Change chapters, as the controls of a row or the bar over the list do."""
        self.send({"key": key or uuid4().hex, "act": "change", "ids": ids, "isBulk": len(ids) > 1, **change})

    def choose(self, note: Mapping[str, Any], label: str) -> None:
        """Press one of a note's buttons."""
        self.send(next(choice["act"] for choice in note["choices"] if choice["label"] == label))

    def send(self, *acts: Mapping[str, Any]) -> None:
        """Hand over the acts that wait in the browser."""
        states = self.page._tree.get_widget_states()
        states.widgets.append(WidgetState(id=self._proto.id, json_value=json.dumps({"acts": acts})))
        self.page._run(states)
        assert not self.page.exception, self.page.exception[0].value

    @property
    def _proto(self) -> Any:
        return next(
            element.proto
            for element in self.page.get("bidi_component")
            if element.proto.component_name.endswith("chapter_rows")
        )
