"""Parts that listen: in which rooms, from when on, and what they have drawn already."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from backend.accounts.models import ProfileChange, Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.kit.events.subscription import place
from backend.progress.models import ProgressChange
from pages.shell import live_updates
from pages.widgets.style import asset
from tests.pages.at_path import Browser
from tests.pages.key_figures import key_figures
from tests.pages.signed_in import OpenPage
from tests.school import School
from tests.waiting import until


class Parts:
    """The listening parts of an open page, by key."""

    def __init__(self, page: AppTest) -> None:
        self._page = page

    @property
    def asked(self) -> dict[str, Mapping[str, Any]]:
        """What the browser is told, by the key of the part."""
        return {key: json.loads(proto.bytes) for key, proto in self._protos().items()}

    @property
    def rooms(self) -> dict[str, list[str]]:
        """Where each part listens; the gate of every page, which waits for the end alone, is none of them."""
        return {key: list(data["rooms"]) for key, data in self.asked.items() if not data.get("gate")}

    def news(self, key: str) -> None:
        """Let a part hear of something, as its script in the browser does."""
        states = self._page._tree.get_widget_states()
        payload = json.dumps([{"event": "news", "value": True}])
        trigger = _make_trigger_id(self._protos()[key].id, "events")
        states.widgets.append(WidgetState(id=trigger, json_trigger_value=payload))
        self._page._run(states)
        assert not self._page.exception, self._page.exception[0].value

    def _protos(self) -> dict[str, Any]:
        found = (element.proto for element in self._page.get("bidi_component"))
        listening = (proto for proto in found if proto.component_name.endswith("live"))
        return {proto.id.rpartition("live-")[2]: proto for proto in listening}


@pytest.fixture
def student(school: School, classroom: Classroom) -> Viewer:
    return school.student(classroom)


def test_a_class_page_listens_to_its_class(
    open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom, student: Viewer
) -> None:
    """Whichever view is open, it is the one part that listens, in the room of this class."""
    room = [f"classroom:{classroom.id}"]
    page = open_page("classrooms/classroom.py", school.user(teacher), id=classroom.id)
    assert Parts(page).rooms == {"learners": room}
    for view, key in (("chapters", "matrix"), ("weeks", "weeks")):
        page.segmented_control(key="class-view").set_value(view).run()
        assert Parts(page).rooms == {key: room}


def test_an_empty_class_waits_for_its_first_learner(
    open_page: OpenPage, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """The learner who signs up turns the empty page into a full one when the news arrives."""
    page = open_page("classrooms/classroom.py", school.user(teacher), id=classroom.id)
    assert Parts(page).rooms == {"first-learner": [f"classroom:{classroom.id}"]}
    school.student(classroom, "Nina New")
    Parts(page).news("first-learner")
    assert "learners" in Parts(page).rooms


def test_a_teacher_s_home_listens_to_all_her_classes(
    browser: Browser, school: School, teacher: Viewer, classroom: Classroom
) -> None:
    """Each of her classes is a room, nobody else's is, and never more rooms than one stream may have."""
    more = [school.classroom(teacher, f"Class {number:02d}") for number in range(live_updates.MOST_ROOMS)]
    browser.sign_in(school.user(teacher))
    rooms = Parts(browser.open()).rooms["classes"]
    assert len(rooms) == live_updates.MOST_ROOMS
    assert set(rooms) <= {f"classroom:{each.id}" for each in (classroom, *more)}


@pytest.mark.parametrize(("path", "key"), [("", "home"), ("chapters", "chapters")])
def test_a_student_listens_to_herself(browser: Browser, school: School, student: Viewer, path: str, key: str) -> None:
    """Her home and her chapters follow what she saves in other tabs, and nobody else's work."""
    browser.sign_in(school.user(student))
    assert Parts(browser.open(path)).rooms == {key: [live_updates.ME]}


def test_a_board_listens_to_the_boards(open_page: OpenPage, school: School, backend: Backend, student: Viewer) -> None:
    """Who takes part sees the board move; who does not has nothing to follow."""
    assert Parts(open_page("boards/leaderboard.py", school.user(student))).rooms == {}
    backend.accounts.update_profile(student, ProfileChange(board_joined=True, board_name="Comet"))
    assert Parts(open_page("boards/leaderboard.py", school.user(student))).rooms == {"board": ["boards"]}


def test_news_draws_what_is_true_now(browser: Browser, school: School, backend: Backend, student: Viewer) -> None:
    """A part that hears of something reads again, and listens from then on."""
    until(lambda: backend.events.healthy)
    browser.sign_in(school.user(student))
    page = browser.open()
    before = backend.events.position
    chapter = backend.chapters.active()[0]
    backend.progress.change(student, chapter.id, ProgressChange(questions_delta=7), key="elsewhere")
    until(lambda: backend.events.position != before)
    Parts(page).news("home")
    assert any("7" in figure.value for figure in key_figures(page).values())
    assert place(Parts(page).asked["home"]["after"]) > place(before)


def test_the_script_is_kept_by_browsers_until_it_changes() -> None:
    """Its address names its content."""
    assert asset("live.js").startswith("/assets/live.js?v=")
    assert asset("live.js") != asset("table.js")
