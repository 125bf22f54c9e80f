"""A student's work by HTTP: saved once however often it is sent, taken back, and only her own."""

from datetime import timedelta

from backend.bootstrap import Backend
from backend.kit.clock import SetClock
from backend.progress.models import ProgressChange
from tests.api.caller import Door, as_json, first_chapter, problem
from tests.school import School


def test_a_save_is_answered_with_the_record_as_it_stands(door: Door) -> None:
    """Solving moves Not Started to In Progress; the list shows it at once."""
    student = door.student
    chapter = first_chapter(student)
    saved = student.post(f"/chapters/{chapter['id']}/progress", {"questionsDelta": 5, "isWeakChapter": True})
    assert saved.status_code == 200
    record = saved.json()["data"]["progress"]
    assert (record["status"], record["questionSolved"], record["isWeakChapter"]) == ("In Progress", 5, True)
    shown = first_chapter(student)
    assert (shown["status"], shown["questionSolved"], shown["progressVersion"]) == ("In Progress", 5, 1)


def test_the_same_key_saves_once(door: Door) -> None:
    """A repeated request with its Idempotency-Key gives the first answer and adds nothing; without one it is new."""
    student = door.student
    first, second = (each["id"] for each in student.get("/chapters?limit=2").json()["data"])
    key = {"Idempotency-Key": "act-1"}
    answers = [
        student.post(f"/chapters/{first}/progress", {"questionsDelta": 2}, headers=key).json()["data"]
        for _repeat in range(3)
    ]
    assert len({each["batchId"] for each in answers}) == 1
    assert answers[-1]["progress"]["questionSolved"] == 2
    other = student.post(f"/chapters/{second}/progress", {"questionsDelta": 2}, headers=key)
    assert problem(other, 422)["code"] == "key_reused"  # it would swallow that save
    anew = student.post(f"/chapters/{first}/progress", {"questionsDelta": 2}).json()["data"]
    assert anew["progress"]["questionSolved"] == 4


def test_a_key_must_be_plain(door: Door) -> None:
    """An endless or unprintable key is refused."""
    chapter = first_chapter(door.student)["id"]
    for key in ("k" * 151, "a b", "\x07", ""):
        answer = door.student.post(f"/chapters/{chapter}/progress", {}, headers={"Idempotency-Key": key})
        assert problem(answer, 422)


def test_nothing_to_change_answers_the_present_record(door: Door) -> None:
    """A save that changes nothing says changed 0 and gives the record all the same."""
    student = door.student
    chapter = first_chapter(student)["id"]
    assert student.post(f"/chapters/{chapter}/progress", {}).json()["data"]["progress"]["version"] == 0
    student.post(f"/chapters/{chapter}/progress", {"questionSolved": 3})
    same = student.post(f"/chapters/{chapter}/progress", {"questionSolved": 3}).json()["data"]
    assert (same["changed"], same["progress"]["questionSolved"]) == (0, 3)


def test_a_save_is_taken_back_by_its_batch(door: Door, clock: SetClock) -> None:
    """Undo restores what stood before, twice does it once, and the history shows both."""
    student = door.student
    chapter = first_chapter(student)["id"]
    batch = student.post(f"/chapters/{chapter}/progress", {"questionSolved": 3}).json()["data"]["batchId"]
    for _repeat in range(2):
        clock.advance(timedelta(seconds=5))
        undone = student.post("/progress/undo", {"batchId": batch}).json()["data"]
        assert undone["progress"][0]["questionSolved"] == 0
    history = student.get(f"/chapters/{chapter}/history").json()
    assert [each["after"]["questionSolved"] for each in history["data"]] == [0, 3]
    assert history["pagination"]["total"] == 2
    assert problem(student.post("/progress/undo", {"batchId": "nope"}), 404)


def test_more_than_past_papers_asked_needs_confirming(door: Door) -> None:
    """An unlikely number is asked about first, with both numbers for the program, and saved when confirmed."""
    student = door.student
    chapter = first_chapter(student)
    many = {"questionSolved": chapter["questionTotal"] + 1}
    error = problem(student.post(f"/chapters/{chapter['id']}/progress", many), 409)
    assert error["code"] == "confirmation_needed"
    assert error["details"]["questionTotal"] == chapter["questionTotal"]
    assert student.post(f"/chapters/{chapter['id']}/progress", many | {"confirm": True}).status_code == 200


