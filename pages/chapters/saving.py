"""What a student's acts on her chapters do: each is saved once, and what came of it is noted beside the row."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from backend.accounts.models import Viewer
from backend.chapters.models import Status
from backend.errors import AppError, ConfirmationNeeded, Conflict, Invalid, NotSignedIn
from backend.kit.clock import Clock
from backend.kit.i18n import _, clock_time, ngettext, number
from backend.kit.model import Shape
from backend.kit.observability import log
from backend.progress.models import BATCH_LIMIT, ProgressChange, Saved
from backend.progress.service import ProgressService

BULK = "bulk"  # the place of a note on several rows at once
REMEMBERED = 200  # acts whose answer the browser may not have seen yet: far more than fit in one rerun
_log = log.get(__name__)


class Act(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """One act of a person as her browser says it. `key` names it for ever, `attempt` counts its repetitions."""

    key: str
    act: Literal["change", "undo", "dismiss"]
    ids: tuple[str, ...] = ()
    attempt: int = 0
    status: Status | None = None
    question_solved: int | None = None
    questions_delta: int | None = None
    is_weak_chapter: bool | None = None
    version: int | None = None
    confirm: bool = False
    batch_id: str = ""
    is_bulk: bool = False

    @property
    def tag(self) -> str:
        """What tells this attempt from every other."""
        return f"{self.key}#{self.attempt}"

    @property
    def place(self) -> str:
        """Where its note goes: its row, or the bar over the list."""
        return BULK if self.is_bulk or len(self.ids) != 1 else self.ids[0]

    @property
    def change(self) -> ProgressChange:
        return ProgressChange(
            status=self.status,
            question_solved=self.question_solved,
            questions_delta=self.questions_delta,
            is_weak_chapter=self.is_weak_chapter,
            version=self.version,
        )


class Choice(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """A button of a note: its words and what it does."""

    label: str
    act: Act


class Note(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """What stands beside a row. `draft` is what the person had entered and what is not saved."""

    kind: Literal["saved", "undone", "ask", "stale", "refused", "failed"]
    text: str
    choices: tuple[Choice, ...] = ()
    draft: Act | None = None


@dataclass
class Notes:
    """The notes of one open page, and the acts that were dealt with."""

    done: dict[str, None] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)

    def remember(self, act: Act, note: Note | None) -> None:
        """Keep the answer to an act; an answer to several rows takes the place of what stood at each of them."""
        self.done[act.tag] = None
        for old in list(self.done)[:-REMEMBERED]:
            del self.done[old]
        for place in {act.place, *act.ids}:
            self.notes.pop(place, None)
        if note:
            self.notes[act.place] = note


def notes(state: MutableMapping[Any, Any], key: str) -> Notes:
    """The notes kept for the list `key` in a session."""
    found: Notes = state.setdefault(f"{key}-notes", Notes())
    return found


def decode(values: object) -> tuple[Act, ...]:
    """The acts a browser sent; none where they make no sense, for only our own script writes them."""
    try:
        return msgspec.convert(values, tuple[Act, ...])
    except msgspec.ValidationError as error:
        _log.warning("acts_not_understood", reason=str(error))
        return ()


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

    def carry_out(self, acts: Iterable[Act], kept: Notes, solved: Mapping[str, int]) -> int:
        """Do each act that was not done yet, in order; returns how many. `solved` is what is shown now, by id.

        A failed act is answered beside its row and can be repeated; only NotSignedIn and the unforeseen travel on.
        """
        fresh = [act for act in acts if act.tag not in kept.done]
        for act in fresh:
            kept.remember(act, None if act.act == "dismiss" else self._answered(act, solved))
        return len(fresh)

    def _answered(self, act: Act, solved: Mapping[str, int]) -> Note:
        try:
            self._admit(self._viewer)
            return self._undone(act) if act.act == "undo" else self._saved(act)
        except NotSignedIn:
            raise
        except ConfirmationNeeded as error:
            return _question(act, error.message, _("Save anyway"), _keep(act, solved), {"confirm": True})
        except Conflict as error:
            return Note(kind="stale", text=error.message, choices=_instead(act))
        except Invalid as error:
            if error.code == "contradiction":
                return _contradiction(act, solved)
            return Note(kind="refused", text=error.message, draft=act)
        except AppError as error:
            again = msgspec.structs.replace(act, attempt=act.attempt + 1)
            is_unknown = error.code == "unconfirmed"  # to say that it is not saved would be to guess
            text = error.message if is_unknown else _("Not saved. {reason}").format(reason=error.message)
            return Note(kind="failed", text=text, choices=(Choice(label=_("Try again"), act=again),), draft=act)

    def _saved(self, act: Act) -> Note:
        if not 1 <= len(act.ids) <= BATCH_LIMIT:
            raise Invalid(_("Choose at least one chapter first."))
        changes = dict.fromkeys(act.ids, act.change)
        saved = self._service.change_many(self._viewer, changes, key=act.key, confirm=act.confirm)
        return self._saved_note(act, saved)

    def _saved_note(self, act: Act, saved: Saved) -> Note:
        if not saved.changed:
            return Note(kind="saved", text=_("Nothing to change: it stood so already."))
        time = self._time(saved.at)
        text = _("Saved {time}").format(time=time)
        if act.place == BULK:
            text = ngettext("{count} chapter saved {time}", "{count} chapters saved {time}", saved.changed).format(
                count=number(saved.changed), time=time
            )
        undo = Act(key=f"undo-{act.key}", act="undo", ids=act.ids, batch_id=saved.batch_id, is_bulk=act.is_bulk)
        return Note(kind="saved", text=text, choices=(Choice(label=_("Undo"), act=undo),))

    def _undone(self, act: Act) -> Note:
        saved = self._service.undo(self._viewer, act.batch_id)
        return Note(kind="undone", text=_("Undone {time}").format(time=self._time(saved.at)))

    def _time(self, at: datetime) -> str:
        return clock_time(at, self._viewer.time_zone)


def _contradiction(act: Act, solved: Mapping[str, int]) -> Note:
    if act.place == BULK:
        text = _("Some of these chapters have questions solved. Not started means none: set them to 0 as well?")
        no = _("Change nothing")
    else:
        shown = solved.get(act.ids[0], 0)
        text = ngettext(
            "{count} question is solved here. Not started means none: set it to 0 as well?",
            "{count} questions are solved here. Not started means none: set them to 0 as well?",
            shown,
        ).format(count=number(shown))
        no = _("Change nothing")
    return _question(act, text, _("Set to 0"), no, {"question_solved": 0})


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


def _keep(act: Act, solved: Mapping[str, int]) -> str:
    if act.place == BULK:
        return _("Change nothing")
    return _("Keep {count}").format(count=number(solved.get(act.ids[0], 0)))
