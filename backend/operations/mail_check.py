"""The health of mail: whether letters go, how many wait, and how many were given up."""

from datetime import datetime, timedelta

from backend.kit.i18n import _, ngettext, number
from backend.mails.models import OutboxState
from backend.operations.check_titles import check
from backend.operations.models import Check

WAITING_LONG = timedelta(minutes=30)
RECENT = timedelta(days=1)


def mail(found: OutboxState, now: datetime) -> Check:
    """Letters leave within seconds; one that waits half an hour, or was given up since yesterday, wants a look."""
    if not found.is_configured:
        return check("mail", "info", _("No mail is sent: SMTP_URL is not set"))
    waiting = ngettext("{count} letter waits", "{count} letters wait", found.queued).format(count=number(found.queued))
    if found.oldest_at is not None and now - found.oldest_at > WAITING_LONG:
        fix = _("Look whether the mail server of SMTP_URL answers, takes the password and takes this sender.")
        return check("mail", "warning", waiting, fix=fix, value=found.queued)
    if found.last_failed_at is not None and now - found.last_failed_at < RECENT:
        fix = _("Look at the reason: it is either this one address, or the server refuses every letter.")
        return check(
            "mail", "warning", _("A letter was given up"), detail=found.last_failure, fix=fix, value=found.queued
        )
    return check("mail", "ok", waiting if found.queued else _("Nothing waits"), value=found.queued)
