"""Request bodies, query strings and headers. Unknown fields are refused; in a body a string is never a number."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from backend.accounts.models import EMAIL_LENGTH, GOAL_LIMIT, NAME_LENGTH, PeopleOrder, Role
from backend.accounts.validation import BOARD_NAME_LENGTH
from backend.boards.models import ENTRY_LIMIT, EVERYONE, Measure, Period
from backend.chapters.models import MAX_QUESTIONS, SUBJECT_LENGTH, TEXT_LENGTH, Status
from backend.classrooms.models import BoardMode
from backend.kit.mongo.client import new_id
from backend.kit.security.passwords import MAX_LENGTH
from backend.progress.listing import PAGE_LIMIT
from backend.progress.models import BATCH_LIMIT, SOLVED_LIMIT, ChapterFilters

SortBy = Literal[
    "syllabus", "chapter", "subject", "class", "unit", "asked", "recent", "solved", "left", "status", "updated",
    "-syllabus", "-chapter", "-subject", "-class", "-unit", "-asked", "-recent", "-solved", "-left", "-status",
    "-updated",
]  # fmt: skip
Id = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0, le=MAX_QUESTIONS)]
Solved = Annotated[int, Field(ge=0, le=SOLVED_LIMIT)]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Only said, not checked: whatever else stands there is an id that does not exist, and is answered 404.
_LOOKS: dict[str, JsonValue] = {"pattern": "^[A-Za-z0-9_-]{1,64}$"}
ChapterId = Annotated[str, Path(alias="chapterId", title="Id of a chapter", json_schema_extra=_LOOKS)]
StudentId = Annotated[str, Path(alias="studentId", title="Id of a student", json_schema_extra=_LOOKS)]
UserId = Annotated[str, Path(alias="userId", title="Id of a person", json_schema_extra=_LOOKS)]
RegionName = Annotated[str, Path(title="Name of a region", json_schema_extra=_LOOKS)]
ClassroomId = Annotated[str, Path(alias="classroomId", title="Id of a class", json_schema_extra=_LOOKS)]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours of the calendar have no other zone
        raise ValueError("should be a time between the years 1 and 9999, in UTC too") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
YearCounts = Annotated[dict[str, Count], Field(description="Questions by exam year: {“2024”: 3}")]

_CHAPTER: dict[str, JsonValue] = {
    "subject": "Physics",
    "class": "Class 11",
    "unit": "Mechanics 1",
    "chapter": "Units and Dimensions",
    "yearWiseQuestionCount": {"2023": 5, "2024": 4},
}


class Body(BaseModel):
    """Base of every JSON body: camelCase outside, nothing unknown, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=False)


class SignIn(Body):
    email: str = Field(min_length=1, max_length=EMAIL_LENGTH, examples=["teacher1@demo.school"])
    password: str = Field(min_length=1, max_length=1024, examples=["demo-school-2026"])


class Registration(Body):
    email: str = Field(min_length=1, max_length=EMAIL_LENGTH, examples=["sita@example.org"])
    password: str = Field(min_length=1, max_length=MAX_LENGTH, description="At least 8 characters, none of the common")
    name: str = Field(min_length=1, max_length=4 * NAME_LENGTH, examples=["Sita Sharma"])
    join_code: str = Field("", max_length=40, description="From the teacher of the class", examples=["ABCD-EFGH"])


class Refresh(Body):
    refresh_token: str = Field(min_length=1, max_length=200)


_CODE = "A code of the authenticator app, or a recovery code"


class Code(Body):
    code: str = Field(min_length=1, max_length=40, description=_CODE, examples=["492039"])


class SecondFactor(Code):
    challenge: str = Field(min_length=20, max_length=100, description="details.challenge of POST /auth/login")


class Reauthentication(Body):
    password: str = Field(min_length=1, max_length=1024)
    code: str = Field("", max_length=40, description=_CODE)


