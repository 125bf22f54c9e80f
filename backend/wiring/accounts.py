"""Accounts, sign-in, sessions, second factors, and the rights of people over their data."""

from functools import partial

from backend.accounts.administration import AccountAdministration
from backend.accounts.confirmations import Confirmations
from backend.accounts.factor_queries import FactorQueries
from backend.accounts.place_queries import PlaceQueries
from backend.accounts.queries import AccountQueries
from backend.accounts.registration import RegistrationService
from backend.accounts.second_factor import SecondFactorService
from backend.accounts.service import AccountService
from backend.accounts.session_queries import SessionQueries
from backend.accounts.sessions import Sessions
from backend.accounts.sign_in import ProviderRules, SignInService
from backend.accounts.throttle import SignInThrottle
from backend.config import Settings
from backend.connections import Setup
from backend.kit.i18n import _
from backend.kit.redis import forgetting
from backend.kit.security.encryption import Sealer
from backend.kit.security.tokens import AccessTokens
from backend.rights.queries import RightsQueries
from backend.rights.service import RightsService
from backend.wiring.learning import LearningServices


class AccountServices(LearningServices):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        settings, clock, cache, trail = self.settings, self.clock, self.cache, self.trail
        queries, factors = self._account_queries, FactorQueries(self.mongo)
        self._throttle = SignInThrottle(self.limiter, PlaceQueries(self.mongo), clock)
        self._sessions = Sessions(
            SessionQueries(self.mongo),
            queries,
            AccessTokens(self._keys),
            cache,
            clock,
            limits=settings.session_limits,
            second_factor_roles=settings.second_factor_roles,
            demo_allowed=settings.demo_allowed,
        )
        issuer = settings.school_name or _("Chapter Performance")
        self.second_factor = SecondFactorService(
            factors, queries, self._sessions, Sealer(self._keys, "second factor"), clock, trail, issuer=issuer
        )
        self.sign_in = SignInService(
            queries, self._sessions, self.second_factor, self._throttle, clock, _provider_rules(settings)
        )
        confirmations = Confirmations(
            queries, self._sessions.queries, Sealer(self._keys, "confirmations"), self.mails, self.limiter, clock
        )
        self.accounts = AccountService(
            queries,
            self._sessions,
            self.second_factor,
            confirmations,
            self._throttle,
            cache,
            trail,
            follower=self.board_store,
        )
        self.registration = RegistrationService(
            queries,
            self._classroom_queries,
            self.accounts,
            confirmations,
            self._throttle,
            cache,
            clock,
            self.events,
            time_zone=settings.time_zone,
        )
        self.administration = AccountAdministration(
            queries,
            self._sessions,
            factors,
            cache,
            clock,
            trail,
            self.mails,
            time_zone=settings.time_zone,
            follower=self.board_store,
        )
        self.rights = self._rights(queries)

    def _rights(self, queries: AccountQueries) -> RightsService:
        settings = self.settings

        def forget_limits(user_id: str) -> None:
            self.limits.forget(user_id)
            self._throttle.forget(user_id)

        return RightsService(
            RightsQueries(self.mongo),
            queries,
            self.projector,
            self.board_store,
            self.mongo,
            self.cache,
            self.clock,
            self.trail,
            forget_limits=forget_limits,
            forget_kept=partial(forgetting.forget, self.redis_client, settings.mongodb_database),
            grace_days=settings.deletion_grace_days,
            idle_days=settings.idle_student_days,
        )


def _provider_rules(settings: Settings) -> ProviderRules:
    return ProviderRules(
        trusted_domains=_domains(settings.oidc_trusted_domains),
        sign_up_domains=_domains(settings.oidc_sign_up_domains),
        time_zone=settings.time_zone,
    )


def _domains(listed: str) -> frozenset[str]:
    return frozenset(listed.lower().replace(",", " ").split())
