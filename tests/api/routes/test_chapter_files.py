"""Chapter files by HTTP: tried first, taken in once, given out again, and hostile ones refused."""

import csv
import io
import json
import zipfile

import pytest

from backend.bootstrap import Backend
from tests.api.caller import Caller, Door, Json, first_chapter, problem

ROWS: list[Json] = [
    {
        "subject": "Physics",
        "class": "Class 12",
        "unit": "Waves",
        "chapter": "Echo",
        "yearWiseQuestionCount": {"2024": 3},
        "status": "Completed",
        "questionSolved": 3,
        "isWeakChapter": True,
    },
    {"subject": "Physics", "class": "Class 12", "unit": "Waves", "chapter": ""},
]


def _send(caller: Caller, path: str, content: bytes, name: str = "chapters.json") -> Json:
    answer = caller.post(path, files={"file": (name, content)})
    assert answer.status_code == 200, answer.text
    report: Json = answer.json()["data"]
    return report


def test_an_import_is_tried_done_and_repeated_without_change(door: Door) -> None:
    """Dry run writes nothing; the import adds; the same file again changes nothing; failed rows say why."""
    file, teacher = json.dumps(ROWS).encode(), door.teacher
    tried = _send(teacher, "/chapters/import?dryRun=true", file)
    assert (tried["dryRun"], tried["added"], tried["failed"]) == (True, 1, 1)
    assert door.anyone.get("/chapters?limit=1").json()["pagination"]["total"] == 101
    done = _send(teacher, "/chapters/import", file)
    assert (done["dryRun"], done["added"], done["failed"]) == (False, 1, 1)
    assert next(row["reason"] for row in done["rows"] if row["outcome"] == "failed")
    again = _send(teacher, "/chapters/import", file)
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 1)


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_what_is_exported_can_be_imported_unchanged(door: Door, kind: str) -> None:
    """Each format goes out under a dated name and comes back in as 101 unchanged rows."""
    answer = door.teacher.get(f"/chapters/export?format={kind}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="chapters-2026-11-18.{kind}"'
    report = _send(door.teacher, "/chapters/import", answer.content, f"chapters.{kind}")
    assert (report["unchanged"], len(report["rows"])) == (101, 101)


def test_a_students_export_has_her_progress_and_a_teachers_has_none(door: Door) -> None:
    """The three progress columns stand in a student's CSV alone; it begins with a BOM for Excel."""
    chapter = first_chapter(door.student)
    door.student.post(f"/chapters/{chapter['id']}/progress", {"questionSolved": 4})
    content = door.student.get("/chapters/export").content
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert (rows[0]["status"], rows[0]["questionSolved"]) == ("In Progress", "4")
    assert b"questionSolved" not in door.teacher.get("/chapters/export").content


def test_cells_that_a_spreadsheet_would_calculate_are_disarmed(door: Door) -> None:
    """A chapter called like a formula leaves as text."""
    door.teacher.post("/chapters", {"subject": "P", "class": "C", "unit": "U", "chapter": "=1+1"})
    assert b"'=1+1" in door.teacher.get("/chapters/export?format=csv").content


def test_a_student_takes_her_progress_over(door: Door, backend: Backend) -> None:
    """Her file changes her own records and no chapter; a key sent twice saves once."""
    chapter = first_chapter(door.anyone)
    row = {name: chapter[name] for name in ("subject", "class", "unit", "chapter")}
    file = json.dumps([row | {"status": "Completed", "questionSolved": 9, "isWeakChapter": True}]).encode()
    student = door.student
    assert _send(student, "/progress/import?dryRun=true", file)["added"] == 1
    assert first_chapter(student)["status"] == "Not Started"
    assert _send(student, "/progress/import", file)["added"] == 1
    assert first_chapter(student)["status"] == "Completed"
    assert _send(student, "/progress/import", file)["unchanged"] == 1
    assert problem(door.teacher.post("/progress/import", files={"file": ("a", file)}), 403)


def test_a_doubtful_row_is_chosen_in_a_second_request(door: Door) -> None:
    """The dry run offers chapters under the row's ref; the choice is sent beside the file, to dry run and real run."""
    chapter = first_chapter(door.anyone)
    name = chapter["chapter"][:-1]
    file = {"file": ("mine.csv", f"Chapter,Status,Weak\n{name},done,\nNo such thing at all,,yes\n".encode())}
    dry = door.student.post("/progress/import?dryRun=true", files=file).json()["data"]["rows"][0]
    assert (dry["outcome"], dry["ref"], dry["candidates"][0]["chapterId"]) == ("failed", "2", chapter["id"])
    chosen = {"choices": json.dumps({"2": chapter["id"], "3": None})}
    for query in ("?dryRun=true", ""):
        report = door.student.post(f"/progress/import{query}", files=file, data=chosen).json()["data"]
        assert report["rows"][0]["changes"] == [{"field": "status", "before": "Not Started", "after": "Completed"}]
        assert [row["outcome"] for row in report["rows"]] == ["added", "unchanged"]
    assert first_chapter(door.student)["status"] == "Completed"


@pytest.mark.parametrize("choices", ["[]", "{", '{"2": 5}', '{"9": null}', "x" * 100_000])
def test_choices_that_mean_nothing_are_refused(door: Door, choices: str) -> None:
    """In words, and nothing is taken over."""
    file = {"file": ("mine.csv", b"Chapter,Status\nLimits,done\n")}
    answer = door.student.post("/progress/import", files=file, data={"choices": choices})
    assert answer.status_code in (400, 422)
    assert problem(door.student.post("/progress/import", files=file, data={"choice": "{}"}), 422)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_template_goes_out_and_comes_in_unchanged(door: Door, kind: str) -> None:
    """It has every chapter with what stands now, for the student alone."""
    chapter = first_chapter(door.student)
    door.student.post(f"/chapters/{chapter['id']}/progress", {"questionSolved": 4, "isWeakChapter": True})
    answer = door.student.get(f"/progress/template?format={kind}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="chapters-my-list-2026-11-18.{kind}"'
    report = _send(door.student, "/progress/import", answer.content, f"x.{kind}")
    assert (report["unchanged"], len(report["rows"])) == (101, 101)
    assert problem(door.teacher.get("/progress/template"), 403)


def test_hostile_files_are_refused_with_a_sentence(door: Door) -> None:
    """Empty, foreign, bombs and broken workbooks: 422 in words, nothing written."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 60_000_000)
    teacher = door.teacher
    for content in (
        b"",
        b"\xff\xfe\x00",
        b"a,b\r\n1,2\r\n",
        b"[" * 100_000,
        b"PK\x03\x04 nonsense",
        b"MZ\x90\x00",
    ):
        assert problem(teacher.post("/chapters/import", files={"file": ("../../etc/passwd", content)}), 422)
    assert problem(teacher.post("/chapters/import", files={"file": ("a.xlsx", bomb.getvalue())}), 413)
    assert door.anyone.get("/chapters?limit=1").json()["pagination"]["total"] == 101


def test_a_form_must_be_a_form_with_one_file(door: Door) -> None:
    """JSON instead of a form is 415; no file 422; two files, no boundary or a cut form 400."""
    teacher = door.teacher
    assert problem(teacher.post("/chapters/import", json=ROWS), 415)["code"] == "unsupported_media_type"
    assert problem(teacher.post("/chapters/import"), 415)
    assert problem(teacher.post("/chapters/import", files={"other": ("a", b"x")}), 422)
    assert problem(teacher.post("/chapters/import", files=[("file", ("a", b"x")), ("file", ("b", b"y"))]), 400)
    for kind, body in (
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: nonsense\r\n\r\n"),
    ):
        answer = teacher.post("/chapters/import", content=body, headers={"Content-Type": kind})
        assert problem(answer, answer.status_code)["code"] in ("malformed", "invalid")
        assert answer.status_code in (400, 422)


def test_strangers_cannot_make_us_read_a_large_file(door: Door) -> None:
    """Who may not import is refused before the file is read."""
    read = []

    def endless() -> object:
        for _part in range(1000):
            read.append(1)
            yield b"x" * 65536

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = door.student("POST", "/chapters/import", content=endless(), headers=headers)
    assert problem(answer, 403)
