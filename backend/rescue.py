"""`python -m backend.rescue EMAIL`: a one-time link for an administrator who can no longer sign in.

Anyone who may run commands on the school's server may do this; it works for administrators only.
"""

import sys

from backend import terminal
from backend.bootstrap import Backend
from backend.kit.i18n import _, moment


def main(arguments: list[str]) -> int:
    """Print the link on standard output and return the exit status."""
    if len(arguments) != 1:
        terminal.say(_("Usage: python -m backend.rescue EMAIL"))
        return terminal.CALLED_WRONGLY
    return terminal.run(lambda backend: _print_link(backend, arguments[0]))


def _print_link(backend: Backend, email: str) -> int:
    link = backend.administration.rescue(email)
    settings = backend.settings
    base = settings.public_url or f"http://localhost:{settings.port}"
    print(f"{base.rstrip('/')}/reset-password?token={link.token}")  # noqa: T201  (the result)
    until = moment(link.expires_at, settings.time_zone)
    terminal.say(
        _("This link sets a new password for {name}, once, until {time}.").format(name=link.user.name, time=until)
    )
    return terminal.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
