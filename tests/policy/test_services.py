"""The policy table against the services: each public method stands in it, and each refuses and serves as it says."""

import inspect
from collections.abc import Iterator
from dataclasses import replace

import pytest

from backend.bootstrap import Backend
from backend.errors import AppError, NotAllowed, NotFound, NotSignedIn
from backend.policy import ACTS, WITHOUT_VIEWER, Relation
from tests.policy.calls import CALLS
from tests.policy.world import ROLES, Target, World, scope_of, world

__all__ = ["world"]

# Parts of a backend that no door calls for a person: what is here may not take a viewer.
BENEATH = frozenset(
    {"settings", "clock", "mongo", "redis_client", "cache", "servers", "events", "metrics", "replays", "limiter"}
    | {"projector", "board_store", "warmer", "runs"}
)
TELLS_NOTHING = frozenset({"progress.today", "trail.record", "trail.record_view", "classrooms.check_again"})
# What these are done to is not there in this world, whoever asks: nothing was begun, no worker runs.
MISSING_ITSELF = frozenset(
    {"second_factor.confirm", "jobs.run", "restores.preview", "restores.restore", "restores.roll_back", "rights.cancel"}
    | {f"backup_tasks.{name}" for name in ("verify", "drill", "restore", "roll_back")}
    | {"backup_downloads.link", "backup_downloads.open"}
)
NOT_OF_SERVICES = ("rooms.", "page.", "chapters.export")


def _services(backend: Backend) -> dict[str, object]:
    return {name: part for name, part in vars(backend).items() if not name.startswith("_") and name not in BENEATH}


def _public(service: object) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(type(service), inspect.isfunction)
    return {name: inspect.signature(method) for name, method in found if not name.startswith("_")}


def test_every_public_method_is_in_the_table(backend: Backend) -> None:
    """A method that takes a viewer has its line, any other is named as one without; nothing stands there in vain."""
    named = {f"{service}.{name}" for service, names in WITHOUT_VIEWER.items() for name in names.split()}
    there = {f"{name}.{method}" for name, service in _services(backend).items() for method in _public(service)}
    acts = {act for act in ACTS if not act.startswith(NOT_OF_SERVICES)}
    assert there == named | acts
    assert not named & acts


def test_what_takes_a_viewer_has_a_line(backend: Backend) -> None:
    """A method whose first argument is the viewer is never declared open."""
    for name, service in _services(backend).items():
        for method, signature in _public(service).items():
            if f"{name}.{method}" not in ACTS and name != "limits" and f"{name}.{method}" not in TELLS_NOTHING:
                assert "viewer" not in signature.parameters, f"{name}.{method}"


def test_what_lies_beneath_the_services_knows_no_viewer(backend: Backend) -> None:
    """What no line protects takes no viewer: else it would be a service."""
    for name in BENEATH & set(vars(backend)):
        for method, signature in _public(getattr(backend, name)).items():
            assert "viewer" not in signature.parameters, f"{name}.{method}"


def test_every_act_of_a_service_is_tried() -> None:
    """A new line of the table is a new line of the walk."""
    assert set(CALLS) == {act for act in ACTS if not act.startswith(NOT_OF_SERVICES)}


def test_services_refuse_and_serve_as_the_table_says(world: World) -> None:
    """Every act × role × relation: not signed in, not allowed, not found, or neither of them."""
    wrong, tried = [], 0
    for act, role, relation in _steps(world):
        expected = _refusal(act, role, relation)
        target = world.target(role, relation, fresh=CALLS[act].fresh and expected is None)
        said = _said(world, act, role, target)
        if said is not expected:
            wrong.append((role, act, relation.value, said))
        tried += 1
    assert not wrong
    assert tried > 500


def _steps(world: World) -> Iterator[tuple[str, str, Relation]]:
    """What is refused first, so that nothing that was served has changed what it is refused for."""
    steps = [
        (act, role, relation)
        for act, (among, _call, _fresh) in CALLS.items()
        for role in ROLES
        for relation in world.relations(role, among)
    ]
    yield from (step for step in steps if _refusal(*step) is not None)
    yield from (step for step in steps if _refusal(*step) is None)


def _refusal(act: str, role: str, relation: Relation) -> type[AppError] | None:
    scope = scope_of(act, role)
    if not scope:
        return NotSignedIn if role == "nobody" else NotAllowed
    return None if relation in scope else NotFound


def _said(world: World, act: str, role: str, target: Target) -> type[AppError] | None:
    """With which refusal the service answers; other errors are about the matter, not about who asks."""
    try:
        CALLS[act].call(world.backend, world.people[role], target)
    except (NotSignedIn, NotFound) as error:
        return None if act in MISSING_ITSELF and type(error) is NotFound else type(error)
    except NotAllowed as error:
        return NotAllowed if error.code == "not_allowed" else None
    except AppError:
        return None
    return None


@pytest.mark.parametrize("act", ["reports.learner", "classrooms.remove_student"])
def test_a_student_of_another_class_is_not_found_through_ones_own(world: World, act: str) -> None:
    """A teacher's own class opens no way to a student who is not in it."""
    target = world.target("teacher", Relation.OWN_CLASS)
    foreign = replace(target, student=world.other.id)
    for role in ("teacher", "admin"):
        with pytest.raises(NotFound):
            CALLS[act].call(world.backend, world.people[role], foreign)


def test_the_table_itself_keeps_the_rules_of_the_school() -> None:
    """However a line is changed: nobody reads chapters alone, students and teachers touch nothing of others."""
    foreign = {Relation.OTHERS, Relation.OTHER_CLASS}
    for act, line in ACTS.items():
        assert not line.nobody or act.startswith("overview."), act
        assert not foreign & (line.student | line.teacher), act
        assert Relation.UNKNOWN not in line.student | line.teacher | line.admin, act
        if act.startswith(("administration.", "audit.", "backups.", "restores.", "monitoring.", "jobs.", "limits.")):
            assert not line.student | line.teacher, act
        if act.startswith("progress."):
            assert not line.teacher | line.admin, act
