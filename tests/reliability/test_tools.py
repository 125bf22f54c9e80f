"""What faults are made with does what it says; otherwise the trials prove nothing."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from subprocess import PIPE
from time import monotonic

import psutil
import pytest

from system_tests.cluster.ports import free_port
from system_tests.faults.proxy import Proxy
from system_tests.faults.report import Figure, Figures, write
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
DELAY_SECONDS = 0.2
LEASHED = """
import subprocess, time
from system_tests.cluster.process_reaper import Leash
leash, sleeper = Leash(), subprocess.Popen(["sleep", "1000"])
leash.add(sleeper.pid)
print(sleeper.pid, flush=True)
time.sleep(1000)
"""
CALLER = """
import socket, sys
def heard(link):
    link.sendall(b"a")
    try:
        return "heard" if link.recv(1) else "ended"
    except TimeoutError:
        return "nothing"
def connect():
    return socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=0.5)
first = connect()
for _ in sys.stdin:
    print(heard(first), flush=True)
    print(heard(connect()), flush=True)
"""


@contextmanager
def echo() -> Iterator[int]:
    """A server that says what it is told; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_repeat, args=(server.accept()[0],), daemon=True).start()


def _repeat(link: socket.socket) -> None:
    with link, suppress(OSError):
        while data := link.recv(1000):
            link.sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with echo() as port:
        known_by = free_port()
        made = Proxy(known_by, port)
        yield made
        made.close()


def connected(proxy: Proxy) -> socket.socket:
    """A connection by way of the proxy, over which something went already."""
    link = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    link.sendall(b"a")
    assert link.recv(1) == b"a"
    return link


def test_a_slow_one_delays_both_ways(proxy: Proxy) -> None:
    """Question and answer each take the time longer."""
    with connected(proxy) as link:
        proxy.slow(DELAY_SECONDS, DELAY_SECONDS)
        since = monotonic()
        link.sendall(b"b")
        assert link.recv(1) == b"b"
        assert monotonic() - since >= 2 * DELAY_SECONDS


def test_a_silent_one_holds_back_and_delivers_late(proxy: Proxy) -> None:
    """Nothing arrives, nothing breaks, new connections are taken; healed, what was said arrives."""
    with connected(proxy) as link:
        proxy.silence()
        link.sendall(b"b")
        newcomer = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        newcomer.sendall(b"c")
        for each in (link, newcomer):
            each.settimeout(DELAY_SECONDS)
            with pytest.raises(TimeoutError):
                each.recv(1)
            each.settimeout(10)
        proxy.heal()
        assert (link.recv(1), newcomer.recv(1)) == (b"b", b"c")
        newcomer.close()


def test_a_silent_one_for_a_process_serves_the_others(proxy: Proxy) -> None:
    """What a process connected before, and connects afterwards, carries nothing; what others connected goes on."""
    words = [sys.executable, "-c", CALLER, str(proxy.port)]
    with connected(proxy) as link, subprocess.Popen(words, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as caller:
        try:
            assert said(caller) == ["heard", "heard"]
            proxy.silence(caller.pid)
            assert said(caller) == ["nothing", "nothing"]
            link.sendall(b"b")
            assert link.recv(1) == b"b"
            proxy.heal()
            assert said(caller) == ["heard", "heard"]
        finally:
            caller.kill()


def test_answers_that_are_lost_leave_the_question_done() -> None:
    """What was said arrives at once; the answer to it, when all is well again."""
    known_by = free_port()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        closing(Proxy(known_by, server.getsockname()[1])) as proxy,
        socket.create_connection(("127.0.0.1", known_by), timeout=10) as link,
        server.accept()[0] as target,
    ):
        target.settimeout(10)
        proxy.lose_answers(os.getpid())
        link.sendall(b"a")
        assert target.recv(1) == b"a"
        target.sendall(b"b")
        link.settimeout(DELAY_SECONDS)
        with pytest.raises(TimeoutError):
            link.recv(1)
        proxy.heal()
        link.settimeout(10)
        assert link.recv(1) == b"b"


def said(caller: "subprocess.Popen[str]") -> list[str]:
    """What the process hears now over the connection that it has, and over a new one."""
    assert caller.stdin
    assert caller.stdout
    caller.stdin.write("go\n")
    return [caller.stdout.readline().strip() for _link in range(2)]


def test_a_reset_breaks_what_there_is_alone(proxy: Proxy) -> None:
    """Connections break; the next one is served."""
    with connected(proxy) as link:
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            link.recv(1)
    connected(proxy).close()


def test_a_refusing_one_takes_nobody_until_healed(proxy: Proxy) -> None:
    """Connecting fails at once, and works again afterwards."""
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.heal()
    connected(proxy).close()


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
def test_a_closed_one_leaves_no_socket() -> None:
    """Also connections that were taken a moment before it is closed are closed: no warning of them comes later."""
    with echo() as port, ExitStack() as links:
        for _each in range(20):
            known_by = free_port()
            made = Proxy(known_by, port)
            for _link in range(5):
                links.enter_context(socket.create_connection(("127.0.0.1", known_by), timeout=10))
            made.close()
            del made
        gc.collect()


def test_what_is_on_a_leash_ends_with_its_holder() -> None:
    """However the holder ends: here by kill -9."""
    with subprocess.Popen([sys.executable, "-c", LEASHED], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        sleeper = psutil.Process(int(holder.stdout.readline()))
        holder.send_signal(signal.SIGKILL)
    until(lambda: not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE)


def test_figures_take_the_place_of_older_ones_of_their_fault(tmp_path: Path) -> None:
    """The page's table has one line for each fault, the newest, and the text around it stays."""
    page, kept = tmp_path / "page.md", tmp_path / "page.json"
    page.write_text("before\n<!-- faults -->\nold\n<!-- /faults -->\nafter\n")
    for saves in (1_000, 2_000):
        found = Figures()
        found.add(Figure("killed", 2, saves, 0, 0, gaps=[1.0, 3.0], longest=4.0, refused={"Sorry.": 3}, unclear=1))
        write(found, page, kept)
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    (line,) = [each for each in lines if each.startswith("| killed")]
    assert line.startswith("| killed | 2 | 2,000 | 0 | 0 | 2.0 s | 3.0 s | 4.0 s | 3 | 1 |")
