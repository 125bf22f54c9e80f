"""compose.yml and what it runs: judged by the schema of the Compose specification, and tried on a real replica set."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo import MongoClient

from backend.config import Settings
from backend.kit.embedded import mongod_binary
from system_tests.cluster.ports import free_port
from tests.waiting import until

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"
COMPOSE = DEPLOY / "compose.yml"
OWN = {"web-1", "web-2", "api", "worker"}
# What the official images ask of an image's user, and the S3 client, not this app.
OUTSIDE = {"MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD_FILE", "MEMBERS"} | {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file with its anchors resolved."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return read


def test_it_is_what_the_specification_says() -> None:
    """The schema of the Compose specification holds."""
    checker = Path(sys.executable).parent / "check-jsonschema"
    ended = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", COMPOSE], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout


def test_every_service_is_kept_small_and_shut_in(compose: dict[str, Any]) -> None:
    """Each has a read-only root, no privileges to gain, limits of memory, processor and processes, and short logs."""
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert service["logging"]["options"]["max-size"], name


def test_every_service_is_watched(compose: dict[str, Any]) -> None:
    """Each has a check of its health: of its image, of its own, or a reason on the line above why it has none."""
    for name, service in compose["services"].items():
        if name not in {"web-1", "web-2", "api"}:
            assert service["healthcheck"], name


def test_the_commands_are_doors_of_the_product(compose: dict[str, Any]) -> None:
    """What the app's services start exists: two with pages, one with the API alone, one worker."""
    commands = {name: compose["services"][name]["command"] for name in OWN}
    assert commands == {
        "web-1": ["python", "app.py"],
        "web-2": ["python", "app.py"],
        "api": ["python", "-m", "backend.api_server"],
        "worker": ["python", "-m", "backend.worker"],
    }
    assert all((DEPLOY.parent / path).exists() for path in ("app.py", "backend/api_server.py", "backend/worker.py"))


def test_every_variable_is_a_setting(compose: dict[str, Any]) -> None:
    """No service is told something that nobody listens to, and no secret stands in the environment."""
    known = {name.upper() for name in Settings.model_fields} | OUTSIDE
    secret = {name.upper() for name in compose["secrets"]}
    for name, service in compose["services"].items():
        said = set(service.get("environment", {}))
        assert said <= known, name
        assert not said & secret, name


