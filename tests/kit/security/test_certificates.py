"""Certificates: whatever is wrong with an address is told as one kind of error."""

import pytest

from backend.errors import Unavailable
from backend.kit.security import certificates


@pytest.mark.parametrize("url", ["https://school.example:99999", "https://[::1", "https://127.0.0.1:1"])
def test_an_address_that_cannot_be_asked_is_unavailable(url: str) -> None:
    """A port that is none, a host that is none, and one where nobody listens: the sentence names the address."""
    with pytest.raises(Unavailable, match="https://"):
        certificates.of_address(url)
