"""Passwords: argon2id, and a refusal of those that are guessed first."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import Invalid

SHORTEST = 10
LONGEST = 1000  # hashing a megabyte would be work that a stranger can order

# OWASP's second parameter set: 19 MiB, two passes. Sixteen sign-ins at once stay below 310 MiB.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Compared against when the name is unknown, so that the time of the answer does not tell.
_DUMMY = "$argon2id$v=19$m=19456,t=2,p=1$TpTgeiSLIYziqrqb2NAa5w$fzeavIuZZBZdJ4I3oWIdLB7YOn7YpqvD/J0ZmEMH3zY"

# The most frequent entries of published lists that reach the minimum length, and this product's own words.
_COMMON = frozenset(
    [
        "1234567890",
        "12345678910",
        "0123456789",
        "1q2w3e4r5t",
        "qwertyuiop",
        "qwerty12345",
        "password123",
        "password1234",
        "password12345",
        "passw0rd123",
        "iloveyou123",
        "administrator",
        "admin12345",
        "admin123456",
        "adminadmin",
        "welcome123",
        "welcome1234",
        "letmein123",
        "letmein1234",
        "changeme123",
        "changeme1234",
        "football123",
        "baseball123",
        "sunshine123",
        "princess123",
        "superman123",
        "1qaz2wsx3edc",
        "q1w2e3r4t5y6",
        "abcdefghij",
        "abcd123456",
        "abc1234567",
        "qwerty123456",
        "asdfghjkl1",
        "zaq12wsxcde",
        "1111111111",
        "0000000000",
        "9876543210",
        "0987654321",
        "qazwsxedcrfv",
        "trustno1trustno1",
        "correcthorsebatterystaple",
        "fittingroom",
        "fittingroom1",
        "fittingroom123",
        "fitting-room",
        "dashboard123",
    ]
)


class WeakPassword(Invalid):
    title = "That password is too easy to guess"


def check_strength(password: str, name: str) -> None:
    """Long enough, not on the list, not the user's own name, more than a few different characters."""
    if len(password) < SHORTEST:
        raise WeakPassword(f"The password has fewer than {SHORTEST} characters.", "Use a sentence.")
    if len(password) > LONGEST:
        raise WeakPassword(f"The password has more than {LONGEST:,} characters.", "Use a shorter one.")
    plain = password.casefold()
    if plain in _COMMON or len(set(plain)) < 5 or (name and plain.strip("0123456789!.") == name.casefold()):
        raise WeakPassword("This password is among the first that are tried.", "Use a sentence.")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Takes the same time whether or not there is something stored."""
    try:
        return _hasher.verify(stored or _DUMMY, password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
