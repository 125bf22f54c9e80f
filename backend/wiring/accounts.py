"""Accounts, sessions and second factors."""

from dataclasses import dataclass

from backend.accounts.administration import AccountAdministration
from backend.accounts.confirmations import Confirmations
from backend.accounts.factor_queries import FactorQueries
from backend.accounts.place_queries import PlaceQueries
from backend.accounts.queries import AccountQueries
from backend.accounts.second_factor import SecondFactor
from backend.accounts.service import AccountService
from backend.accounts.session_queries import SessionQueries
from backend.accounts.sessions import Sessions
from backend.accounts.throttle import SignInThrottle
from backend.kit.i18n import _
from backend.kit.security.encryption import Sealer
from backend.kit.security.tokens import AccessTokens
from backend.wiring.base import Base
from backend.wiring.learning import Learning


@dataclass(frozen=True)
class People:
    """The services for accounts, sign-in and sessions."""

    accounts: AccountService
    administration: AccountAdministration
    second_factor: SecondFactor
    sessions: Sessions


def people(base: Base, learning: Learning) -> People:
    """Build the account services; shut out demo accounts if not allowed; reseal second factors with the newest key."""
    settings, clock, trail, connections = base.settings, base.clock, base.trail, base.connections
    mongo, cache, follower = connections.mongo, connections.cache, learning.board_store
    queries, factors = AccountQueries(mongo), FactorQueries(mongo)
    sessions = Sessions(
        SessionQueries(mongo),
        queries,
        AccessTokens(base.ring),
        cache,
        clock,
        limits=settings.session_limits,
        second_factor_roles=settings.second_factor_roles,
        demo_allowed=settings.demo_allowed,
    )
    issuer = settings.school_name or _("Chapter Performance")
    second_factor = SecondFactor(
        factors, queries, sessions, Sealer(base.ring, "second factor"), clock, trail, issuer=issuer
    )
    accounts = AccountService(
        queries,
        learning.classroom_queries,
        sessions,
        second_factor,
        cache,
        clock,
        connections.events,
        trail,
        SignInThrottle(connections.limiter, PlaceQueries(mongo), clock),
        base.mails,
        Confirmations(
            queries, sessions.queries, Sealer(base.ring, "confirmations"), base.mails, connections.limiter, clock
        ),
        time_zone=settings.time_zone,
        demo_allowed=settings.demo_allowed,
        sign_up_domains=_domains(settings.oidc_sign_up_domains),
        trusted_domains=_domains(settings.oidc_trusted_domains),
        follower=follower,
    )
    administration = AccountAdministration(
        queries, sessions, factors, cache, clock, trail, base.mails, time_zone=settings.time_zone, follower=follower
    )
    accounts.shut_demo_out()
    second_factor.reseal()
    return People(accounts, administration, second_factor, sessions)


def _domains(listed: str) -> frozenset[str]:
    return frozenset(listed.lower().replace(",", " ").split())
