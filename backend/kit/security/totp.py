"""Codes of an authenticator app (TOTP, RFC 6238) and recovery codes. Pure; what was used is kept by who asks."""

import hmac
import secrets
from datetime import datetime

import pyotp

STEP_SECONDS = 30
DRIFT_STEPS = 1  # a clock may be half a minute off, as RFC 6238 §5.2 advises
CODE_DIGITS = 6
RECOVERY_COUNT = 10
RECOVERY_LENGTH = 10
RECOVERY_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # without those that look alike: 10 of 30 signs are 49 bits


def new_secret() -> str:
    """160 random bits in base 32, as RFC 4226 §4 recommends."""
    return pyotp.random_base32()


def address(secret: str, *, account: str, issuer: str) -> str:
    """The otpauth:// address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret, digits=CODE_DIGITS, interval=STEP_SECONDS).provisioning_uri(
        name=account, issuer_name=issuer
    )


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The time step whose code this is: now, the one before or the next one; None where it is none of them."""
    totp, now = pyotp.TOTP(secret, digits=CODE_DIGITS, interval=STEP_SECONDS), int(at.timestamp()) // STEP_SECONDS
    typed = tidied(code).encode()
    fits = [
        step
        for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed)
    ]
    return fits[-1] if fits else None


def tidied(code: str) -> str:
    """A code as it is compared: no spaces or dashes, capitals."""
    return "".join(sign for sign in code if sign not in " -\u00a0\t").upper()[:40]


def looks_like_totp(code: str) -> bool:
    """Whether this is a code of an app rather than a recovery code."""
    typed = tidied(code)
    return len(typed) == CODE_DIGITS and typed.isascii() and typed.isdecimal()


def new_recovery_codes() -> tuple[str, ...]:
    """Ten fresh recovery codes, as people write them down: "ABCDE-23456"."""
    made = (
        "".join(secrets.choice(RECOVERY_SIGNS) for _sign in range(RECOVERY_LENGTH)) for _code in range(RECOVERY_COUNT)
    )
    return tuple(f"{code[:5]}-{code[5:]}" for code in made)
