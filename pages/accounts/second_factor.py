"""The second factor: on or off, its QR code, its recovery codes. On the settings, and where a role must have one."""

import base64
import io

import segno
import streamlit as st

from backend.accounts.models import FactorSetup, FactorState
from backend.kit.i18n import _, day_of, ngettext, number
from pages.accounts import profile_forms
from pages.shell import reauthentication, services, session
from pages.shell.errors import noticed
from pages.shell.idempotency import once
from pages.widgets.elements import button_row, card, chip, escape, icon_code, notice_saved, section_html

SETUP, CODES, SAID, ASKED = "factor.setup", "factor.codes", "factor.said", "factor.asked"
LED = "factor.led"
FEW_CODES = 3


def factor_card() -> None:
    """The card of the settings page."""
    viewer = session.viewer()
    state = services.backend().second_factor.state(viewer, own=profile_forms.me())
    above = section_html(
        _("Second factor"),
        _("With codes from an app on your phone, somebody who knows your password still cannot sign in."),
    )
    with card("factor"):
        said = st.session_state.pop(SAID, "")
        if said or state.enabled_at or st.session_state.get(CODES) or st.session_state.get(SETUP):
            st.html(above)
            above = ""
        if said:
            notice_saved(said)
        if st.session_state.get(CODES):
            _draw_codes()
        elif state.enabled_at:
            _draw_on(state, viewer.time_zone)
        else:
            draw_set_up(above)


def is_leaving() -> bool:
    """Whether a person who had to come here has a second factor now, but has not confirmed the recovery codes yet."""
    return bool(st.session_state.get(CODES)) and bool(st.session_state.get(LED))


def draw_set_up(above: str = "") -> None:
    """A button that begins, then the QR code and the field for its first code. `above`: HTML in one element with it."""
    setup: FactorSetup | None = st.session_state.get(SETUP)
    if setup is None:
        st.html(f'<div class="cp-parts">{above}<div>{chip("Not Started", _("Off"))}</div></div>')
        wanted = st.button(_("Set up"), key="factor-begin", icon=icon_code("qr_code_2"), type="primary")
        if wanted or reauthentication.given("factor-begin"):
            with noticed():
                reauthentication.proven("factor-begin", _begin)
        return
    _draw_setup(setup)


def _begin() -> None:
    st.session_state[SETUP] = services.backend().second_factor.begin(session.viewer())
    st.rerun(scope="app")


def _draw_setup(setup: FactorSetup) -> None:
    st.markdown(_("1. Scan this with an authenticator app (any will do), or type the key into it."))
    words = escape(_("QR code with the key below"))
    st.html(f'<img class="cp-qr" width="230" height="230" alt="{words}" src="{qr_image(setup)}">')
    st.code(grouped(setup.secret), language=None, wrap_lines=True)
    st.markdown(_("2. Enter the code that the app shows."))
    with st.form("factor_confirm", border=False):
        code = reauthentication.code_field("factor-code", label=_("Code"))
        sent = st.form_submit_button(_("Turn on"), type="primary")
    if sent:
        with noticed():
            factor, viewer = services.backend().second_factor, session.viewer()
            made = once(
                "factor",
                lambda: factor.confirm(viewer, code),
                code,
                setup.secret,
                lost=lambda: factor.renew_codes(viewer),
            )
            st.session_state[CODES] = made.codes
            st.session_state.pop(SETUP, None)
            st.session_state[SAID] = _("Your second factor is on. You are signed out on every other device.")
            st.rerun(scope="app")
    if st.button(_("Cancel"), key="factor-cancel", type="tertiary"):
        st.session_state.pop(SETUP, None)
        st.rerun()


def _draw_on(state: FactorState, zone: str) -> None:
    since = _("On since {day}").format(day=day_of(state.enabled_at, zone)) if state.enabled_at else ""
    left = ngettext("{count} recovery code left", "{count} recovery codes left", state.recovery_codes_left)
    words = left.format(count=number(state.recovery_codes_left))
    tone = "warning" if state.recovery_codes_left < FEW_CODES else "info"
    st.html(f'<div class="cp-chips">{chip("ok", since)}{chip(tone, words)}</div>')
    with button_row("factor"):
        renews = st.button(_("New recovery codes"), key="factor-renew", icon=icon_code("autorenew"))
        stops = not state.is_required and st.button(_("Turn off"), key="factor-off", icon=icon_code("lock_open"))
    if state.is_required:
        st.caption(_("Your school requires a second factor for your role."))
    with noticed():
        if renews or reauthentication.given("factor-renew"):
            reauthentication.proven("factor-renew", _renew)
        if stops:
            st.session_state[ASKED] = True
        if reauthentication.given("factor-off"):
            reauthentication.proven("factor-off", _turn_off)
    if st.session_state.get(ASKED):
        _draw_question()


def _renew() -> None:
    made = services.backend().second_factor.renew_codes(session.viewer())
    st.session_state[CODES] = made.codes
    st.rerun(scope="app")


def _draw_question() -> None:
    st.warning(_("From then on your password alone opens your account."), icon=":material/lock_open:")
    with button_row("factor-question"):
        is_sure = st.button(_("Yes, turn off"), type="primary", key="factor-off-yes")
        st.button(_("Cancel"), key="factor-off-no", on_click=lambda: st.session_state.pop(ASKED, None))
    if is_sure:
        st.session_state.pop(ASKED, None)
        with noticed():
            reauthentication.proven("factor-off", _turn_off)


def _turn_off() -> None:
    services.backend().second_factor.turn_off(session.viewer())
    st.session_state[SAID] = _("Your second factor is off.")
    st.rerun(scope="app")


def _draw_codes() -> None:
    """Draw the recovery codes until the person confirms that they are stored."""
    codes: tuple[str, ...] = st.session_state[CODES]
    st.info(
        _(
            "Keep these recovery codes apart from your phone. "
            "Each works once, in place of the app; they are not shown again."
        ),
        icon=":material/key:",
    )
    st.code("\n".join(codes), language=None)
    with button_row("factor-codes"):
        if st.button(_("I have saved them"), key="factor-kept", type="primary", icon=icon_code("check")):
            st.session_state.pop(CODES, None)
            st.session_state.pop(LED, None)
            st.rerun(scope="app")
        st.download_button(
            _("Download"), "\n".join(codes) + "\n", "recovery-codes.txt", "text/plain", icon=icon_code("download")
        )


def qr_image(setup: FactorSetup) -> str:
    """The address as a QR code, for an <img>; dark on white in either theme, for cameras want it so."""
    drawn = io.BytesIO()
    segno.make(setup.address, error="m").save(
        drawn, kind="svg", scale=5, border=3, dark="#10201c", light="#ffffff", xmldecl=False, nl=False
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}"


def grouped(secret: str) -> str:
    """A key in groups of four, as it is easier to type."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