class PasswordChange(Body):
    current_password: str = Field("", max_length=1024, description="Left out by who has none yet")
    new_password: str = Field(
        min_length=1, max_length=MAX_LENGTH, description="At least 8 characters, not a common one"
    )


def _day(value: object) -> object:
    """A plain day; numbers, and the other ways in which ISO 8601 writes days, are none."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("should be a day such as 2027-05-02")
    return date.fromisoformat(value)


class AccountChange(Body):
    """Fields that are absent or null stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Sita Devi", "dailyGoal": 25}]})

    name: str | None = Field(None, min_length=1, max_length=4 * NAME_LENGTH)
    email: str | None = Field(None, min_length=1, max_length=EMAIL_LENGTH)
    daily_goal: int | None = Field(None, ge=1, le=GOAL_LIMIT, description="Questions a day")
    exam_date: Annotated[date, BeforeValidator(_day)] | None = None
    clear_exam_date: bool = Field(default=False, description="Take the date of the exam away")
    time_zone: str | None = Field(None, min_length=1, max_length=60, examples=["Asia/Kolkata"])
    day_end_hour: int | None = Field(None, ge=0, le=6, description="The hour at which a study day ends")
    weekly_mail: bool | None = Field(None, description="Get the weekly letter; off until it is asked for")
    board_joined: bool | None = Field(None, description="Stand on the leaderboards; needs a boardName")
    board_name: str | None = Field(None, min_length=1, max_length=4 * BOARD_NAME_LENGTH)


class ChapterNew(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [_CHAPTER]})

    subject: str = Field(min_length=1, max_length=SUBJECT_LENGTH)
    class_: str = Field(alias="class", min_length=1, max_length=SUBJECT_LENGTH)
    unit: str = Field(min_length=1, max_length=TEXT_LENGTH)
    chapter: str = Field(min_length=1, max_length=TEXT_LENGTH)
    year_wise_question_count: YearCounts = Field(default_factory=dict)
    confirm: bool = Field(False, description="Save a subject, class or unit that is near one of the catalogue as new")


