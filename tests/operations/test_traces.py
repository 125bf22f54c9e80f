"""Traces: sent to a real receiver over HTTP when an address is set, and nothing at all when none is."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from backend.api import create_api
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import Unavailable
from backend.kit.observability import tracing
from backend.wiring.tracing import begin
from pages.shell import services
from tests.api.caller import Caller
from tests.pages.at_path import Browser
from tests.school import PASSWORD, School

ROOT = Path(__file__).resolve().parents[2]


class Receiver:
    """What a collector of OpenTelemetry does with OTLP over HTTP: it takes protobuf at /v1/traces."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.raw: list[bytes] = []
        self.facts: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        self.raw.append(body)
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.facts = {fact.key: fact.value.string_value for fact in each.resource.attributes}
            for scope in each.scope_spans:
                self.spans += scope.spans

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def traced(settings: Settings, backend: Backend, receiver: Receiver) -> Iterator[Backend]:
    """A backend that sends all traces to the receiver, on the database of this test."""
    assert backend.settings.traces_url is None
    built = build(settings.model_copy(update={"traces_url": receiver.url, "traces_share": 1.0}), clock=backend.clock)
    begin(built.settings, "web", "this process")
    yield built
    tracing.end()
    built.close()


def trace_of(receiver: Receiver, root: str) -> dict[str, str]:
    """By name of each span in the trace that `root` begins, the name of the span that it is a part of."""
    (first,) = (span for span in receiver.spans if span.name == root)
    assert not first.parent_span_id
    inside = {span.span_id: span for span in receiver.spans if span.trace_id == first.trace_id}
    return {span.name: inside[span.parent_span_id].name for span in inside.values() if span.parent_span_id}


def test_a_request_is_one_trace_with_its_steps(traced: Backend, school: School, receiver: Receiver) -> None:
    """The route, the act of the service within it, and the commands to MongoDB and Redis within that; no value of
    anybody, no token and no address is in it."""
    school.admin()
    caller = Caller(TestClient(create_api(traced), raise_server_exceptions=False))
    pair = caller.post("/auth/login", {"email": "admin@example.org", "password": PASSWORD}).json()["data"]
    assert Caller(caller._client, pair["accessToken"]).get("/admin/users").status_code == 200
    tracing.end()
    parts = trace_of(receiver, "GET /admin/users")
    assert parts["administration.users"] == "GET /admin/users"
    assert parts["find users"] == "administration.users"
    assert any(name.startswith("redis ") for name in parts)
    assert receiver.facts["service.name"] == "chapter-performance"
    assert receiver.facts["chapter.role"] == "web"
    everything = b"".join(receiver.raw)
    for secret in ("example.org", "Asha", PASSWORD, pair["accessToken"]):
        assert secret.encode() not in everything


def test_a_page_is_one_trace_with_its_parts(
    traced: Backend, school: School, browser: Browser, receiver: Receiver
) -> None:
    """A run of a page holds its fragments, and these the acts they asked for."""
    browser.sign_in(school.user(school.admin()))
    services.install(traced)
    assert not browser.open("users").exception
    assert not browser.open("health").exception
    tracing.end()
    parts = trace_of(receiver, "page health")
    assert parts["fragment operations/health.draw_health"] == "page health"
    assert parts["operations.health"] == "fragment operations/health.draw_health"
    assert "administration.users" in trace_of(receiver, "page users")


def test_what_begins_within_another_is_a_trace_of_its_own(traced: Backend, receiver: Receiver) -> None:
    """A job that a request set off, or a request that a page made, is no part of that: its steps are its own."""
    assert tracing.is_on()
    with (
        tracing.root("request"),
        tracing.root("job"),
        tracing.step("find users"),
    ):
        pass
    tracing.end()
    named = {span.name: span for span in receiver.spans}
    assert named["job"].trace_id != named["request"].trace_id
    assert not named["job"].parent_span_id
    assert named["find users"].parent_span_id == named["job"].span_id


def test_what_is_not_traced_costs_nothing(backend: Backend, school: School) -> None:
    """Without an address no step is made, services are as they were, and what sends traces is not even imported."""
    assert not tracing.is_on()
    assert tracing.opened("find users") is None
    assert "users" not in vars(backend.administration)
    code = "import sys, backend.bootstrap, backend.jobs; print('opentelemetry.exporter' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
    assert school.admin().role == "admin"


def test_a_collector_that_is_away_harms_nobody(settings: Settings, backend: Backend, school: School) -> None:
    """Where nobody takes the traces, requests are answered all the same."""
    school.admin()
    built = build(settings.model_copy(update={"traces_url": "http://127.0.0.1:1", "traces_share": 1.0}))
    begin(built.settings, "web", "this process")
    try:
        assert Caller(TestClient(create_api(built))).get("/health/ready").status_code == 200
    finally:
        tracing._state.tracer = tracing._state.provider = None  # shutting down would wait for the collector
        built.close()
    assert backend.settings.traces_url is None


def test_missing_packages_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRACES_URL without what sends traces ends the start with the command that installs it."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Unavailable, match="pip install opentelemetry-sdk"):
        build(settings.model_copy(update={"traces_url": "http://127.0.0.1:1"}))
