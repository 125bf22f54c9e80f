"""Imports of the catalogue by HTTP: the plan of a dry run, doubtful names, years that go, and the way back."""

import json

from tests.api.caller import Door, Json, problem

ROW: Json = {
    "subject": "Phyiscs",
    "class": "Class 11",
    "unit": "Mechanics 1",
    "chapter": "Laws of Motion",
    "yearWiseQuestionCount": {"2026": 7},
}


def _send(door: Door, query: str, row: Json, **fields: str) -> Json:
    answer = door.teacher.post(
        f"/chapters/import{query}", files={"file": ("a.json", json.dumps([row]).encode())}, data=fields
    )
    assert answer.status_code == 200, answer.text
    report: Json = answer.json()["data"]
    return report


def test_a_doubtful_name_is_asked_chosen_imported_and_taken_back(door: Door) -> None:
    """The report asks, the field “choices” answers, the plan is carried out, and the undo puts the chapter back."""
    asked = _send(door, "?dryRun=true", ROW)
    (question,) = asked["questions"]
    assert (asked["failed"], question["value"], question["candidates"]) == (1, "Phyiscs", ["Physics"])
    choices = json.dumps([{"field": "subject", "value": "Phyiscs", "sameAs": "Physics"}])
    dry = _send(door, "?dryRun=true", ROW, choices=choices)
    (row,) = dry["rows"]
    assert row["changes"] == [{"field": "2026", "before": None, "after": 7}]
    done = _send(door, f"?plan={dry['plan']}", ROW, choices=choices)
    assert (done["updated"], done["state"]) == (1, "done")
    assert door.teacher.get(f"/chapters/{row['chapterId']}").json()["data"]["yearWiseQuestionCount"]["2019"] == 3
    undone = door.teacher.post(f"/chapters/imports/{done['importId']}/undo")
    assert undone.status_code == 200, undone.text
    after = door.teacher.get(f"/chapters/{row['chapterId']}").json()["data"]["yearWiseQuestionCount"]
    assert "2026" not in after
    states = [each["state"] for each in door.teacher.get("/chapters/imports").json()["data"]]
    assert states == ["done", "undone"]
    assert problem(door.teacher.post(f"/chapters/imports/{done['importId']}/undo"), 409)["code"] == "conflict"


def test_years_go_only_where_it_is_said(door: Door) -> None:
    """`replaceYears` deletes the years that the row leaves out, and the dry run counts them."""
    row = ROW | {"subject": "Physics"}
    assert _send(door, "?dryRun=true", row)["yearsDeleted"] == 0
    assert _send(door, "?dryRun=true&replaceYears=true", row)["yearsDeleted"] == 7


def test_an_old_plan_and_choices_that_say_nothing_are_refused(door: Door) -> None:
    """409 for a plan that is not what would be done now, 422 for a field that is no list of choices."""
    files = {"file": ("a.json", json.dumps([ROW]).encode())}
    assert problem(door.teacher.post("/chapters/import?plan=old", files=files), 409)["code"] == "stale"
    answer = door.teacher.post("/chapters/import", files=files, data={"choices": '{"subject": 1}'})
    assert problem(answer, 422)["code"] == "invalid"


def test_one_chapter_asks_in_the_same_way(door: Door) -> None:
    """A near subject is 409 with its candidates; confirmed, it is new; the same name in capitals is the known one."""
    new = ROW | {"chapter": "Friction"}
    answer = door.teacher.post("/chapters", new)
    assert problem(answer, 409)["code"] == "near_name"
    assert answer.json()["error"]["details"]["candidates"] == ["Physics"]
    assert door.teacher.post("/chapters", new | {"subject": "PHYSICS"}).json()["data"]["subject"] == "Physics"
    confirmed = door.teacher.post("/chapters", new | {"confirm": True})
    assert (confirmed.status_code, confirmed.json()["data"]["subject"]) == (201, "Phyiscs")
    near = door.teacher.post("/chapters", ROW | {"subject": "Physics", "chapter": "Laws of Motions"})
    assert problem(near, 409)["details"]["candidates"] == ["Laws of Motion"]
