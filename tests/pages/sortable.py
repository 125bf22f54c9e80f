"""Sortable tables in an AppTest: what the browser component was given, and a row opened as the browser opens it."""

import json
from collections.abc import Mapping
from typing import Any

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest


def _full(cell: Any) -> Mapping[str, Any]:
    """A cell as table.js reads it: sent short, a word alone sorts by itself."""
    given: dict[str, Any] = {"text": cell} if isinstance(cell, str) else cell
    return {"sort": given["text"], "note": "", "hint": "", "icon": "", "tone": "", **given}


class SortableTable:
    """The table with this key on an open page."""

    def __init__(self, page: AppTest, key: str) -> None:
        self.page = page
        self.key = key

    @property
    def data(self) -> Mapping[str, Any]:
        """What the component draws."""
        data: Mapping[str, Any] = json.loads(self._proto.bytes)
        return data

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.data["rows"]]

    def cells(self, row_id: str) -> dict[str, Mapping[str, Any]]:
        """One row's cells by the heading of their column."""
        headings = [column["label"] for column in self.data["columns"]]
        row = next(row for row in self.data["rows"] if row["id"] == row_id)
        return dict(zip(headings, map(_full, row["cells"]), strict=True))

    def texts(self, row_id: str) -> dict[str, str]:
        """What one row says, by column."""
        return {heading: str(cell["text"]) for heading, cell in self.cells(row_id).items()}

    def open(self, row_id: str) -> None:
        """Click a row."""
        states = self.page._tree.get_widget_states()
        payload = json.dumps([{"event": "open", "value": row_id}])
        states.widgets.append(WidgetState(id=_make_trigger_id(self._proto.id, "events"), json_trigger_value=payload))
        self.page._run(states)
        assert not self.page.exception, self.page.exception[0].value

    @property
    def _proto(self) -> Any:
        return next(
            element.proto
            for element in self.page.get("bidi_component")
            if element.proto.component_name.endswith("sortable_table") and element.proto.id.endswith(f"-{self.key}")
        )
