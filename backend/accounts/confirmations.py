"""Sign-ups and new addresses that wait for a click in a mail, so that nobody can find out which addresses are known.

The owner of the address gets the mail: a newcomer is asked to confirm, an account holder is told of the account.
"""

from datetime import timedelta
from typing import Any, Literal

import msgspec

from backend.accounts.models import User
from backend.accounts.queries import AccountQueries, email_key
from backend.accounts.session_queries import SessionQueries
from backend.errors import NotFound
from backend.kit.clock import Clock
from backend.kit.i18n import _, moment
from backend.kit.limiter.gcra import Rule, RuleSet
from backend.kit.limiter.limiter import Limiter
from backend.kit.model import Shape
from backend.kit.mongo.client import new_id
from backend.kit.security.encryption import Sealer
from backend.kit.security.tokens import fingerprint, new_token
from backend.mails import letters
from backend.mails.models import Content, Recipient
from backend.mails.service import MailService

LIFE = timedelta(days=1)
LETTERS = RuleSet("letters to an address", (Rule("letters", 5, 3600),))  # nobody's mailbox is flooded from here
PATH = "/api/v1/mails/confirm"


class Awaited(Shape, frozen=True, kw_only=True):
    """A request to be confirmed: the account as it will be and, for a sign-up, its password hash and its class."""

    kind: Literal["sign-up", "new-address"]
    user: User
    password_hash: str = ""
    classroom_id: str = ""


class Confirmations:
    """Send confirmation links and redeem them. Without mail, the services act at once and report what they find."""

    def __init__(
        self,
        people: AccountQueries,
        tickets: SessionQueries,
        sealer: Sealer,
        mails: MailService,
        limiter: Limiter,
        clock: Clock,
    ) -> None:
        self._people = people
        self._tickets = tickets
        self._sealer = sealer
        self._mails = mails
        self._limiter = limiter
        self._clock = clock

    @property
    def is_possible(self) -> bool:
        """Whether mail is sent, and can contain links to the school."""
        return self._mails.can_link

    def ask(self, awaited: Awaited) -> None:
        """Write to the address; the work is the same whether or not anybody has an account with it. Raises Unavailable.

        At most five e-mails an hour go to one address; a further request gets the same answer, and nothing is sent.
        """
        found = self._people.credentials(awaited.user.email)
        owner = found[0] if found else None
        subject = f"letters:{fingerprint(email_key(awaited.user.email))}"
        if not self._limiter.take(subject, LETTERS).allowed:
            return
        token, now = new_token(), self._clock.now()
        self._tickets.insert_ticket(
            fingerprint(token),
            awaited.kind,
            awaited.user.id,
            "",
            now=now,
            expires_at=now + LIFE,
            sealed=self._sealer.seal(msgspec.json.encode(awaited).decode()),
        )
        to = owner or awaited.user
        if to.is_demo:  # the addresses of the demo school lead nowhere
            return
        self._mails.queue(
            awaited.kind,
            fingerprint(token)[:16],
            Recipient(user_id=to.id, address=to.email, name=to.name, locale=to.locale),
            lambda: self._letter(awaited, owner, token),
        )

    def read(self, token: str) -> Awaited:
        """Return the request that the link confirms. Raises NotFound if it was used, is too old or was never made."""
        sealed = self._tickets.sealed(fingerprint(token), self._clock.now())
        opened = self._sealer.open(sealed) if sealed else None
        if opened is None:
            raise _too_late()
        return msgspec.json.decode(opened, type=Awaited)

    def spend(self, session: Any, awaited: Awaited, token: str) -> None:
        """Use the link up, within the transaction that does what it is for. Raises NotFound."""
        if not self._tickets.spend_within(session, fingerprint(token), awaited.kind, self._clock.now()):
            raise _too_late()

    def tell_old_address(self, user: User, new: str, session: Any) -> None:
        """Tell the person at their old address of the new one, within the transaction that changes it."""
        if email_key(user.email) != email_key(new) and not user.is_demo:
            self._mails.queue(
                "address-changed",
                f"{user.id}:{new_id()}",
                Recipient(user_id=user.id, address=user.email, name=user.name, locale=user.locale),
                lambda: letters.address_changed(user.name, self._mails.school, new),
                session=session,
            )

    def _letter(self, awaited: Awaited, owner: User | None, token: str) -> Content:
        """Return the mail, without the typed name: with it anyone could write to strangers through the school."""
        school, base, zone = self._mails.school, self._mails.base_url, awaited.user.time_zone
        if owner:
            return letters.address_known(owner.name, school, base, is_sign_up=awaited.kind == "sign-up")
        address, until = f"{base}{PATH}?token={token}", moment(self._clock.now() + LIFE, zone, "long")
        write = letters.confirm_sign_up if awaited.kind == "sign-up" else letters.confirm_address
        return write(school, address, until)


def _too_late() -> NotFound:
    return NotFound(_("This link has been used or is too old. Please ask for a new one."))