def test_an_old_version_is_refused(door: Door) -> None:
    """A save made from an old look at the record is a conflict."""
    student = door.student
    chapter = first_chapter(student)["id"]
    student.post(f"/chapters/{chapter}/progress", {"questionSolved": 1})
    answer = student.post(f"/chapters/{chapter}/progress", {"questionSolved": 2, "version": 0})
    assert problem(answer, 409)["code"] == "stale"


def test_several_chapters_are_saved_together_or_not_at_all(door: Door) -> None:
    """One unknown chapter leaves all as they were; a chapter twice is refused."""
    student = door.student
    first, second = (each["id"] for each in student.get("/chapters?limit=2").json()["data"])
    bad = {"changes": [{"chapterId": first, "status": "Completed"}, {"chapterId": "nope", "status": "Completed"}]}
    assert problem(student.post("/progress", bad), 404)
    assert first_chapter(student)["status"] == "Not Started"
    twice = {"changes": [{"chapterId": first, "questionsDelta": 1}, {"chapterId": first, "questionsDelta": 1}]}
    assert problem(student.post("/progress", twice), 422)
    good = {"changes": [{"chapterId": each, "status": "Completed"} for each in (first, second)]}
    assert student.post("/progress", good).json()["data"]["changed"] == 2


def test_bad_changes_are_refused_in_words(door: Door) -> None:
    """Numbers as text, fractions, both ways of counting, unknown statuses and contradictions change nothing."""
    student = door.student
    path = f"/chapters/{first_chapter(student)['id']}/progress"
    for body in (
        {"questionSolved": "5"},
        {"questionSolved": 1.5},
        {"questionSolved": -1},
        {"questionSolved": 10**30},
        {"questionSolved": 1, "questionsDelta": 1},
        {"questionsDelta": -1},
        {"status": "Done"},
        {"status": {"$ne": None}},
        {"status": "Not Started", "questionSolved": 2},
        {"isWeakChapter": "yes"},
        {"solved": 1},
    ):
        assert problem(student.post(path, body), 422)
    assert first_chapter(student)["progressVersion"] == 0


def test_only_students_keep_progress(door: Door) -> None:
    """Teachers, admins and strangers are refused on every route of a student's own work."""
    chapter = first_chapter(door.anyone)["id"]
    for method, path, options in (
        ("POST", f"/chapters/{chapter}/progress", {"json": {"questionSolved": 1}}),
        ("POST", "/progress", {"json": {"changes": [{"chapterId": chapter, "questionSolved": 1}]}}),
        ("POST", "/progress/undo", {"json": {"batchId": "x"}}),
        ("GET", "/progress", {}),
        ("GET", f"/chapters/{chapter}/history", {}),
    ):
        for caller in (door.teacher, door.admin):
            assert problem(caller(method, path, **options), 403)
        assert problem(door.anyone(method, path, **options), 401)


def test_nobody_sees_or_undoes_anothers_work(door: Door, school: School, backend: Backend) -> None:
    """A classmate's list, history and undo know nothing of another student's save."""
    chapter = first_chapter(door.student)["id"]
    batch = door.student.post(f"/chapters/{chapter}/progress", {"questionSolved": 3}).json()["data"]["batchId"]
    other = door.as_(school.student(door.classroom, "Other"))
    assert first_chapter(other)["questionSolved"] == 0
    assert other.get(f"/chapters/{chapter}/history").json()["data"] == []
    assert problem(other.post("/progress/undo", {"batchId": batch}), 404)


def test_the_api_shows_the_figures_of_the_pages(door: Door, backend: Backend) -> None:
    """Totals by HTTP are what the page's own service call gives."""
    chapter = first_chapter(door.student)["id"]
    change = ProgressChange(status="Completed", question_solved=2)
    backend.progress.change(door.student_viewer, chapter, change, key="page")
    own = door.student.get("/progress").json()["data"]
    assert own["summary"] == as_json(backend.overview.summary(door.student_viewer))
    assert [record["chapterId"] for record in own["records"]] == [chapter]
