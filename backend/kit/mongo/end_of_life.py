"""The last day on which each release series of MongoDB is maintained: its end of life.

From https://www.mongodb.com/legal/support-policy/lifecycles, read in December 2026. A series that is missing here is
newer, or the page gives no day for it.
"""

from datetime import date

END_OF_LIFE = {
    "6.0": date(2025, 7, 31),
    "6.1": date(2023, 2, 9),
    "6.2": date(2023, 4, 24),
    "6.3": date(2023, 8, 31),
    "7.0": date(2027, 8, 31),
    "7.1": date(2024, 1, 23),
    "7.2": date(2024, 3, 27),
    "7.3": date(2024, 10, 2),
    "8.0": date(2029, 10, 31),
    "8.1": date(2025, 9, 30),
    "8.2": date(2026, 7, 31),
}


def ends_on(version: str) -> date | None:
    """The last day of the series of a version such as "6.0.5"; None where it is not known."""
    return END_OF_LIFE.get(".".join(version.split(".")[:2]))
