"""`python -m backend.demo`: opens the demo school from the shell, with a progress bar, and prints the sign-ins."""

import sys

from backend import bootstrap, config, terminal
from backend.demo.school import DemoSignIns, open_school, sign_ins
from backend.errors import AppError
from backend.kit.i18n import _
from backend.kit.observability import log


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
        _print(open_school(backend, on_progress=terminal.Bar(_("Demo school"))))
    except AppError as error:
        if error.code != "demo_open":
            raise
        terminal.say(error.message)
        _print(sign_ins())
    finally:
        backend.close()
    return 0


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
