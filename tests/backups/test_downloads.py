"""A backup that somebody takes away: who gets it, how long, what arrives, and what breaks it off."""

import hashlib
import io
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from backend.accounts.models import Viewer
from backend.api import create_api
from backend.backups import downloads
from backend.backups.models import Backup, DownloadLink
from backend.bootstrap import Backend, build
from backend.config import Settings
from backend.errors import NotAllowed, NotFound, NotSignedIn, Unavailable
from backend.kit.archive import Archive, CollectionFile, Damaged, FolderStore, Manifest
from backend.kit.archive.bundle import Bundle
from backend.kit.archive.manifest import FORMAT, MANIFEST, encoded
from backend.kit.clock import SetClock
from tests.school import NOON, PASSWORD, School

MEBIBYTE = 1 << 20


@pytest.fixture
def taken(backend: Backend, admin: Viewer) -> Backup:
    return backend.backups.take()


@pytest.fixture
def link(backend: Backend, admin: Viewer, taken: Backup) -> DownloadLink:
    return backend.backup_downloads.link(admin, taken.id)


def content(backend: Backend, viewer: Viewer, link: DownloadLink) -> bytes:
    return b"".join(backend.backup_downloads.open(viewer, link.backup_id, link.ticket).chunks)


def stored(backend: Backend, link: DownloadLink, name: str) -> Path:
    return Path(backend.settings.backup_place) / link.backup_id / name


def test_what_arrives_is_the_backup(backend: Backend, admin: Viewer, link: DownloadLink, tmp_path: Path) -> None:
    """As long as was said; unpacked in another folder, every checksum of it fits."""
    file = content(backend, admin, link)
    assert len(file) == link.size
    with tarfile.open(fileobj=io.BytesIO(file)) as tar:
        tar.extractall(tmp_path / "elsewhere", filter="data")
        assert tar.getnames()[-1].endswith(MANIFEST)
    assert Archive(FolderStore(tmp_path / "elsewhere"), link.backup_id).verify().documents > 0


def test_it_is_written_down_before_it_goes(backend: Backend, admin: Viewer, link: DownloadLink) -> None:
    """Who took which backup away, how large it was, and whether it was sealed."""
    assert not [each for each in backend.audit.entries(admin).entries if each.act == "backup.downloaded"]
    backend.backup_downloads.open(admin, link.backup_id, link.ticket)
    entry = backend.audit.entries(admin).entries[0]
    assert (entry.act, entry.actor_id, entry.target_id) == ("backup.downloaded", admin.id, link.backup_id)
    assert entry.after == {"bytes": link.size, "isSealed": False}


def test_a_sealed_one_stays_sealed(settings: Settings, clock: SetClock, tmp_path: Path) -> None:
    """Where a key is set, what is taken away opens with that key and with no other."""
    key = SecretStr("a key that is long enough for this, and kept elsewhere")
    sealing = build(settings.model_copy(update={"backup_key": key}), clock=clock)
    try:
        admin = School(sealing).admin()
        made = sealing.backup_downloads.link(admin, sealing.backups.take().id)
        assert made.is_sealed
        with tarfile.open(fileobj=io.BytesIO(content(sealing, admin, made))) as tar:
            tar.extractall(tmp_path / "elsewhere", filter="data")
        store = FolderStore(tmp_path / "elsewhere")
        assert Archive(store, made.backup_id, key.get_secret_value()).verify().documents > 0
        with pytest.raises(Damaged):
            Archive(store, made.backup_id).verify()
    finally:
        sealing.close()


def test_the_password_is_asked_for_again(backend: Backend, admin: Viewer, taken: Backup, clock: SetClock) -> None:
    """Five minutes after the sign-in a link wants it anew; once it was given there is one."""
    clock.advance(timedelta(minutes=6))
    with pytest.raises(NotAllowed) as refused:
        backend.backup_downloads.link(admin, taken.id)
    assert refused.value.code == "reauthentication_needed"
    backend.accounts.reauthenticate(admin, PASSWORD)
    assert backend.backup_downloads.link(admin, taken.id).backup_id == taken.id


def test_a_link_ends(backend: Backend, admin: Viewer, link: DownloadLink, clock: SetClock) -> None:
    """After five minutes it leads nowhere."""
    clock.advance(timedelta(minutes=5, seconds=1))
    with pytest.raises(NotFound) as refused:
        backend.backup_downloads.open(admin, link.backup_id, link.ticket)
    assert refused.value.code == "link_expired"


