"""Starting up: secrets, the demo school in production, one clear sentence for what is missing."""

import threading
from pathlib import Path
from time import monotonic, sleep

import pytest
from pydantic import SecretStr, ValidationError

from backend.bootstrap import Backend, build
from backend.chapters.models import ChapterDraft
from backend.config import Settings, load
from backend.connections import key_ring
from backend.errors import NotSignedIn, Unavailable
from tests.school import PASSWORD, School


def production(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"environment": "production", "jwt_secret": SecretStr("0123456789 in production abcdefgh")}
    )


def test_a_private_start_makes_a_secret_that_nobody_else_can_read(settings: Settings) -> None:
    """The signing secret is generated once, kept with mode 0600, and stays the same."""
    first, second = key_ring(settings).first.secret, key_ring(settings).first.secret
    kept = settings.data_dir / "secrets" / "jwt"
    assert first == second
    assert len(first) >= 32
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "changeme",
        "short",
        "x" * 64,
        "changeme-changeme-changeme-0123456789",
        "<put 32 characters here>-0123456789",
    ],
)
def test_production_refuses_a_missing_or_weak_secret(settings: Settings, secret: str | None) -> None:
    """Without a real secret a production start says which variable to set."""
    weak = production(settings).model_copy(update={"jwt_secret": SecretStr(secret) if secret else None})
    with pytest.raises(Unavailable, match="JWT_SECRET"):
        key_ring(weak)


@pytest.mark.parametrize(
    "keys",
    [
        "a:short",
        "a:changeme-changeme-changeme-0123456789",
        "a:" + "k3ys-" * 8 + ":2026-01-01",  # what signs has no last day
        "one,two,three:four:five:six",
        "a:0123456789abcdefghijklmnopqrstuv,a:zyxwvutsrqponmlkjihgfedcba987654",
        ",",
    ],
)
def test_keys_that_cannot_be_used_stop_the_start(settings: Settings, keys: str) -> None:
    """A weak, doubled or mistyped key is refused in a sentence that names the variable and tells no secret."""
    wrong = settings.model_copy(update={"jwt_keys": SecretStr(keys)})
    with pytest.raises(Unavailable, match="JWT_KEYS") as caught:
        key_ring(wrong)
    assert "0123456789" not in caught.value.message
    assert "k3ys" not in caught.value.message


def test_the_old_secret_goes_on_beside_new_keys(settings: Settings) -> None:
    """JWT_KEYS beside JWT_SECRET: the first of the keys signs, and the secret is still known."""
    both = settings.model_copy(
        update={
            "jwt_keys": SecretStr(f"nov:{'n3w-k3y' * 5}zyx"),
            "jwt_secret": SecretStr("0123456789 of old abcdefghijklmnop"),
        }
    )
    assert key_ring(both).first.id == "nov"
    assert [key.secret for key in key_ring(both).keys][1:] == ["0123456789 of old abcdefghijklmnop"]


def test_demo_people_cannot_enter_a_production_start(backend: Backend, settings: Settings) -> None:
    """A data folder that once held the demo school opens nothing to its known password in production."""
    user = backend.registration.create_first_administrator(
        name="Demo", email="admin@demo.school", password=PASSWORD, is_demo=True
    )
    school = School(backend)
    ticket = backend.sign_in.issue_ticket(user, "browser")
    token = backend.sign_in.redeem_ticket(ticket, "browser", "test")
    assert backend.sign_in.viewer(token).id == school.viewer(user).id
    strict = build(production(settings))
    try:
        with pytest.raises(NotSignedIn):
            strict.sign_in.authenticate("admin@demo.school", PASSWORD)
        with pytest.raises(NotSignedIn):
            strict.sign_in.viewer(token)
    finally:
        strict.close()


def test_the_catalogue_is_loaded_once(backend: Backend, settings: Settings) -> None:
    """A second start adds no chapter."""
    again = build(settings)
    try:
        assert len(again.chapters.every()) == len(backend.chapters.every()) == 101
    finally:
        again.close()


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MONGODB_URI= in a compose file means the private server, not an address of no length."""
    monkeypatch.setenv("MONGODB_URI", "")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert Settings().mongodb_uri is None


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is no number is refused by name."""
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(ValidationError, match="port"):
        Settings()


def test_secrets_may_stand_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of SECRETS_DIR gives the variable of its name; the environment goes before it."""
    (tmp_path / "mongodb_uri").write_text("mongodb://from-a-file/\n")
    (tmp_path / "REDIS_URL").write_text("redis://from-a-file")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://from-the-environment")
    found = load()
    assert found.mongodb_uri and found.mongodb_uri.get_secret_value() == "mongodb://from-a-file/"
    assert found.redis_url and found.redis_url.get_secret_value() == "redis://from-the-environment"


def test_an_empty_file_of_secrets_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file without content is no value: a school without mail may leave the file of SMTP_URL empty."""
    (tmp_path / "smtp_url").write_text("\n")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    assert load().smtp_url is None


def test_a_missing_folder_of_secrets_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that was not mounted stops the start, instead of a private server with an empty school."""
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ValidationError, match="secrets_dir"):
        load()


def test_a_start_that_fails_leaves_nothing_behind(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the catalogue cannot be loaded, the threads that were begun for the servers end again."""

    def broken() -> tuple[ChapterDraft, ...]:
        raise ValueError("no catalogue")

    monkeypatch.setattr("backend.bootstrap.catalogue", broken)
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="no catalogue"):
        build(own_settings)
    deadline = monotonic() + 10
    while set(threading.enumerate()) - before and monotonic() < deadline:
        sleep(0.05)
    assert not set(threading.enumerate()) - before


def test_a_database_out_of_reach_is_said_with_its_variable(settings: Settings) -> None:
    """Whoever set the address reads which variable leads nowhere."""
    lost = settings.model_copy(
        update={"mongodb_uri": SecretStr("mongodb://127.0.0.1:1/?timeoutMS=300&serverSelectionTimeoutMS=300")}
    )
    with pytest.raises(Unavailable, match="MONGODB_URI leads to no usable database"):
        build(lost)
