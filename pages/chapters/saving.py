"""Saves a student's acts on their chapters: each is saved once, and its answer is a note for its row."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from backend.accounts.models import Viewer
from backend.chapters.models import Status
from backend.errors import AppError, ConfirmationNeeded, Conflict, Invalid, NotSignedIn, RateLimited, Unavailable
from backend.kit.clock import Clock
from backend.kit.i18n import _, clock_time, ngettext, number
from backend.kit.model import Shape
from backend.kit.observability import log
from backend.progress.models import BATCH_LIMIT, Progress, Saved, change_of
from backend.progress.service import ProgressService
from pages.shell import errors

BULK = "bulk"  # the place of a note on several rows at once
_log = log.get(__name__)


class Act(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """One act of a person, sent by outbox.js. `key` is its idempotency key; "dismiss" stays in the browser."""

    key: str
    act: Literal["change", "undo", "dismiss"]
    ids: tuple[str, ...] = ()
    status: Status | None = None
    question_solved: int | None = None
    questions_delta: int | None = None
    is_weak_chapter: bool | None = None
    version: int | None = None
    confirm: bool = False
    batch_id: str = ""
    is_bulk: bool = False

    @property
    def place(self) -> str:
        """The place of the act's note: its row, or the bar over the list."""
        return BULK if self.is_bulk or len(self.ids) != 1 else self.ids[0]


