"""Backups from the terminal: `python -m backend.backup take | list | verify | drill | restore | roll-back | key`.

`restore --to 2026-11-20T14:03:00Z` goes back to any second that the journal reaches; `--yes` asks no question.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from backend import terminal
from backend.backups.models import AT_TERMINAL, Backup, Preview
from backend.bootstrap import Backend
from backend.kit.archive import Progress, summed
from backend.kit.archive.sealing import identity
from backend.kit.i18n import _, ngettext, number


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 done, 1 failed (said in a sentence), 2 called wrongly."""
    parser = argparse.ArgumentParser(prog="python -m backend.backup", description=_("Backups of the school."))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("take", help=_("take a backup now, while the app serves"))
    commands.add_parser("list", help=_("list the backups, newest first"))
    verify = commands.add_parser("verify", help=_("read a backup and compare every checksum"))
    verify.add_argument("id", nargs="?", help=_("which one; else the newest"))
    commands.add_parser("drill", help=_("restore the newest backup into a scratch database and compare"))
    restore = commands.add_parser("restore", help=_("restore the school"))
    restore.add_argument("id", nargs="?", help=_("which backup; else the newest before the time"))
    restore.add_argument("--to", type=_time, help=_("back to this time, such as 2026-11-20T14:03:00Z"))
    restore.add_argument("--yes", action="store_true", help=_("do not ask"))
    back = commands.add_parser("roll-back", help=_("undo the last restore"))
    back.add_argument("--yes", action="store_true", help=_("do not ask"))
    commands.add_parser("key", help=_("print the key with which the program age opens sealed files"))
    chosen = parser.parse_args(arguments)
    if chosen.command == "key":
        return _print_key()
    return terminal.run(lambda backend: _WORK[chosen.command](backend, chosen))


def _print_key() -> int:
    """Without a backend: it may be needed where there is none any more."""
    key = terminal.settings().backup_key
    if key is None:
        terminal.say(_("BACKUP_KEY is not set: backups are not sealed."))
        return terminal.FAILED
    print(identity(key.get_secret_value()))  # noqa: T201  (the result)
    return terminal.DONE


def _take(backend: Backend, _chosen: argparse.Namespace) -> int:
    done = backend.backups.take_and_tidy(on_progress=_bar(backend.backups.present_documents()))
    terminal.say(_("Taken: {line}").format(line=_line(done.backup)))
    if gone := len(done.thinned_out):
        words = ngettext("{count} old backup deleted.", "{count} old backups deleted.", gone)
        terminal.say(words.format(count=number(gone)))
    if swept := len(done.swept):
        words = ngettext("{count} unfinished backup deleted.", "{count} unfinished backups deleted.", swept)
        terminal.say(words.format(count=number(swept)))
    return terminal.DONE


def _list(backend: Backend, _chosen: argparse.Namespace) -> int:
    every = backend.backups.every()
    for each in every:
        terminal.say(_line(each))
    if not every:
        terminal.say(_("There is no backup yet."))
    return terminal.DONE


def _verify(backend: Backend, chosen: argparse.Namespace) -> int:
    every = backend.backups.every()
    wanted = next((each for each in every if chosen.id in (None, each.id)), None)
    checked = backend.backups.verify(
        wanted.id if wanted else chosen.id or "", on_progress=_bar(wanted.documents if wanted else 0)
    )
    terminal.say(_("Intact: {line}").format(line=_line(checked)))
    return terminal.DONE


def _drill(backend: Backend, _chosen: argparse.Namespace) -> int:
    newest = next(iter(backend.backups.every()), None)
    drill = backend.backups.drill(on_progress=_bar(newest.documents if newest else 0))
    for problem in drill.problems:
        terminal.say(problem)
    if drill.has_passed:
        terminal.say(_("The newest backup was restored and compared: it is good."))
    return terminal.DONE if drill.has_passed else terminal.FAILED


def _restore(backend: Backend, chosen: argparse.Namespace) -> int:
    plan = backend.restores.preview(AT_TERMINAL, backup_id=chosen.id, until=chosen.to)
    for line in _described(plan):
        terminal.say(line)
    if not chosen.yes and not _is_meant(_("Restore the school to that time? Type yes: ")):
        terminal.say(_("Nothing was changed."))
        return terminal.INTERRUPTED
    progress = _bar(plan.backup.documents)
    backend.restores.restore(AT_TERMINAL, backup_id=plan.backup.id, until=chosen.to, on_progress=progress)
    terminal.say(_("Restored. `python -m backend.backup roll-back` undoes it."))
    return terminal.DONE


def _roll_back(backend: Backend, chosen: argparse.Namespace) -> int:
    if not chosen.yes and not _is_meant(_("Undo the last restore? Type yes: ")):
        terminal.say(_("Nothing was changed."))
        return terminal.INTERRUPTED
    backend.restores.roll_back(AT_TERMINAL)
    terminal.say(_("The school is as it was before the restore."))
    return terminal.DONE


_WORK = {
    "take": _take,
    "list": _list,
    "verify": _verify,
    "drill": _drill,
    "restore": _restore,
    "roll-back": _roll_back,
}


def _bar(documents: int) -> Progress:
    bar = terminal.Bar(_("Documents"))
    return summed(lambda done, total, _collection: bar(done, total), documents)


def _line(backup: Backup) -> str:
    size = number(round(backup.stored_bytes / 1_000_000, 1))
    words = _("{id}  {documents} documents, {size} MB, {seconds} s")
    line = words.format(id=backup.id, documents=number(backup.documents), size=size, seconds=number(backup.seconds))
    return f"{line}, {_('sealed')}" if backup.is_sealed else line


def _described(plan: Preview) -> list[str]:
    until = plan.until.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [_("From {id}, back to {time}:").format(id=plan.backup.id, time=until)]
    words = _("{name}: {now} documents now, {then} in the backup")
    lines += [
        words.format(name=f"{each.name:<20}", now=number(each.now), then=number(each.then)) for each in plan.collections
    ]
    return lines


def _is_meant(question: str) -> bool:
    try:
        return input(f"  {question}").strip().lower() in {"yes", _("yes")}
    except EOFError:
        return False


def _time(written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise argparse.ArgumentTypeError(_("is not a time such as 2026-11-20T14:03:00Z")) from error
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(_("needs a time zone: Z for UTC, or +05:30"))
    return at.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
