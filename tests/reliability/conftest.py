"""How often each fault is made (`--faults 10`, as `make chaos` says), and where figures go."""

from collections.abc import Iterator

import pytest

from system_tests.faults.report import Figures, write
from tests.reliability.trial import Trials


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults", type=int, default=1, help="how many times each fault is made; above 1 figures are kept"
    )


@pytest.fixture(scope="session")
def trials(request: pytest.FixtureRequest) -> Iterator[Trials]:
    """Makes faults, and writes what was found to docs/reliability.md where they were made many times over."""
    made = Trials(int(request.config.getoption("--faults", default=1)), Figures())
    yield made
    if made.is_long and made.figures.found:
        write(made.figures)
