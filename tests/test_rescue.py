"""The way back in for an administrator who is locked out, from the server's own terminal."""

import pytest

from backend import rescue
from backend.bootstrap import Backend
from backend.config import Settings
from tests.school import PASSWORD, School


def test_a_locked_out_administrator_gets_in_again(
    backend: Backend,
    school: School,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command prints a link that sets a new password, once."""
    school.admin()
    _configure(monkeypatch, settings)
    assert rescue.main(["admin@example.org"]) == 0
    token = capsys.readouterr().out.strip().rpartition("token=")[2]
    backend.accounts.reset_password(token, "another long password")
    assert backend.sign_in.authenticate("admin@example.org", "another long password").role == "admin"


def test_it_is_for_administrators_alone(
    backend: Backend, school: School, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A teacher's account is not opened from the terminal, and an unknown one is said to be unknown."""
    teacher = school.teacher(school.admin())
    _configure(monkeypatch, settings)
    assert rescue.main([teacher.email]) == 1
    assert rescue.main(["nobody@example.org"]) == 1
    assert rescue.main([]) == 2
    assert backend.sign_in.authenticate(teacher.email, PASSWORD).id == teacher.id


def _configure(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    for name in ("mongodb_uri", "redis_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name).get_secret_value())
    monkeypatch.setenv("MONGODB_DATABASE", settings.mongodb_database)
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
