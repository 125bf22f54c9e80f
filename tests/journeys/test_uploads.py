"""The door behind a page's uploader, asked byte by byte: only the person whose page shows one, and only so much."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.journeys.running import Visitors
from tests.journeys.school import ServedSchool
from tests.waiting import until

MB = 1024**2
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n%s\r\n--b--\r\n'


@dataclass(frozen=True)
class Upload:
    """An upload as the browser made it, to be made again with other words."""

    host: str
    path: str
    headers: dict[str, str]

    def cookies(self, **changed: str) -> "Upload":
        """The same with other cookies."""
        pairs = (pair.strip().partition("=")[::2] for pair in self.headers["cookie"].split(";"))
        cookies = {**dict(pairs), **changed}
        text = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
        return replace(self, headers={**self.headers, "cookie": text})

    def send(self, method: str = "PUT", body: bytes = FILE % b"x", path: str = "", **headers: str) -> int:
        """The status of the answer to the head and `body`, whatever length is announced."""
        with closing(HTTPConnection(self.host, timeout=60)) as connection:
            connection.putrequest(method, path or self.path, skip_host=True, skip_accept_encoding=True)
            changed = {name.replace("_", "-"): value for name, value in headers.items()}
            said = {**self.headers, "host": self.host, "content-length": str(len(body)), **changed}
            for name, value in said.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders()
            connection.send(body)
            return connection.getresponse().status


@pytest.fixture
def page(served: ServedSchool, visitors: Visitors) -> Iterator[Page]:
    """A teacher's page that shows an uploader."""
    page = served.visit(visitors, "teacher1@demo.school").open("/manage-chapters")
    page.get_by_text("Import a file").click()
    page.locator("input[type=file]").wait_for(state="attached")
    yield page


@pytest.fixture
def upload(page: Page) -> Upload:
    """What the page sends for a small file."""
    with page.expect_request(lambda request: request.method == "PUT") as caught:
        chosen = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"subject\n"}
        page.locator("input[type=file]").set_input_files(chosen)  # type: ignore[arg-type] # a payload
    expect(page.get_by_text("a.csv").first).to_be_visible()
    request = caught.value
    parts, said = urlsplit(request.url), request.all_headers()
    kept = {name: said[name] for name in said if name in ("cookie", "origin", "x-xsrftoken")}
    return Upload(parts.netloc, parts.path, {**kept, "content-type": "multipart/form-data; boundary=b"})


def test_only_the_person_whose_page_asks_for_a_file_may_send_one(
    served: ServedSchool, page: Page, upload: Upload
) -> None:
    """Nobody, somebody else, a made-up tab, a missing length and a long one are refused before the body is read."""
    other = served.session(served.backend.accounts.me(served.viewer("student1@demo.school")))
    assert upload.send() == 204
    assert upload.cookies(session="").send(body=b"", content_length=str(40 * MB)) == 401
    assert upload.cookies(session="made-up").send(body=b"", content_length=str(40 * MB)) == 401
    assert upload.cookies(session=other).send(body=b"", content_length=str(40 * MB)) == 403
    assert upload.send(body=b"", path="/_stcore/upload_file/tab/file", content_length=str(40 * MB)) == 403
    assert upload.send(body=b"", content_length="", transfer_encoding="chunked") == 411
    assert upload.send(body=b"", content_length=str(60 * MB)) == 413
    assert upload.send(x_xsrftoken="") == 403
    assert upload.cookies(session="").send("DELETE") == 401
    assert upload.cookies(session=other).send("DELETE") in (403, 405)
    assert upload.send("POST") == upload.send("GET") == upload.send("OPTIONS") == 405
    assert upload.send("DELETE", body=b"") == 204


def test_files_do_not_gather(served: ServedSchool, page: Page, upload: Upload) -> None:
    """However often a page sends a file, under whatever names, one is held."""
    process = psutil.Process(served.app.process.pid)
    body, folder = FILE % (b"x" * 30 * MB), upload.path.rpartition("/")[0]
    assert upload.send(body=body) == 204
    before = process.memory_info().rss
    for each in range(8):
        assert upload.send(body=body, path=f"{folder}/{each}") == 204
    assert process.memory_info().rss - before < 120 * MB


def test_pages_that_were_loaded_again_stand_in_nobodys_way(page: Page, upload: Upload) -> None:
    """A person who chooses a file, loads the page and chooses again may go on so: what the old page held is let go."""
    for _each in range(5):
        page.reload()
        page.get_by_text("Import a file").click()
        with page.expect_response(lambda answer: answer.request.method == "PUT") as caught:
            chosen = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"subject\n"}
            page.locator("input[type=file]").set_input_files(chosen)  # type: ignore[arg-type] # a payload
        assert caught.value.status == 204


@pytest.mark.parametrize("way", ["another page", "reload", "closed"])
def test_a_page_that_is_left_takes_no_file(page: Page, upload: Upload, way: str) -> None:
    """After a change of page, a reload or a closed tab the same upload is refused."""
    assert upload.send() == 204
    if way == "another page":
        page.get_by_role("link", name="Leaderboard").click()
    elif way == "reload":
        page.reload()
    else:
        page.close()
    until(lambda: upload.send() == 403)
