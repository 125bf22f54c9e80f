"""Short words that the school itself signed: whoever brings one back was given it. They tell their text to anybody."""

import base64
import hashlib
import hmac
from datetime import datetime

from backend.kit.security.encryption import derived
from backend.kit.security.keys import Key, KeyRing

_MAC_LENGTH = 22  # of base64: 132 bits
_LONGEST = 300


class Signer:
    """Signs with the first key of the ring for one purpose alone, and accepts any that is still accepted."""

    def __init__(self, ring: KeyRing, purpose: str) -> None:
        self._ring = ring
        self._purpose = f"signing {purpose}"

    def sign(self, text: str) -> str:
        """The text with its signature, safe in an address."""
        body = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{body}.{self._mac(self._ring.first, body)}"

    def read(self, token: str, now: datetime) -> str | None:
        """The text; None for one that no accepted key signed."""
        body, dot, mac = token.partition(".")
        if not dot or len(token) > _LONGEST or not token.isascii():
            return None
        keys = (each for each in self._ring.keys if each.is_accepted(now))
        if not any(hmac.compare_digest(mac, self._mac(key, body)) for key in keys):
            return None
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()

    def _mac(self, key: Key, body: str) -> str:
        found = hmac.new(derived(key, self._purpose), body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(found).decode()[:_MAC_LENGTH]
