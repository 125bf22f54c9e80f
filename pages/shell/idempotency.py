"""One key for each form as it is filled: however often it is sent, what it writes is written once.

A click that is sent twice finds what the first one did; a click after a lost answer first asks what became of it. A
form that makes something has `key_field`: its key outlives a reload (docs/decisions/0087-keys-of-forms.md).
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

import streamlit as st

from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit.i18n import _
from backend.kit.idempotency import fingerprint
from backend.kit.mongo.once_per_key import DoneAlready, acting
from pages.shell import services

T = TypeVar("T")

SAME_SECONDS = 10.0  # the same form sent again later than this is a new one
KEY_LENGTH = 32
_SENT = "shell.idempotency.sent"


@dataclass
class SentForm:
    """A form as it was filled when it was sent. Kept apart from the run that sent it: a second click ends that run."""

    content: str
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    is_uncertain: bool = False
    done_at: float | None = None
    outcome: Any = None

    def is_same(self, content: str) -> bool:
        """Whether the same is being sent, and not another one like it."""
        is_over = self.done_at is not None and monotonic() - self.done_at > SAME_SECONDS
        return self.content == content and not is_over

    def carry_out(self, backend: Backend, work: Callable[[], T], lost: Callable[[], T]) -> T:
        """Return the result of `work`, which is done at most once; `lost` finds it if the first answer was lost."""
        if self.done_at is None:
            self.outcome = self._outcome(backend, work, lost)
            self.done_at = monotonic()
        outcome: T = self.outcome
        return outcome

    def _outcome(self, backend: Backend, work: Callable[[], T], lost: Callable[[], T]) -> T:
        try:
            if self.is_uncertain and backend.mongo.has_done(self.key):
                return _found(backend, lost)
            with acting(self.key):
                return work()
        except DoneAlready:
            return _found(backend, lost)
        except Unavailable as error:
            self.is_uncertain = True
            if error.code != "unconfirmed":
                raise
            words = _("The database did not confirm in time. Send it again: it is saved only once.")
            raise Unavailable(words, code=error.code) from error


def key_field(form: str) -> None:
    """Draw, within the form, the hidden field of its key, which drafts.js fills in and keeps with what is typed."""
    st.text_input(_("Key of this form"), key=_field(form), max_chars=KEY_LENGTH, label_visibility="collapsed")


def once(form: str, work: Callable[[], T], *content: object, lost: Callable[[], T]) -> T:
    """Do `work` once for the form `form` filled with `content`, however often that is sent; return or raise its result.

    `work` writes in one transaction, or does no harm when done twice. `lost` returns the same result if the work was
    done but its answer was lost.
    """
    filled = fingerprint(*(repr(each).encode() for each in content))
    forms: dict[str, SentForm] = st.session_state.setdefault(_SENT, {})
    sent = forms.get(form)
    if sent is None or not sent.is_same(filled):
        sent = forms[form] = SentForm(filled)
        if kept := st.session_state.get(_field(form)):
            sent.key = fingerprint(kept.encode(), filled.encode())  # the same form, filled otherwise, is another act
            sent.is_uncertain = True  # it may have been sent before a reload
    return sent.carry_out(services.backend(), work, lost)


def nothing() -> None:
    """For `lost`, where `work` returns nothing."""


def _field(form: str) -> str:
    return f"cp-once-{form}"


def is_uncertain(form: str) -> bool:
    """Whether the form was sent and its outcome is still unknown."""
    sent = st.session_state.get(_SENT, {}).get(form)
    return sent is not None and sent.is_uncertain and sent.done_at is None


def _found(backend: Backend, lost: Callable[[], T]) -> T:
    """Return `lost()` after clearing the cache: no event announced the change, so cached values may be older."""
    backend.cache.invalidate("*")
    return lost()
