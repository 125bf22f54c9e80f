"""What a person at the terminal reads where the product does not start: one sentence, and nothing above or below it."""

import socket
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from backend import terminal
from backend.bootstrap import build
from backend.config import Settings
from backend.errors import Unavailable
from tests.journeys.running import launch


def test_a_taken_port_is_all_that_is_said(tmp_path: Path) -> None:
    """`python app.py` on a taken port names PORT in one line: no banner, no traceback, and no server was started."""
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        app = launch(tmp_path / "data", port)
        assert app.process.wait(timeout=60) == 1
    assert app.said.strip().splitlines() == [
        f"Port {port} is not available: another program listens there. Set PORT to another number."
    ]
    running = (" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"]))
    assert [each for each in running if str(tmp_path) in each] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "80000"), ("PORT", "abc"), ("PORT", ""), ("BACKUP_URL", "s3:/x"), ("BACKUP_URL", "s3://"),
        ("BACKUP_URL", "ftp:x"), ("PUBLIC_URL", "http://[x"), ("PUBLIC_URL", "http://"), ("TRACES_URL", "x"),
        ("SECRETS_DIR", "/nowhere"), ("TRUSTED_PROXIES", "x"), ("SMTP_URL", "x"), ("MONGODB_URI", "x"),
        ("PORT", "70000"), ("ENVIRONMENT", "prodcution"), ("TIME_ZONE", "Mars/Olympus"), ("LOG_LEVEL", "loud"),
        ("REDIS_URL", "http://localhost:6379"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line begins with the variable and has no word of the library that found it; an empty one counts as unset."""
    monkeypatch.setenv(name, value)
    if not value:
        assert terminal.settings().port == Settings.model_fields["port"].default
        return
    with pytest.raises(SystemExit) as ended:
        terminal.settings()
    assert ended.value.code == terminal.CALLED_WRONGLY
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"{name}: ")
    assert "Value error" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGODB_URI", "mongodb://"), ("MONGODB_URI", "mongodb://a:b:c@x:y/z"), ("MONGODB_URI", "mongodb://[::1/x"),
        ("REDIS_URL", "redis://x:port"), ("REDIS_URL", "redis+cluster://x:port"), ("REDIS_URL", "redis://[x"),
    ],
)  # fmt: skip
def test_an_address_that_a_driver_refuses_names_its_setting(name: str, value: str, settings: Settings) -> None:
    """What only the driver can tell is said as one sentence too."""
    wrong = settings.model_copy(update={name.lower(): SecretStr(value)})
    with pytest.raises(Unavailable, match=f"{name} is not a valid address: "):
        build(wrong)