def test_a_link_is_for_one_session_and_one_backup(
    backend: Backend, school: School, admin: Viewer, link: DownloadLink
) -> None:
    """Neither another session of the same person nor another backup, nor a made-up ticket, is served by it."""
    elsewhere = school.viewer(school.user(admin))
    for viewer, backup_id, ticket in (
        (elsewhere, link.backup_id, link.ticket),
        (admin, backend.backups.take().id, link.ticket),
        (admin, link.backup_id, link.ticket[:-2] + "AA"),
        (admin, link.backup_id, ""),
    ):
        with pytest.raises(NotFound) as refused:
            backend.backup_downloads.open(viewer, backup_id, ticket)
        assert refused.value.code == "link_expired"


def test_a_session_that_ends_breaks_it_off(
    backend: Backend, admin: Viewer, link: DownloadLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed out in the middle of the file: not another byte comes."""
    monkeypatch.setattr(downloads, "LOOKED_EVERY_SECONDS", 0.0)
    chunks = backend.backup_downloads.open(admin, link.backup_id, link.ticket).chunks
    next(chunks)
    backend.accounts.sign_out(admin)
    with pytest.raises(NotSignedIn):
        list(chunks)


def test_damage_never_arrives_as_a_whole_file(backend: Backend, admin: Viewer, link: DownloadLink) -> None:
    """A changed byte breaks it off before its end; a file that is missing is said before it begins."""
    file = stored(backend, link, "users.bson.zst")
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    file.write_bytes(changed)
    found = backend.backup_downloads.open(admin, link.backup_id, link.ticket)
    with pytest.raises(Unavailable, match="damaged"):
        list(found.chunks)
    file.unlink()
    with pytest.raises(Unavailable, match="missing"):
        backend.backup_downloads.open(admin, link.backup_id, link.ticket)


def test_a_large_one_needs_little_memory(tmp_path: Path) -> None:
    """An archive of 64 MiB passes in less than eight."""
    store, size = FolderStore(tmp_path), 64 * MEBIBYTE
    digest = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        for number in range(size // MEBIBYTE):
            block = bytes([number]) * MEBIBYTE
            digest.update(block)
            yield block

    store.write("large/users.bson.zst", blocks())
    file = CollectionFile(
        name="users", file="users.bson.zst", documents=1, raw_bytes=1, raw_sha256="", stored_bytes=size,
        stored_sha256=digest.hexdigest(), options="{}", indexes="[]",
    )  # fmt: skip
    manifest = Manifest(
        format=FORMAT, id="large", taken_at=NOON, seconds=1.0, app_version="", server_version="", database="",
        cluster_time=(1, 1), is_sealed=False, collections=(file,),
    )  # fmt: skip
    store.write(f"large/{MANIFEST}", [encoded(manifest)])
    bundle = Bundle(store, "large")
    tracemalloc.start()
    try:
        assert sum(map(len, bundle.chunks())) == bundle.size > size
        assert tracemalloc.get_traced_memory()[1] < 8 * MEBIBYTE
    finally:
        tracemalloc.stop()


@pytest.fixture
def api(backend: Backend) -> TestClient:
    return TestClient(create_api(backend), raise_server_exceptions=False, follow_redirects=False)


Token = Callable[[str], dict[str, str]]


@pytest.fixture
def token(backend: Backend) -> Token:
    def made(email: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {backend.sign_in.sign_in_program(email, PASSWORD, 'test').access_token}"}

    return made


def test_by_http(api: TestClient, admin: Viewer, taken: Backup, token: Token) -> None:
    """A program makes a link and fetches the file, whose length is said; it is kept by no cache."""
    headers = token(admin.email)
    made = api.post(f"/admin/backups/{taken.id}/download", headers=headers).json()["data"]
    path = f"/admin/backups/{taken.id}/file?ticket={made['ticket']}"
    found = api.get(path, headers=headers)
    assert found.status_code == 200 and len(found.content) == made["size"] == int(found.headers["content-length"])
    assert made["name"] in found.headers["content-disposition"] and "no-store" in found.headers["cache-control"]
    assert api.get(path).status_code == 401


def test_a_browser_is_led_to_the_page_that_says_why(api: TestClient, admin: Viewer, taken: Backup) -> None:
    """A link that leads nowhere, opened in a browser, shows no JSON."""
    path = f"/admin/backups/{taken.id}/file?ticket=old"
    found = api.get(path, headers={"Accept": "text/html,*/*"})
    assert (found.status_code, found.headers["location"]) == (303, "/backups?refused=not_signed_in")
