"""Signing in with the school's own OpenID provider, by what Streamlit offers; its answer becomes a session of ours."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from backend.accounts.models import ProviderIdentity
from backend.config import Settings
from backend.errors import NotSignedIn
from backend.kit.i18n import _
from pages.shell import services, session
from pages.shell.errors import noticed
from pages.widgets.elements import plain

CALLBACK = "/oauth2callback"
FRESH = timedelta(minutes=5)
SPENT = "provider_expired"


def secrets(settings: Settings) -> dict[str, Any]:
    """Return the settings of the provider in the form of Streamlit's secrets.

    Streamlit's cookies, which live for one redirect, are signed with a key derived from the provider's client secret.
    """
    shared = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    base = settings.public_url or f"http://localhost:{settings.port}"
    return {
        "auth": {
            "redirect_uri": f"{base.rstrip('/')}{CALLBACK}",
            "cookie_secret": hmac.new(shared.encode(), b"provider cookies", "sha256").hexdigest(),
            "client_id": settings.oidc_client_id or "",
            "client_secret": shared,
            "server_metadata_url": settings.oidc_metadata_url or "",
            "client_kwargs": {"scope": "openid email profile", "prompt": "select_account"},
        }
    }


def offer() -> None:
    """The button, where the school has a provider."""
    settings = services.backend().settings
    if not settings.has_oidc:
        return
    label = _("Continue with {name}").format(name=settings.oidc_name or _("your school account"))
    if st.button(plain(label), key="provider", width="stretch", icon=":material/school:"):
        st.login()


def take_arrivals() -> None:
    """Sign in the person who has just come back from the provider; a refusal is shown once, in place."""
    identity = _arrived() if services.backend().settings.has_oidc else None
    if identity is None or services.backend().clock.now() - identity.issued_at > FRESH:
        return
    with noticed():
        try:
            session.arrive(identity)
        except NotSignedIn as error:
            if error.code == SPENT:  # the cookie of an arrival that was used: this is another visit
                return
            raise
        st.rerun()


def _arrived() -> ProviderIdentity | None:
    """Return the identity that the provider sent for this browser; None if there is none or it cannot be read."""
    said = st.user.to_dict()
    subject, issued = said.get("sub"), said.get("iat")
    if not said.get("is_logged_in") or not subject or not isinstance(issued, int | float):
        return None
    return ProviderIdentity(
        subject=f"{said.get('iss', '')}|{subject}",
        email=str(said.get("email") or ""),
        email_verified=said.get("email_verified") is True,
        name=str(said.get("name") or ""),
        issued_at=datetime.fromtimestamp(issued, UTC),
        nonce=f"{said.get('nonce', '')}|{subject}|{issued}",
    )
