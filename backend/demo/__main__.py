"""`python -m backend.demo`: opens the demo school from the shell, with a progress bar, and prints the sign-ins."""

import sys

from backend import bootstrap, config, terminal
from backend.demo.school import DemoSignIns, open_school, sign_ins
from backend.errors import AppError
from backend.kit.i18n import _
from backend.kit.observability import log

BAR_WIDTH = 30


def main() -> int:
    """Exit code: 0 where the demo school is open, 1 with a sentence where it cannot be, 130 when interrupted."""
    settings = terminal.settings()
    log.configure("WARNING")
    try:
        return _open(settings)
    except AppError as error:
        terminal.say(error.message)
        if error.code == "data_in_use":
            terminal.say(_("If the app is what runs there, open the demo school from its first page."))
        return 1
    except KeyboardInterrupt:
        terminal.say(_("Interrupted. Run the same command again to finish the demo school."))
        return 130


def _open(settings: config.Settings) -> int:
    backend = bootstrap.build(settings, report=terminal.say, bar=terminal.Bar)
    try:
        _print(open_school(backend, on_progress=_draw))
    except AppError as error:
        if error.code != "demo_open":
            raise
        terminal.say(error.message)
        _print(sign_ins())
    finally:
        backend.close()
    return 0


def _draw(done: int, total: int, line: str) -> None:
    if not sys.stderr.isatty():
        if done % 10 == 0:
            terminal.say(line)
        return
    filled = BAR_WIDTH * done // total
    bar = "█" * filled + "░" * (BAR_WIDTH - filled)
    end = "\n" if done == total else ""
    print(f"\r\033[K  {bar} {100 * done // total:3} %  {line}", end=end, file=sys.stderr, flush=True)


def _print(accounts: DemoSignIns) -> None:
    rows = (
        (_("Administrator"), accounts.administrator),
        (_("Teachers"), f"{accounts.teachers[0]} … {accounts.teachers[-1]}"),
        (_("Students"), f"{accounts.students[0]} … {accounts.students[-1]}"),
        (_("Password of all"), accounts.password),
    )
    width = max(len(label) for label, _value in rows)
    print()
    for label, value in rows:
        print(f"  {label:<{width}}  {value}")
    print()


if __name__ == "__main__":
    sys.exit(main())