def test_every_secret_is_made_once(compose: dict[str, Any], tmp_path: Path) -> None:
    """The script makes what compose.yml reads, save the certificate; a second time it leaves all as it is."""
    script, folder = DEPLOY / "compose" / "make_secrets.sh", tmp_path / "secrets"
    subprocess.run(["/bin/sh", script, folder], check=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == set(compose["secrets"]) - {"tls_certificate", "tls_key"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(set(made.values())) == len(made)
    assert made["mongo_app_password"] in made["mongodb_uri"]
    subprocess.run(["/bin/sh", script, folder], check=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made


def test_the_made_secrets_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings take what the script made, in production."""
    subprocess.run(["/bin/sh", DEPLOY / "compose" / "make_secrets.sh", tmp_path], check=True)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("ENVIRONMENT", "production")
    settings = Settings(_secrets_dir=tmp_path)
    assert settings.mongodb_uri and settings.redis_url and settings.jwt_keys and settings.backup_key
    assert settings.smtp_url is None  # until somebody writes it


def test_mail_bucket_and_traces_can_be_set(compose: dict[str, Any]) -> None:
    """Each process of the app is told the sender, the mail server, the bucket's key and the collector, where set."""
    for name in OWN:
        told = compose["services"][name]
        assert {"MAIL_FROM", "TRACES_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= set(told["environment"])
        assert "smtp_url" in told["secrets"], name


def test_nginx_is_told_of_these_very_addresses(compose: dict[str, Any], tmp_path: Path) -> None:
    """nginx_conf.sh writes what nginx is started with: the fixed addresses of compose.yml, no module that it lacks."""
    front = {
        name: each["networks"]["front"]["ipv4_address"]
        for name, each in compose["services"].items()
        if isinstance(each["networks"], dict)
    }
    made = tmp_path / "nginx.conf"
    script = DEPLOY / "compose" / "nginx_conf.sh"
    subprocess.run(["/bin/sh", script, made], env={**os.environ, "PYTHON": sys.executable}, check=True)
    text = made.read_text()
    assert set(re.findall(r"server (10[0-9.]+):8501", text)) == {front[name] for name in ("web-1", "web-2", "api")}
    assert "load_module" not in text
    assert "brotli on" not in text
    assert compose["services"]["web-1"]["environment"]["TRUSTED_PROXIES"] == f"{front['nginx']}/32"
    mounted = compose["services"]["nginx"]["volumes"]
    assert mounted == ["./compose/nginx.conf:/etc/nginx/school.conf:ro"]


@pytest.fixture
def fresh_members(tmp_path: Path) -> Iterator[tuple[list[str], Path]]:
    """Three members as the official image starts them: one key file, a root user in the first, no set yet."""
    secrets, ports = tmp_path / "secrets", [free_port() for _each in range(3)]
    subprocess.run(["/bin/sh", DEPLOY / "compose" / "make_secrets.sh", secrets], check=True)
    keyfile = tmp_path / "keyfile"
    keyfile.write_text((secrets / "mongo_keyfile").read_text())
    keyfile.chmod(0o400)
    for port in ports:
        (tmp_path / str(port)).mkdir()
    alone = _start(tmp_path, ports[0])
    try:
        _make_root(ports[0], (secrets / "mongo_root_password").read_text())
    finally:
        _end(alone)
    members = [_start(tmp_path, port, "--replSet", "school", "--keyFile", str(keyfile)) for port in ports]
    try:
        yield [f"127.0.0.1:{port}" for port in ports], secrets
    finally:
        for each in members:
            each.kill()  # in order would take a quarter of a minute each: what they hold is thrown away
            each.wait()


def test_a_set_is_made_of_fresh_members(fresh_members: tuple[list[str], Path]) -> None:
    """mongo_init.py makes the set and the app's user; again it changes nothing, and the user may do enough."""
    members, secrets = fresh_members
    environment = {**os.environ, "MEMBERS": ",".join(members), "SECRETS": str(secrets)}
    script = DEPLOY / "compose" / "mongo_init.py"
    for _time in range(2):
        subprocess.run([sys.executable, script], env=environment, check=True, timeout=150, stdout=subprocess.DEVNULL)
    password = (secrets / "mongo_app_password").read_text()
    with MongoClient[dict[str, Any]](members, replicaSet="school", username="school", password=password) as client:
        client["chapter_performance"]["chapters"].insert_one({"_id": "one"})
        client["scratch"]["chapters"].insert_one({"_id": "one"})
        client.drop_database("scratch")
        status = client.admin.command("replSetGetStatus")
        assert len(status["members"]) == 3


def _start(folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    words = ("--port", str(port), "--dbpath", str(folder / str(port)), "--bind_ip", "127.0.0.1", "--nounixsocket")
    small = ("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64")[: 4 if options else 2]
    with (folder / f"{port}.log").open("ab") as log:
        started = subprocess.Popen([mongod_binary.find().path, *words, *small, *options], stdout=log, stderr=log)
    until(lambda: started.poll() is not None or _answers(port))
    assert started.poll() is None, (folder / f"{port}.log").read_text()[-2000:]
    return started


def _answers(port: int) -> bool:
    with MongoClient[dict[str, Any]](port=port, directConnection=True, serverSelectionTimeoutMS=500) as client:
        try:
            return bool(client.admin.command("ping")["ok"])
        except Exception:  # noqa: BLE001  (not there yet, whatever it says)
            return False


def _make_root(port: int, password: str) -> None:
    with MongoClient[dict[str, Any]](port=port, directConnection=True) as client:
        client.admin.command("createUser", "root", pwd=password, roles=["root"])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=60)
    finally:
        process.kill()
