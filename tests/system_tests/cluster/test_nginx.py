"""The nginx in front: where it leads a request, what it says of it, what it keeps, and what it does when one dies."""

import http.client
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client, ConnectError

from deploy import nginx
from system_tests.cluster.people import unchecked
from tests.system_tests.cluster.conftest import Front

PAGE = {"Accept": "text/html"}


def client(front: Front) -> Client:
    """A browser, as it were: it keeps cookies."""
    return Client(base_url=front.url, verify=unchecked(), timeout=30)


def told(answer: Any) -> dict[str, Any]:
    """What the stand-in was asked."""
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def announced(front: Front, path: str, length: int) -> int:
    """The status of a POST that only says how long its body will be."""
    host = front.url.removeprefix("https://")
    connection = http.client.HTTPSConnection(host, context=unchecked(), timeout=30)
    try:
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_command_prints_what_nginx_takes(nginx_here: None, tmp_path: Path) -> None:
    """`python -m deploy.nginx` writes a configuration that nginx itself finds right."""
    words = [
        "--web",
        "a=10.0.0.1:8501",
        "--web",
        "b=10.0.0.2:8501",
        "--api",
        "10.0.0.3:8501",
        "--name",
        "learn.example",
    ]
    logs = ["--access-log", str(tmp_path / "access"), "--error-log", str(tmp_path / "error")]
    command = [sys.executable, "-m", "deploy.nginx", *words, *logs, "--folder", str(tmp_path), "--listen", "8443"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "nginx.conf").write_text(printed)
    checked = subprocess.run(
        [nginx.program(), "-t", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("wrong", [{"a": "web:8501"}, {"a;b": "10.0.0.1:80"}, {"a": "10.0.0.1"}, {}])
def test_addresses_that_would_not_work_are_refused(wrong: dict[str, str], tmp_path: Path) -> None:
    """A name that cannot be a cookie, or an address that is no IP address with a port, is said at once."""
    with pytest.raises(ValueError, match=r"."):
        nginx.Front(folder=tmp_path, web=wrong).text()


def test_a_certificate_without_its_key_is_refused() -> None:
    """It is said at once, and no configuration is printed that nginx would refuse later."""
    command = [sys.executable, "-m", "deploy.nginx", "--web", "a=10.0.0.1:8501", "--certificate", "chain.pem"]
    told_off = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told_off.returncode, told_off.stdout) == (2, "")
    assert "needs its key" in told_off.stderr


def test_a_browser_stays_with_its_process_until_it_dies(front: Front) -> None:
    """All requests of a browser go to one process; when that is gone, to another one, with which it stays then."""
    with client(front) as browser:
        first = told(browser.get("/", headers=PAGE))["name"]
        assert browser.cookies["node"] == first
        assert {told(browser.get("/chapters", headers=PAGE))["name"] for _turn in range(6)} == {first}
        dead, other = (front.a, "b") if first == "a" else (front.b, "a")
        dead.stop()
        assert told(browser.get("/", headers=PAGE))["name"] == other
        assert browser.cookies["node"] == other


def test_a_cookie_that_names_no_process_is_no_address(front: Front) -> None:
    """Whatever stands in the cookie, only the school's own processes are asked."""
    with client(front) as browser:
        answer = browser.get("/", headers=PAGE | {"Cookie": f"node=127.0.0.1:{front.api.port}"})
    assert told(answer)["name"] in ("a", "b")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_programs_go_to_the_api_and_to_pages_where_it_is_gone(front: Front) -> None:
    """/api/ is answered by the API's process, and by one with pages when that is dead."""
    with client(front) as program:
        assert told(program.get("/api/v1/auth/me"))["name"] == "api"
        front.api.stop()
        assert told(program.get("/api/v1/auth/me"))["name"] in ("a", "b")


def test_a_save_is_not_sent_twice(front: Front) -> None:
    """A POST goes to one process; where that could not be reached at all, to another one."""
    with client(front) as program:
        assert told(program.post("/api/v1/progress/undo", json={}))["name"] == "api"
        assert len([*front.a.asked, *front.b.asked, *front.api.asked]) == 1
        front.api.stop()
        assert told(program.post("/api/v1/progress/undo", json={}))["name"] in ("a", "b")


def test_the_caller_is_who_nginx_saw(front: Front) -> None:
    """What a caller says of her own address is thrown away; the host and the scheme are passed on."""
    with client(front) as program:
        answer = program.get(
            "/api/v1/auth/me", headers={"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "http"}
        )
    headers = told(answer)["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["host"] == front.url.removeprefix("https://")


def test_public_answers_are_kept_and_personal_ones_are_not(front: Front) -> None:
    """GET /chapters says who may keep it; it is asked once for everybody, and each time for whoever is signed in."""
    front.api.headers = {"Cache-Control": "public, max-age=300", "Vary": "Authorization, Cookie", "RateLimit": "r;r=9"}
    with client(front) as program:
        answers = [program.get("/api/v1/chapters?limit=3") for _turn in range(3)]
        assert [each.headers["X-Edge-Cache"] for each in answers] == ["MISS", "HIT", "HIT"]
        assert "RateLimit" in answers[0].headers  # the allowance of who asked first is not told to the next
        assert "RateLimit" not in answers[1].headers
        signed_in = [program.get("/api/v1/chapters?limit=3", headers={"Authorization": "Bearer x"}) for _turn in "12"]
        assert [told(each)["count"] for each in signed_in] == [2, 3]


def test_private_answers_are_never_kept(front: Front) -> None:
    """An answer that is for one caller alone is asked for each time, whatever its address."""
    front.api.headers = {"Cache-Control": "private, no-cache"}
    with client(front) as program:
        assert [told(program.get("/api/v1/chapters"))["count"] for _turn in range(3)] == [1, 2, 3]


def test_answers_are_packed_as_the_caller_understands(front: Front) -> None:
    """gzip, and brotli where nginx has its module; the app itself is asked for plain ones."""
    with client(front) as program:
        packed = program.get("/api/v1/auth/me", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "accept-encoding" not in told(packed)["headers"]
        if nginx.has_brotli():
            with program.stream("GET", "/api/v1/auth/me", headers={"Accept-Encoding": "br"}) as answer:
                assert answer.headers["Content-Encoding"] == "br"


def test_a_weak_tag_is_given_back_as_the_strong_one(front: Front) -> None:
    """Packing weakens a tag; If-Match with it still names the version that was read."""
    with client(front) as program:
        answer = program.patch("/api/v1/chapters/1", json={}, headers={"If-Match": 'W/"3-abc"'})
    assert told(answer)["headers"]["if-match"] == '"3-abc"'


@pytest.mark.parametrize("path", ["/api/v1/metrics", "/_stcore/metrics"])
def test_metrics_are_not_for_the_public(front: Front, path: str) -> None:
    """Counts of the processes are not served to the outside."""
    with client(front) as stranger:
        assert stranger.get(path).status_code == 404
    assert front.api.asked == []


@pytest.mark.parametrize("path", ["/api/v1/chapters/import", "/api/v1/progress/import"])
def test_bodies_are_bounded_before_the_app_sees_them(front: Front, path: str) -> None:
    """Above 1 MB nothing is passed on, files of an import above 50 MB not either."""
    with client(front) as program:
        assert program.post("/api/v1/progress", content=b"x" * 1_100_000).status_code == 413
        assert told(program.post(path, content=b"x" * 1_100_000))["length"] == 1_100_000
    assert announced(front, path, 60_000_000) == 413
    assert front.api.asked == [path]


def test_other_names_are_refused(front: Front) -> None:
    """A request for a host that is not the school's is not passed on."""
    with client(front) as stranger:
        assert stranger.get("/", headers={"Host": "evil.example"}).status_code == 421


def test_with_everything_away_people_and_programs_are_told(front: Front) -> None:
    """Nobody answers: a page that looks again by itself, and an error as programs expect it."""
    for each in (front.a, front.b, front.api):
        each.stop()
    with client(front) as browser:
        page = browser.get("/chapters", headers=PAGE)
        assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
        assert re.search(r"http-equiv=refresh content=5", page.text)
        answer = browser.get("/api/v1/chapters")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert answer.json()["error"]["requestId"] == answer.headers["X-Request-Id"]


def test_a_reload_leads_to_other_processes(front: Front) -> None:
    """After a reload nobody is led to a process that is not named any more, not even by her cookie."""
    with client(front) as browser:
        browser.get("/", headers=PAGE)
        front.nginx.lead_to({"b": front.b.address}, [front.api.address])
        front.a.asked.clear()
        for _turn in range(4):
            assert told(browser.get("/", headers=PAGE | {"Cookie": "node=a"}))["name"] == "b"
    assert front.a.asked == []


def test_a_killed_nginx_leaves_no_worker_and_comes_back(front: Front) -> None:
    """kill -9 ends its workers too: it can be started again on the same port, and outlives the thread that did so."""
    front.nginx.process.kill()
    with pytest.raises(ConnectError), client(front) as browser:
        browser.get("/", headers=PAGE)
    starter = threading.Thread(target=front.nginx.start)
    starter.start()
    starter.join()
    with client(front) as browser:
        assert told(browser.get("/", headers=PAGE))["name"] in ("a", "b")
