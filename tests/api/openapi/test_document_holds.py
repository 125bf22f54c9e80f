"""Whatever a program sends: no answer of 5xx, and no status or shape that the document does not name (schemathesis)."""

from random import Random
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from pymongo import message
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.types import Receive, Scope, Send

from backend.api import create_api
from backend.api.refusals import API
from backend.bootstrap import Backend
from tests.api.caller import Door

# The first would sign out whoever tries the rest, the others exchange the school under everybody: tests/backups does.
ENDING = frozenset({"/auth/logout", "/admin/backups/restore", "/admin/backups/rollback"})
EXAMPLES = 3  # of each kind, for each route and role: enough for a light look at every change
# All checks of single requests but one: whether fitting data is accepted depends on what is there, such as a join
# code that exists, a cursor that was given out, a key that was not used before.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
]


@pytest.mark.filterwarnings("default")  # schemathesis and its test client warn about each other's versions
@pytest.mark.parametrize("role", ["anyone", "student", "teacher", "admin"])
def test_no_request_finds_what_the_document_does_not_name(
    door: Door, backend: Backend, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generated requests to every route, fitting and unfitting, as nobody, as a student and as a teacher."""
    # Threads of the driver number their messages by the global generator, which hypothesis takes for a strategy's act.
    monkeypatch.setattr(message, "random", Random())  # noqa: S311 - no secret
    api = create_api(backend)

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await api({**scope, "root_path": API}, receive, send)

    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", mounted)
    headers = getattr(door, role).headers
    tried, wrong = 0, list[str]()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path in ENDING:
            continue
        if "text/event-stream" in str(operation.definition.raw["responses"].get("200")):  # it does not end
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
                continue  # any text fits a path

            @settings(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def hold(case: Case[Any]) -> None:
                case.call_and_validate(headers=headers, checks=CHECKS)

            try:
                hold()
            except (FailureGroup, Failure) as failed:
                wrong.append(f"{operation.label} {mode.value}: {failed}")
            tried += 1
    assert not wrong, "\n\n".join(wrong)
    assert tried > 60
