"""What a run of the tests says on the terminal: files done of all, and how to run alone what failed."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

FEW_FILES = 3  # with so few, pytest's dots tell enough
NOT_IN_MAKE = frozenset("$\"'`\\")


def alone(nodeid: str) -> str:
    """The command that runs this test alone; its whole function where the shell would not take the parameters."""
    function = nodeid.partition("[")[0]
    if NOT_IN_MAKE & set(nodeid) or not nodeid.isprintable():
        return f'make test T="{function}"'
    quoted = shlex.quote(nodeid)
    return f'make test T="{quoted}"'


class FileProgress:
    """One line for each file whose tests are done, in place of a dot for each test."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._left: dict[str, set[str]] = {}
        self._outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._failed: list[str] = []
        self._count = 0

    @property
    def _is_on(self) -> bool:
        return self._count > FEW_FILES

    def begin(self, nodeids: Iterable[str]) -> None:
        """Take what was collected; with several processes each of them tells the same."""
        if self._left:
            return
        for nodeid in nodeids:
            self._left.setdefault(nodeid.partition("::")[0], set()).add(nodeid)
        self._count = len(self._left)
        if self._is_on:
            tests = sum(map(len, self._left.values()))
            self._terminal.write_line(f"{tests} tests in {self._count} files")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.begin(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.begin(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No letter: the line of the file says how many passed, and a failure has a line of its own."""
        if not self._is_on or hasattr(report, "wasxfail"):
            return None
        if report.failed:
            return ("failed", "", "FAILED") if report.when == "call" else ("error", "", "ERROR")
        return (report.outcome, "", "") if report.skipped or report.when == "call" else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0]
        self._seconds[file] += report.duration
        if report.failed:
            self._outcomes[file]["failed"] += 1
            self._failed.append(report.nodeid)
            if self._is_on:
                self._terminal.write_line(f"FAILED     {report.nodeid} ({report.when})")
        elif report.skipped:
            self._outcomes[file]["skipped"] += 1
        elif report.when == "call":
            self._outcomes[file]["passed"] += 1
        if report.when == "teardown":
            self._end(file, report.nodeid)

    def _end(self, file: str, nodeid: str) -> None:
        left = self._left.get(file, set())
        left.discard(nodeid)
        if left or file not in self._left:
            return
        del self._left[file]
        if self._is_on:
            done = self._count - len(self._left)
            counts = ", ".join(f"{count} {outcome}" for outcome, count in self._outcomes[file].items())
            self._terminal.write_line(f"{done:4} of {self._count}  {file}: {counts} in {self._seconds[file]:.0f} s")

    def pytest_terminal_summary(self) -> None:
        if self._failed:
            self._terminal.section("To run one of them alone")
            for command in dict.fromkeys(map(alone, self._failed)):
                self._terminal.write_line(command)


@pytest.hookimpl(trylast=True)  # the terminal is there then
def pytest_configure(config: pytest.Config) -> None:
    """Report from the process that has the terminal, not from its workers."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.register(FileProgress(terminal), "file-progress")
