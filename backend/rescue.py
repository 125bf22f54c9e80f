"""`python -m backend.rescue EMAIL`: a one-time link for an administrator who cannot sign in any more.

Whoever may run a command on the school's server may do this; it works on administrators alone.
"""

import sys

from backend import terminal
from backend.bootstrap import Backend
from backend.kit.i18n import _, moment


def main(arguments: list[str]) -> int:
    """The exit status; the link is printed on standard output."""
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