class Choice(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """A button of a note: its words and what it does."""

    label: str
    act: Act


class Note(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """A note beside a row. `draft` is the person's input that is not saved."""

    kind: Literal["saved", "undone", "ask", "stale", "refused", "failed"]
    text: str
    choices: tuple[Choice, ...] = ()
    draft: Act | None = None


class ActResult(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one act: its note, and the batch it was saved as; or why it has to be sent again, and when."""

    key: str
    note: Note | None = None
    batch_id: str = ""
    later: str = ""
    wait_seconds: float = 0


class OwnRow(Shape, frozen=True, kw_only=True):
    """The part of a row that its student changes, as it stands in the database."""

    status: Status
    solved: int
    weak: bool
    version: int


def own_row(progress: Progress | None) -> OwnRow:
    """Return the row of a chapter's record; the one nobody has begun for None."""
    own = progress or Progress(chapter_id="")
    return OwnRow(status=own.status, solved=own.question_solved, weak=own.is_weak_chapter, version=own.version)


def put_off(error: AppError) -> str:
    """Return what a row says while its act has to wait because of `error`."""
    is_unknown = error.code == "unconfirmed"  # to say that it is not saved would be to guess
    text = error.message if is_unknown else _("Not saved. {reason}").format(reason=error.message)
    return f"{text} {_('It is kept here and sent again by itself.')}"


class Saver:
    """Carries acts out for one viewer and puts what came of them into words."""

    def __init__(
        self,
        service: ProgressService,
        clock: Clock,
        viewer: Viewer,
        *,
        admit: Callable[[Viewer], None] = lambda _viewer: None,
    ) -> None:
        self._admit = admit
        self._service = service
        self._clock = clock
        self._viewer = viewer

    def answers(self, acts: Sequence[Act]) -> tuple[ActResult, ...]:
        """Carry the acts out in order and return their answers, up to the first that has to be sent again later.

        Raises NotSignedIn.
        """
        answers: list[ActResult] = []
        for act in acts:
            answers.append(self._answer(act))
            if answers[-1].later:
                break
        return tuple(answers)

    def rows(self, acts: Sequence[Act]) -> dict[str, OwnRow]:
        """Return the rows of the acts' chapters as they stand now, by chapter id."""
        records = self._service.record(self._viewer.id).progress
        return {chapter_id: own_row(records.get(chapter_id)) for act in acts for chapter_id in act.ids}

    def _answer(self, act: Act) -> ActResult:
        try:
            return self._carried_out(act)
        except RateLimited as error:
            return ActResult(key=act.key, later=error.message, wait_seconds=error.retry_after_seconds)
        except Unavailable as error:
            _log.warning("act_put_off", reason=error.message)
            return ActResult(key=act.key, later=put_off(error))
        except NotSignedIn:
            raise
        except Exception as error:  # noqa: BLE001  (one act that cannot be done must not hold up those behind it)
            again = Choice(label=_("Try again"), act=act)
            return ActResult(
                key=act.key, note=Note(kind="failed", text=errors.noted(error), choices=(again,), draft=act)
            )

    def _carried_out(self, act: Act) -> ActResult:
        try:
            self._admit(self._viewer)
            saved = self._undone(act) if act.act == "undo" else self._saved(act)
        except (NotSignedIn, RateLimited, Unavailable):
            raise
        except AppError as error:
            return ActResult(key=act.key, note=self._refusal(act, error))
        note = self._undone_note(saved) if act.act == "undo" else self._saved_note(act, saved)
        return ActResult(key=act.key, note=note, batch_id=saved.batch_id)

    def _refusal(self, act: Act, error: AppError) -> Note:
        if isinstance(error, ConfirmationNeeded):
            return _question(act, error.message, _("Save anyway"), self._keep(act), {"confirm": True})
        if isinstance(error, Conflict):
            return Note(kind="stale", text=error.message, choices=_instead(act))
        if error.code == "contradiction":
            return self._contradiction(act)
        text = error.message if isinstance(error, Invalid) else _("Not saved. {reason}").format(reason=error.message)
        return Note(kind="refused", text=text, draft=act)

    def _saved(self, act: Act) -> Saved:
        if not 1 <= len(act.ids) <= BATCH_LIMIT:
            raise Invalid(_("Choose at least one chapter first."))
        changes = dict.fromkeys(act.ids, change_of(act))
        return self._service.change_many(self._viewer, changes, key=act.key, confirm=act.confirm)

    def _undone(self, act: Act) -> Saved:
        return self._service.undo(self._viewer, act.batch_id)

    def _saved_note(self, act: Act, saved: Saved) -> Note:
        if not saved.changed:
            return Note(kind="saved", text=_("Nothing to change: it is so already."))
        time = self._time(saved.at)
        text = _("Saved {time}").format(time=time)
        if act.place == BULK:
            text = ngettext("{count} chapter saved {time}", "{count} chapters saved {time}", saved.changed).format(
                count=number(saved.changed), time=time
            )
        undo = Act(key=f"undo-{act.key}", act="undo", ids=act.ids, batch_id=saved.batch_id, is_bulk=act.is_bulk)
        return Note(kind="saved", text=text, choices=(Choice(label=_("Undo"), act=undo),))

    def _undone_note(self, saved: Saved) -> Note:
        return Note(kind="undone", text=_("Undone {time}").format(time=self._time(saved.at)))

    def _time(self, at: datetime) -> str:
        return clock_time(at, self._viewer.time_zone)

    def _solved(self, act: Act) -> int:
        return self.rows([act])[act.ids[0]].solved

    def _keep(self, act: Act) -> str:
        if act.place == BULK:
            return _("Change nothing")
        return _("Keep {count}").format(count=number(self._solved(act)))

    def _contradiction(self, act: Act) -> Note:
        if act.place == BULK:
            text = _("Some of these chapters have questions solved. Not started means none: set them to 0 as well?")
        else:
            solved = self._solved(act)
            text = ngettext(
                "{count} question is solved here. Not started means none: set it to 0 as well?",
                "{count} questions are solved here. Not started means none: set them to 0 as well?",
                solved,
            ).format(count=number(solved))
        return _question(act, text, _("Set to 0"), _("Change nothing"), {"question_solved": 0})


def _instead(act: Act) -> tuple[Choice, ...]:
    if act.act != "change" or act.question_solved is None:
        return ()
    over = msgspec.structs.replace(act, key=f"over-{act.key}", version=None)
    return (Choice(label=_("Save {count} instead").format(count=number(act.question_solved)), act=over),)


def _question(act: Act, text: str, yes: str, no: str, more: dict[str, Any]) -> Note:
    agreed = msgspec.structs.replace(act, key=f"yes-{act.key}", **more)
    dropped = Act(key=f"no-{act.key}", act="dismiss", ids=act.ids, is_bulk=act.is_bulk)
    return Note(
        kind="ask", text=text, choices=(Choice(label=yes, act=agreed), Choice(label=no, act=dropped)), draft=act
    )
