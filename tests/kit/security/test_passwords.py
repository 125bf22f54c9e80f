"""Passwords: how they are hashed, which are refused, and that nothing tells a known account by its time."""

import unicodedata

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from backend.errors import Invalid
from backend.kit.security import passwords

pytestmark = pytest.mark.usefixtures("production_argon2")


def test_parameters_are_the_recommended_minimum() -> None:
    """Argon2id with 19 MiB, 2 passes, 1 lane, and a salt of its own for each hash."""
    first, second = (passwords.hash_password("correct horse battery") for _each in range(2))
    parameters = extract_parameters(first)
    assert (parameters.type, parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        Type.ID,
        19_456,
        2,
        1,
    )
    assert first != second


def test_only_the_right_password_fits() -> None:
    """The very password fits; others, broken hashes and no hash at all do not."""
    hashed = passwords.hash_password("correct horse battery")
    assert passwords.verify_password(hashed, "correct horse battery")
    assert not passwords.verify_password(hashed, "correct horse batterY")
    assert not passwords.verify_password("not a hash", "correct horse battery")
    assert not passwords.verify_password(None, "nobody has this password")


def test_weaker_hashes_are_renewed() -> None:
    """A hash of weaker parameters is known for one; today's own is not."""
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("correct horse battery")
    assert passwords.needs_rehash(weak)
    assert not passwords.needs_rehash(passwords.hash_password("correct horse battery"))


@pytest.mark.parametrize("password", ["password", "Password1", "12345678", "qwertyui", "iloveyou", "PASSWORD123"])
def test_common_passwords_are_refused(password: str) -> None:
    """The passwords that everybody tries first are refused, in whatever capitals."""
    with pytest.raises(Invalid, match="most common"):
        passwords.check_new_password(password)


@pytest.mark.parametrize("password", ["Zoë's schöner Tag", "mật khẩu của tôi", "한글 비밀번호", "ab\u00a0cdefgh"])
def test_how_a_password_is_coded_makes_no_difference(password: str) -> None:
    """Composed, decomposed, with the spaces of another keyboard: each fits what was set in any of them."""
    forms = [unicodedata.normalize(form, password) for form in ("NFC", "NFD")]
    forms.append(forms[0].replace("\u00a0", " "))
    for made in forms:
        hashed = passwords.hash_password(made)
        assert all(passwords.verify_password(hashed, typed) for typed in forms)


def test_hashes_that_were_made_of_another_form_still_fit() -> None:
    """A password that was set in decomposed letters fits as it was typed then, and in composed letters."""
    old = PasswordHasher().hash(unicodedata.normalize("NFD", "Zoë's schöner Tag"))
    for typed in ("NFC", "NFD"):
        assert passwords.verify_password(old, unicodedata.normalize(typed, "Zoë's schöner Tag"))
    assert not passwords.verify_password(old, "Zoe's schoner Tag")


def test_the_longest_password_may_be_decomposed() -> None:
    """128 letters with an accent are 128 characters, however they are typed."""
    longest = unicodedata.normalize("NFD", "é" * 128)
    passwords.check_new_password(longest)
    assert passwords.verify_password(passwords.hash_password(longest), "é" * 128)
    assert not passwords.verify_password(passwords.hash_password(longest), "é" * 127)


@pytest.mark.parametrize("password", ["", "short", "x" * 7, "x" * 129])
def test_length_is_bounded(password: str) -> None:
    """Fewer than 8 and more than 128 characters are refused."""
    with pytest.raises(Invalid, match="characters"):
        passwords.check_new_password(password)


@pytest.mark.parametrize("password", ["tr0ub4dor&3", "मेरा गुप्त शब्द", "x" * 128, "        spaces      "])
def test_other_passwords_are_taken_as_they_are(password: str) -> None:
    """No rules about digits and signs: any other password is fine, in any script."""
    passwords.check_new_password(password)
    assert passwords.verify_password(passwords.hash_password(password), password)