class ChapterChange(Body):
    """Fields that are absent or null stay as they are; yearWiseQuestionCount is replaced as a whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"unit": "Mechanics 2", "version": 1}]})

    subject: str | None = Field(None, min_length=1, max_length=SUBJECT_LENGTH)
    class_: str | None = Field(None, alias="class", min_length=1, max_length=SUBJECT_LENGTH)
    unit: str | None = Field(None, min_length=1, max_length=TEXT_LENGTH)
    chapter: str | None = Field(None, min_length=1, max_length=TEXT_LENGTH)
    year_wise_question_count: YearCounts | None = None
    confirm: bool = Field(False, description="Save a subject, class or unit that is near one of the catalogue as new")
    version: int | None = Field(None, ge=1, le=10**9, description="The version that was changed; or send If-Match")


class ProgressFields(Body):
    """Fields that are absent or null stay as they are. Give questionSolved or questionsDelta, not both."""

    status: Status | None = None
    question_solved: Solved | None = Field(None, description="How many questions are solved now")
    questions_delta: int | None = Field(
        None, ge=-SOLVED_LIMIT, le=SOLVED_LIMIT, description="How many questions to add"
    )
    is_weak_chapter: bool | None = None
    version: int | None = Field(None, ge=0, le=10**9, description="progressVersion that was looked at; refuses others")


class ProgressSave(ProgressFields):
    model_config = ConfigDict(json_schema_extra={"examples": [{"questionsDelta": 5, "isWeakChapter": True}]})

    confirm: bool = Field(False, description="Save more questions than past papers asked")


class ProgressOfChapter(ProgressFields):
    chapter_id: Id


class ProgressSaveMany(Body):
    """All are saved, or none."""

    changes: list[ProgressOfChapter] = Field(min_length=1, max_length=BATCH_LIMIT)
    confirm: bool = Field(False, description="Save more questions than past papers asked")


class Undo(Body):
    batch_id: Id = Field(description="batchId of the save to take back")


class ClassroomNew(Body):
    name: str = Field(min_length=1, max_length=4 * NAME_LENGTH)


class ClassroomChange(Body):
    """Fields that are absent or null stay as they are."""

    name: str | None = Field(None, min_length=1, max_length=4 * NAME_LENGTH)
    board_mode: BoardMode | None = Field(None, description="How students come onto the leaderboard of the class")


class Join(Body):
    join_code: str = Field(min_length=1, max_length=40, description="From the teacher of the class")


class MemoryTraceNew(Body):
    seconds: int = Field(10, ge=1, le=60)


class PersonNew(Body):
    email: str = Field(min_length=1, max_length=EMAIL_LENGTH)
    name: str = Field(min_length=1, max_length=4 * NAME_LENGTH)
    role: Literal["teacher", "admin"]


class PersonChange(Body):
    """Fields that are absent or null stay as they are."""

    role: Role | None = None
    is_active: bool | None = Field(None, description="false shuts the person out of every page and program at once")


class Filters(BaseModel):
    """The query string of a chapter list."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    subject: str | None = Field(None, min_length=1, max_length=SUBJECT_LENGTH)
    class_: str | None = Field(None, alias="class", min_length=1, max_length=SUBJECT_LENGTH)
    unit: str | None = Field(None, min_length=1, max_length=TEXT_LENGTH)
    status: Status | None = Field(None, description="A student's own; nothing fits for anybody else")
    weak_chapters: bool | None = Field(None, description="A student's own; nothing fits for anybody else")
    search: str = Field("", max_length=100, description="Words of the chapter's or unit's name; small slips are found")
    sort: SortBy = Field("syllabus", description="With a minus: the other way round")
    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(20, ge=1, le=PAGE_LIMIT)
    after: str | None = Field(None, max_length=2_000, description="nextCursor of the page before; instead of page")

    def filters(self) -> ChapterFilters:
        """Return the filters for the service."""
        return ChapterFilters(
            subject=self.subject,
            class_=self.class_,
            unit=self.unit,
            status=self.status,
            weak_chapters=self.weak_chapters,
            search=self.search,
            sort=self.sort.removeprefix("-"),  # type: ignore[arg-type] # every SortBy without its sign is a Sort
            descending=self.sort.startswith("-"),
            page=self.page,
            limit=self.limit,
            after=self.after or None,
        )


class Page(BaseModel):
    """The query string of a plain list."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(50, ge=1, le=PAGE_LIMIT)
    after: str | None = Field(None, max_length=2_000, description="nextCursor of the page before; instead of page")


class PeopleQuery(Page):
    """The query string of the list of people."""

    search: str = Field("", max_length=100, description="Words: each begins a word of the name or of the address")
    role: Role | None = None
    order: PeopleOrder = "name"
    descending: bool = False


class SessionsQuery(Page):
    """The query string of the list of somebody's sessions."""

    user: str = Field(min_length=1, max_length=64, description="Id of a person")


class BoardQuery(BaseModel):
    """The query string of a leaderboard."""

    model_config = ConfigDict(extra="forbid")

    scope: str = Field(EVERYONE, min_length=1, max_length=64, description="“everyone”, or the id of a classroom")
    period: Period = "week"
    measure: Measure = "questions"
    limit: int = Field(10, ge=1, le=ENTRY_LIMIT)
    around: Literal["me"] | None = Field(None, description="“me” adds the lines around the caller's own")


FiltersQuery = Annotated[Filters, Query()]
PageQuery = Annotated[Page, Query()]


async def act_key(request: Request) -> str:
    """Return the permanent key of a student's act: the idempotency key with a hash of the request, else a new key."""
    return getattr(request.state, "act", None) or new_id()


ActKey = Annotated[str, Depends(act_key)]
