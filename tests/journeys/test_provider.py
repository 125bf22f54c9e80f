"""Signing in with the school's own OpenID provider: a real one, another process, real redirects, a real browser."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Page, expect

from system_tests.cluster.ports import free_port
from tests.journeys.provider import CLIENT, SECRET
from tests.journeys.running import ROOT, RunningApp, Visitor, Visitors, running
from tests.journeys.school import PASSWORD, ServedSchool
from tests.waiting import until

NAME = "Sunrise Academy account"


@dataclass(frozen=True)
class Federated:
    """An app that knows the school's provider."""

    app: RunningApp
    provider: str

    def arrive(self, visitor: Visitor, subject: str, email: str, *, verified: bool = True) -> Page:
        """Click the button, say at the provider who one is, and come back."""
        page = visitor.open("/")
        page.get_by_role("button", name=f"Continue with {NAME}").click()
        page.get_by_role("heading", name="Who are you?").wait_for()
        page.get_by_label("Subject").fill(subject)
        page.get_by_label("Mail").fill(email)
        page.get_by_label("verified").set_checked(verified)
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url(f"{self.app.url}/**")
        visitor.foreign[:] = [each for each in visitor.foreign if not each.startswith(self.provider)]
        return page


@pytest.fixture(scope="module")
def federated(served: ServedSchool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federated]:
    """Beside the served school, another app on the same database that offers the provider."""
    port, own = free_port(), free_port()
    address = f"http://localhost:{port}"
    provider = subprocess.Popen([sys.executable, "-m", "tests.journeys.provider", str(port)], cwd=ROOT)
    environment = served.environment | {
        "OIDC_NAME": NAME,
        "OIDC_METADATA_URL": f"{address}/.well-known/openid-configuration",
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_SIGN_UP_DOMAINS": "sunrise.example",
    }
    try:
        until(lambda: _answers(f"{address}/keys"))
        folder: Path = tmp_path_factory.mktemp("federated")
        with running(folder / "data", own, **environment) as app:
            yield Federated(app, address)
    finally:
        provider.terminate()
        provider.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310  (own provider)
            return True
    except (URLError, OSError):
        return False


def test_a_teacher_signs_in_at_the_provider(federated: Federated, served: ServedSchool, visitors: Visitors) -> None:
    """By her verified address she is in her own account, with a session of ours alone, which outlives a reload."""
    teacher = served.teacher("Tara Federated")
    visitor = visitors(federated.app)
    page = federated.arrive(visitor, "tara", teacher.email.upper())
    expect(page.get_by_role("button", name="Sign out")).to_be_attached()
    expect(page.get_by_text("Tara Federated").first).to_be_attached()
    expect(visitor.reload().get_by_role("button", name="Sign out")).to_be_attached()
    names = {str(cookie["name"]) for cookie in visitor.context.cookies()}
    assert "session" in names
    assert not any(name.startswith("_streamlit_user") for name in names)
    assert served.backend.sign_in.authenticate(teacher.email, PASSWORD).id == teacher.user.id


def test_an_unverified_address_opens_nothing(federated: Federated, served: ServedSchool, visitors: Visitors) -> None:
    """Who only claims somebody's address at the provider is told so, once, and is nobody here."""
    teacher = served.teacher("Vera Victim")
    visitor = visitors(federated.app)
    page = federated.arrive(visitor, "mallory", teacher.email, verified=False)
    expect(page.get_by_text("has not verified your e-mail address")).to_be_visible()
    expect(visitor.reload().get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_text("has not verified your e-mail address")).to_have_count(0)
    assert not any(cookie["name"] == "session" for cookie in visitor.context.cookies())


def test_a_newcomer_of_the_schools_domain_becomes_a_student(
    federated: Federated, served: ServedSchool, visitors: Visitors
) -> None:
    """Of the domain that the school has named anybody becomes a student; of any other nobody becomes anything."""
    page = federated.arrive(visitors(federated.app), "nina", "nina@sunrise.example")
    expect(page.get_by_text("Somebody nina").first).to_be_attached()
    assert served.viewer("nina@sunrise.example").role == "student"
    page = federated.arrive(visitors(federated.app), "otto", "otto@elsewhere.example")
    expect(page.get_by_text("There is no account here")).to_be_visible()
    page = federated.arrive(visitors(federated.app), "eve", "eve@sunrise.example.evil.example")
    expect(page.get_by_text("There is no account here")).to_be_visible()
