"""The words of letters about accounts and backups, in the reader's language. Pure."""

from backend.kit.i18n import _
from backend.kit.mail.message import Link, Part, Small
from backend.mails.models import Content


def address_changed(name: str, school: str, new: str) -> Content:
    """Write to the old address, so that nobody can take over an account unnoticed."""
    words = _("The e-mail address of your account was changed to {address}. From now on you sign in with that one.")
    warning = _(
        "If it was not you, tell your school at once: an administrator can end every session and help you back in."
    )
    return Content(
        _("The e-mail address of your account was changed"),
        [_hello(name), words.format(address=_shortened(new)), warning, _sent_by(school)],
    )


def password_link(name: str, school: str, address: str, until: str) -> Content:
    """A one-time link that an administrator made."""
    words = _("An administrator made a link with which you set your password. It works once, until {time}.")
    nothing = _("If you did not expect it, ignore it: nothing will change.")
    return Content(
        _("Set your password"),
        [_hello(name), words.format(time=until), Link(_("Set my password"), address), nothing, _sent_by(school)],
    )


def confirm_sign_up(school: str, address: str, until: str) -> Content:
    """To an address with which somebody has just signed up: nothing is opened before its reader says so."""
    words = _("Somebody, probably you, signed up at {school} with this address. The link works once, until {time}.")
    return Content(
        _("Open your account"),
        [
            words.format(school=school, time=until),
            Link(_("Open my account"), address),
            _("You will be asked for the password that you chose. If it was not you, ignore this e-mail."),
            _sent_to_address(school),
        ],
    )


def confirm_address(school: str, address: str, until: str) -> Content:
    """To an address that somebody with an account wants to sign in with from now on."""
    words = _(
        "Somebody, probably you, wants to sign in at {school} with this address. The link works once, until {time}."
    )
    return Content(
        _("Confirm your e-mail address"),
        [
            words.format(school=school, time=until),
            Link(_("Use this address"), address),
            _("If it was not you, ignore this e-mail: nothing will change."),
            _sent_to_address(school),
        ],
    )


def address_known(name: str, school: str, page: str, *, is_sign_up: bool) -> Content:
    """Write to the owner of an address that was given for another account: only they may learn that they have one."""
    said = (
        _("Somebody, perhaps you, signed up at {school} with this address. You have an account with it already.")
        if is_sign_up
        else _(
            "Somebody wants to use this address for another account at {school}. It belongs to your "
            "account and stays there."
        )
    )
    return Content(
        _("You have an account already"),
        [
            _hello(name),
            said.format(school=school),
            _(
                "Nothing was changed. If you forgot your password, an administrator of your school can make you "
                "a one-time link."
            ),
            Link(_("Sign in"), page),
            _sent_by(school),
        ],
    )


def backup_alarm(name: str, school: str, said: str, next_step: str, page: str) -> Content:
    """To administrators: the school is not kept as it should be."""
    parts: list[Part] = [_hello(name), said, next_step]
    if page:
        parts.append(Link(_("Open the backups"), page))
    return Content(_("The backups need attention"), [*parts, _sent_by(school)])


def _hello(name: str) -> str:
    return _("Hello {name},").format(name=name)


def _sent_by(school: str) -> Small:
    words = _("Sent by {school} because you have an account there. Nobody reads replies to this address.")
    return Small(words.format(school=school))


def _sent_to_address(school: str) -> Small:
    words = _("Sent by {school} because somebody gave your address there. Nobody reads replies to this e-mail.")
    return Small(words.format(school=school))


def _shortened(address: str) -> str:
    """Return enough of an address to recognise one's own; a reader of the old mailbox need not learn the new one."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:2]}…@{domain}"
