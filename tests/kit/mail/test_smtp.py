"""Letters by SMTP, against a real server: what travels, what is refused, and what happens when it does not answer."""

import ssl
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import pytest

from backend.kit.mail.message import Heading, Link, Part, Points, Small, as_html, as_text
from backend.kit.mail.smtp import (
    Letter,
    MailServer,
    NotNow,
    Post,
    Refused,
    ServerAway,
    message,
    parse_sender,
    parse_server,
)
from tests.mails.post_office import PASSWORD, USER, Opened, Paper, knows_the_password, open_post, text_of

__all__ = ["open_post"]

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
SENDER = parse_sender("Schule Grün <learn@school.example>")
LETTER = Letter(id="65f0", to="asha@example.org", subject="Weekly: अभिवादन", text="Hello आशा,\n", html="<p>Hello</p>")


def post(server: MailServer, trusted: ssl.SSLContext | None = None) -> Post:
    """The way to a test's server; nobody waits long."""
    return Post(server, SENDER, lambda: AT, trusted=trusted, timeout_seconds=10)


def plain(port: int) -> MailServer:
    return MailServer("127.0.0.1", port, "none")


def test_a_letter_arrives_as_it_was_written(open_post: Opened) -> None:
    """Words of any script in subject, sender and body; one id; no answering machine is called."""
    office = open_post()
    with post(plain(office.port)).line() as line:
        line.send(LETTER)
        line.send(LETTER)
    first, second = office.taken
    assert (first["To"], first["Subject"]) == ("asha@example.org", "Weekly: अभिवादन")
    assert "Schule Grün" in first["From"] and "learn@school.example" in first["From"]
    assert "आशा" in text_of(first)
    assert first["Message-ID"] == second["Message-ID"] == "<65f0@school.example>"
    assert first["Auto-Submitted"] == "auto-generated" and first["List-Unsubscribe"] is None


def test_leaving_is_one_click(open_post: Opened) -> None:
    """A letter that can be done without says so in the headers that mail programs make a button of."""
    made = message(Letter(id="1", to="a@b.example", subject="s", text="t", leave="https://x.example/u?t=1"), SENDER, AT)
    assert made["List-Unsubscribe"] == "<https://x.example/u?t=1>"
    assert made["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("field", ["to", "subject", "leave", "id"])
def test_no_field_writes_a_header_of_its_own(field: str) -> None:
    """A line break anywhere outside the body is refused."""
    given = {"id": "1", "to": "a@b.example", "subject": "s", "text": "t"} | {field: "x@y.example\r\nBcc: all@z.example"}
    with pytest.raises(Refused):
        message(Letter(**given), SENDER, AT)


@pytest.mark.parametrize(("said", "kind"), [("451 try later", NotNow), ("554 no", Refused), ("452 full", NotNow)])
def test_what_the_server_says_decides(open_post: Opened, said: str, kind: type[Exception]) -> None:
    """4xx may be tried again, 5xx never; the words are kept for whoever looks, and the line goes on."""
    office = open_post()
    office.answers = [said]
    with post(plain(office.port)).line() as line:
        with pytest.raises(kind, match=said[4:]) as found:
            line.send(LETTER)
        assert not isinstance(found.value, ServerAway)
        line.send(LETTER)
    assert len(office.taken) == 1


def test_a_server_that_is_away_says_so() -> None:
    """Nobody listens there: no letter can go."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with pytest.raises(ServerAway), post(plain(port)).line():
        pass


def test_it_signs_in_behind_tls(open_post: Opened, tmp_path: Path) -> None:
    """With STARTTLS the name and password follow the certificate; a wrong password is no letter's fault."""
    paper = Paper(tmp_path)
    office = open_post(
        tls_context=paper.for_server(), require_starttls=True, auth_required=True, authenticator=knows_the_password
    )
    server = MailServer("127.0.0.1", office.port, "starttls", USER, PASSWORD)
    with post(server, paper.for_client()).line() as line:
        line.send(LETTER)
    assert len(office.taken) == 1
    wrong = MailServer("127.0.0.1", office.port, "starttls", USER, "guessed")
    with pytest.raises(ServerAway, match="535"), post(wrong, paper.for_client()).line():
        pass


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_is_not_believed(open_post: Opened, tmp_path: Path, security: str) -> None:
    """The machine's own list of authorities decides; nothing was said before."""
    paper = Paper(tmp_path)
    options = {"ssl_context": paper.for_server()} if security == "tls" else {"tls_context": paper.for_server()}
    office = open_post(**options)
    server = MailServer("127.0.0.1", office.port, security)  # type: ignore[arg-type]  # one of the two
    with pytest.raises(ServerAway, match="CERTIFICATE_VERIFY_FAILED"), post(server).line():
        pass
    with post(server, paper.for_client()).line() as line:
        line.send(LETTER)
    assert office.tried == 1


def test_without_tls_where_tls_is_wanted_nothing_goes(open_post: Opened) -> None:
    """A server that offers no STARTTLS, or somebody between who hides the offer, gets no letter."""
    office = open_post()
    with pytest.raises(ServerAway), post(MailServer("127.0.0.1", office.port, "starttls")).line():
        pass
    assert office.tried == 0


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://u:p%40ss@mail.example", MailServer("mail.example", 465, "tls", "u", "p@ss")),
        ("smtp://u:p@mail.example?starttls", MailServer("mail.example", 587, "starttls", "u", "p")),
        ("smtp://u:p@mail.example:2587/?starttls", MailServer("mail.example", 2587, "starttls", "u", "p")),
        ("smtp://localhost:1025", MailServer("localhost", 1025, "none")),
    ],
)
def test_addresses_of_servers(url: str, server: MailServer) -> None:
    """Scheme and option choose the protection, which chooses the port."""
    assert parse_server(url) == server


@pytest.mark.parametrize("url", ["mail.example", "https://mail.example", "smtp://", "smtp://u:secret@mail.example"])
def test_no_password_travels_unprotected(url: str) -> None:
    """What is no address is refused, and a password without TLS too; the sentence does not tell it."""
    with pytest.raises(ValueError, match=r"is no address|unprotected") as refused:
        parse_server(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("written", ["nobody", "A <a@b.example>\r\nBcc: x@y.example", "@b.example", ""])
def test_a_sender_has_an_address(written: str) -> None:
    """Else it is refused at the start."""
    with pytest.raises(ValueError, match="is no address"):
        parse_sender(written)


def test_names_stay_names() -> None:
    """Whatever people wrote is no markup in HTML, and no paragraph of its own in plain text."""
    name = "<b>Eve</b>\n\nClick http://evil.example"
    parts: list[Part] = [name, Heading(name), Points([name]), Link(name, 'https://x.example/?a=1&b="2"'), Small(name)]
    html, text = as_html(parts, language="en"), as_text(parts)
    assert "<b>" not in html and html.count("&lt;b&gt;Eve") == 5
    assert 'href="https://x.example/?a=1&amp;b=&quot;2&quot;"' in html
    assert "Eve</b>\n" not in text
