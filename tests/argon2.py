"""Cheap passwords: Argon2 with the least it takes, for tests alone. The product knows nothing of it."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from backend.kit.security import passwords

LEAST_KIBIBYTES = 8
PRODUCTION = {name: getattr(passwords, name) for name in ("_HASHER", "_PASSES", "_KIBIBYTES")}


@pytest.fixture(scope="session", autouse=True)
def cheap_argon2() -> Iterator[None]:
    """Hash passwords with the least memory and one pass: hundreds of tests make people and sign them in."""
    hasher = PasswordHasher(time_cost=1, memory_cost=LEAST_KIBIBYTES, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", hasher)
        patch.setattr(passwords, "_PASSES", 1)
        patch.setattr(passwords, "_KIBIBYTES", LEAST_KIBIBYTES)
        passwords._dummy_hash.cache_clear()
        yield
    passwords._dummy_hash.cache_clear()


@pytest.fixture
def production_argon2(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash passwords as in production, for tests of the hashing itself."""
    for name, value in PRODUCTION.items():
        monkeypatch.setattr(passwords, name, value)
    passwords._dummy_hash.cache_clear()
    yield
    passwords._dummy_hash.cache_clear()
