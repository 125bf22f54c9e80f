"""What a page asks of the database: as much for a class of eight as for one of two, and nothing once it is known."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from backend.accounts.models import Viewer
from backend.bootstrap import Backend
from backend.classrooms.models import Classroom
from backend.kit.observability.metrics import QUERIES
from backend.progress.models import ProgressChange
from backend.statistics.queries import ProjectorQueries
from tests.boards.builders import joined
from tests.classrooms.builders import save
from tests.pages.at_path import Browser
from tests.school import School

Asked = Counter[str]
LIVE = {"find sessions", "update sessions", "find users", "find memberships"}  # who is there is known for 2 s
STATE = {"find boardState", "aggregate leases"}  # whether boards are kept is known for 1 s
VERSIONS = frozenset({"find summaries"})  # a class is held by version: each look asks how far its learners are
SLACK = 4  # commands of LIVE, asked anew where a page takes longer than that


@dataclass(frozen=True)
class Look:
    """A page as somebody opens it, perhaps with something chosen on it: most commands when nothing is known yet.

    `again` are those it asks each time: what is never kept.
    """

    path: str
    most: int
    act: Callable[[AppTest], object] = lambda tab: None
    again: frozenset[str] = frozenset()


def view(name: str) -> Callable[[AppTest], object]:
    return lambda tab: tab.segmented_control(key="class-view").set_value(name).run()


def beside_others(tab: AppTest) -> object:
    return tab.toggle(key="beside-others").set_value(True).run()


# Health and audit are not here: they say how things are now, so they ask. What there is on a page stands as a sum:
# the viewer (4), the catalogue (1), a student's record (3), her classes or a teacher's (2 to 4), then what is its own.
LOOKS = {
    "student": {
        "home": Look("", 4 + 1 + 3),
        "chapters": Look("chapters", 4 + 1 + 3),
        "chapter": Look("chapter", 4 + 1 + 3 + 2 + 4, again=frozenset({"find activity"})),
        "beside others": Look("insights", 4 + 1 + 3 + 2 + 3, beside_others),
        "leaderboard": Look("leaderboard", 4 + 3 + 2 + 2 + 3),
        "settings": Look("settings", 4 + 2 + 10, again=frozenset({"find deletions"})),
    },
    "teacher": {
        "home": Look("", 4 + 1 + 4 + 4, again=VERSIONS),
        "class": Look("classroom", 4 + 1 + 4 + 4, again=VERSIONS),
        "chapter by chapter": Look("classroom", 4 + 1 + 4 + 4 + 2, view("chapters"), VERSIONS),
        "over time": Look("classroom", 4 + 1 + 4 + 4 + 3, view("weeks"), VERSIONS),
        "numbers": Look("classroom", 4 + 1 + 4 + 4 + 1, view("numbers"), VERSIONS),
        "catalogue": Look("manage-chapters", 4 + 1 + 1),
    },
    "admin": {
        "users": Look("users", 4 + 2, again=frozenset({"aggregate users", "aggregate deletions"})),
    },
}


@pytest.fixture
def people(backend: Backend, school: School) -> dict[str, Viewer]:
    """One of each role; the student's class has six learners."""
    projector = ProjectorQueries(backend.mongo)
    lease = projector.lead("somebody", 600)  # so that boards are read where they are kept
    assert lease
    projector.keep_leading(lease, 0.0)
    admin = school.admin()
    teacher = school.teacher(admin)
    (student, *_others) = learners(backend, school, school.classroom(teacher), range(6))
    return {"admin": admin, "teacher": teacher, "student": student}


def learners(backend: Backend, school: School, classroom: Classroom, numbers: range) -> list[Viewer]:
    """Students of the class who take part in boards and have worked on two chapters."""
    found = [joined(backend, school.student(classroom, f"S{each}"), f"Name {each}") for each in numbers]
    for student in found:
        for position in range(2):
            save(backend, student, position, f"k{position}", ProgressChange(questions_delta=1))
    return found


@pytest.mark.parametrize("role", LOOKS)
def test_pages_ask_no_more_for_a_larger_class(
    backend: Backend, school: School, browser: Browser, people: dict[str, Viewer], role: str
) -> None:
    """With nothing in the cache a page stays within its sum, and asks for nine learners what it asks for six."""
    browser.sign_in(school.user(people[role]))
    small = {name: cold(backend, browser, look) for name, look in LOOKS[role].items()}
    (classroom,) = backend.classrooms.classrooms(people["admin"])
    learners(backend, school, classroom, range(6, 9))
    for name, look in LOOKS[role].items():
        large = cold(backend, browser, look)
        assert not _without(large - small[name], LIVE), name
        assert large.total() <= look.most + SLACK, (name, large)


@pytest.mark.parametrize("role", LOOKS)
def test_pages_ask_nothing_that_is_known(
    backend: Backend, school: School, browser: Browser, people: dict[str, Viewer], role: str
) -> None:
    """Drawn again with nothing changed, a page asks MongoDB nothing but what is never kept."""
    browser.sign_in(school.user(people[role]))
    for name, look in LOOKS[role].items():
        tab = opened(backend, browser, look)
        before = asked(backend)
        tab.run()
        assert not _without(asked(backend) - before, LIVE | STATE | look.again), name


def cold(backend: Backend, browser: Browser, look: Look) -> Asked:
    """What the page asks when nothing is in the cache."""
    backend.cache.invalidate("*")
    before = asked(backend)
    opened(backend, browser, look)
    return asked(backend) - before


def opened(backend: Backend, browser: Browser, look: Look) -> AppTest:
    query = {"id": backend.chapters.active()[0].id} if look.path == "chapter" else {}
    tab = browser.open(look.path, **query)
    look.act(tab)
    assert not tab.exception, tab.exception[0].value
    return tab


def asked(backend: Backend) -> Asked:
    """Commands since the start of the process, by kind and collection."""
    return Counter({label: figures.count for label, figures in backend.metrics.read(QUERIES).items()})


def _without(found: Asked, labels: Collection[str]) -> Asked:
    return Counter({label: count for label, count in found.items() if label not in labels})
