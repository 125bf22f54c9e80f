"""Secrets at rest: sealed with keys that follow from those of the school, so that a stolen database tells none."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.kit.security.keys import Key, KeyRing


class Sealer:
    """Seals with the first key of the ring and opens with any. Fernet: AES-128-CBC and HMAC-SHA-256."""

    def __init__(self, ring: KeyRing, purpose: str) -> None:
        made = [derived(key, purpose) for key in ring.keys]
        self._fernets = MultiFernet([Fernet(key) for key in made])
        self.key_id = hashlib.sha256(made[0]).hexdigest()[:12]

    def seal(self, secret: str) -> str:
        """The secret as it may be stored; another text each time."""
        return self._fernets.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """The secret; None where no key of the ring opens it: the key was lost, or somebody changed the text."""
        try:
            return self._fernets.decrypt(sealed.encode()).decode()
        except (InvalidToken, ValueError):
            return None


def derived(key: Key, purpose: str) -> bytes:
    """RFC 5869: a key for one purpose tells nothing of the key it comes from, nor of those of other purposes."""
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"chapter-performance {purpose}".encode())
    return base64.urlsafe_b64encode(made.derive(key.secret.encode()))
