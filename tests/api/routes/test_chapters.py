"""The catalogue by HTTP: read by anyone, changed by teachers, never overwritten blindly."""

from backend.api.etags import PUBLIC_SECONDS
from backend.bootstrap import Backend
from tests.api.caller import Door, Json, first_chapter, problem

NEW: Json = {
    "subject": "Physics",
    "class": "Class 11",
    "unit": "Mechanics 1",
    "chapter": "Drag",
    "yearWiseQuestionCount": {"2024": 2},
}


def test_anyone_reads_the_catalogue_in_the_published_shape(door: Door) -> None:
    """A chapter is flat, in camelCase, without anybody's progress."""
    body = door.anyone.get("/chapters?limit=2").json()
    assert body["success"] is True
    assert body["pagination"] | {"nextCursor": ""} == {
        "page": 1,
        "limit": 2,
        "total": 101,
        "totalPages": 51,
        "nextCursor": "",
    }
    assert {"id", "subject", "class", "unit", "chapter", "yearWiseQuestionCount", "version"} <= set(body["data"][0])
    assert "status" not in body["data"][0]
    assert body["data"][0]["createdAt"].endswith("Z")


def test_a_student_sees_her_own_progress_in_it(door: Door) -> None:
    """Status, questions solved and the weak mark stand in a signed-in student's chapters."""
    chapter = first_chapter(door.student)
    assert (chapter["status"], chapter["questionSolved"], chapter["isWeakChapter"]) == ("Not Started", 0, False)


def test_filters_are_those_of_the_page(door: Door) -> None:
    """Subject, class and search narrow the list; a minus turns the order round."""
    physics = door.anyone.get("/chapters?subject=Physics&class=Class 11&limit=200").json()["data"]
    assert {(each["subject"], each["class"]) for each in physics} == {("Physics", "Class 11")}
    found = door.anyone.get("/chapters?search=thermodynamics").json()["data"]
    assert found
    assert "thermodynamics" in found[0]["chapter"].lower()
    counts = [each["questionTotal"] for each in door.anyone.get("/chapters?sort=-asked&limit=200").json()["data"]]
    assert counts == sorted(counts, reverse=True)


def test_pages_and_cursors_both_walk_the_whole_list_once(door: Door) -> None:
    """Going on by page or by cursor shows every chapter exactly once, in the same order."""
    whole = [each["id"] for each in door.anyone.get("/chapters?limit=200").json()["data"]]
    pages: list[str] = []
    for page in range(1, 8):
        pages += [each["id"] for each in door.anyone.get(f"/chapters?limit=15&page={page}").json()["data"]]
    walked: list[str] = []
    after = ""
    for _step in range(20):
        body = door.anyone.get(f"/chapters?limit=15&after={after}").json()
        walked += [each["id"] for each in body["data"]]
        after = body["pagination"]["nextCursor"]
        if after is None:
            break
    assert pages == walked == whole
    assert len(set(whole)) == 101


def test_a_cursor_neither_skips_nor_repeats_while_chapters_are_added(door: Door) -> None:
    """A chapter added during the walk disturbs no page after it."""
    before = {each["id"] for each in door.anyone.get("/chapters?limit=200&sort=chapter").json()["data"]}
    body = door.anyone.get("/chapters?limit=50&sort=chapter").json()
    door.teacher.post("/chapters", NEW | {"chapter": "Aaa first of all"})
    walked = [each["id"] for each in body["data"]]
    while body["pagination"]["nextCursor"]:
        body = door.anyone.get(f"/chapters?limit=50&sort=chapter&after={body['pagination']['nextCursor']}").json()
        walked += [each["id"] for each in body["data"]]
    assert len(walked) == len(set(walked))
    assert set(walked) == before


def test_a_query_that_does_not_fit_is_refused_with_its_name(door: Door) -> None:
    """Unknown names, operators, foreign cursors and impossible pages are told, not guessed at."""
    for query in ("subject[$ne]=x", "sujbect=Physics", "page=0", "limit=201", "sort=name", "status=Done", "page=a"):
        error = problem(door.anyone.get(f"/chapters?{query}"), 422)
        assert error["details"]["fields"][0]["field"] == query.partition("=")[0]
    assert problem(door.anyone.get("/chapters?after=bm9wZQ=="), 422)


def test_the_same_list_is_not_sent_twice(door: Door) -> None:
    """A list with the caller's ETag is answered 304 without a body; after a change it is sent again."""
    first = door.anyone.get("/chapters?limit=3")
    again = door.anyone.get("/chapters?limit=3", headers={"If-None-Match": f'"x", W/{first.headers["ETag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    chapter = first.json()["data"][0]
    door.teacher("PATCH", f"/chapters/{chapter['id']}", json={"unit": "Tools", "version": 1})
    changed = door.anyone.get("/chapters?limit=3", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_shared_caches_keep_only_what_is_everybodys(door: Door) -> None:
    """The open catalogue is public for five minutes; with a viewer's data in it, it is private."""
    assert door.anyone.get("/chapters").headers["Cache-Control"] == f"public, max-age={PUBLIC_SECONDS}"
    own = door.student.get("/chapters")
    assert own.headers["Cache-Control"] == "private, no-cache"


def test_caches_are_told_of_every_header_that_decides_who_asks(door: Door, backend: Backend) -> None:
    """Of two requests with two answers, Vary names the header in which they differ."""
    user = backend.accounts.me(door.student_viewer)
    ticket = backend.sign_in.issue_ticket(user, "browser")
    cookie = {"Cookie": f"session={backend.sign_in.redeem_ticket(ticket, 'browser', 'test')}"}
    nobody = door.anyone.get("/chapters?limit=1")
    named = {each.strip().lower() for each in nobody.headers["Vary"].split(",")}
    for more, differs in (
        (door.student.headers, "authorization"),
        (cookie, "cookie"),
        (cookie | {"Sec-Fetch-Site": "same-origin"}, "cookie"),
    ):
        own = door.anyone.get("/chapters?limit=1", headers=more)
        assert "questionSolved" in own.json()["data"][0]
        assert own.headers["Cache-Control"] == "private, no-cache"
        assert differs in named
    followed = door.anyone.get("/chapters?limit=1", headers=cookie | {"Sec-Fetch-Site": "cross-site"})
    assert followed.json() == nobody.json()
    assert "sec-fetch-site" in {each.strip().lower() for each in followed.headers["Vary"].split(",")}


def test_an_answer_says_which_layer_it_came_from(door: Door) -> None:
    """X-Cache names a layer on cached reads, and the second read comes from nearer than the database."""
    door.anyone.get("/chapters")
    assert door.anyone.get("/chapters").headers["X-Cache"] in ("app", "redis")


def test_one_chapter_has_its_neighbours(door: Door) -> None:
    """The detail is the row of the list with the ids before and after it."""
    first, second = door.anyone.get("/chapters?limit=2").json()["data"]
    assert door.anyone.get(f"/chapters/{first['id']}").json()["data"] == first | {
        "previousId": None,
        "nextId": second["id"],
    }


def test_an_unknown_chapter_is_not_found(door: Door) -> None:
    """Reading, changing, archiving, restoring and saving all say 404 of what does not exist."""
    assert problem(door.anyone.get("/chapters/nope"), 404)["code"] == "not_found"
    assert problem(door.teacher("PATCH", "/chapters/nope", json={"unit": "x", "version": 1}), 404)
    assert problem(door.teacher("DELETE", "/chapters/nope"), 404)
    assert problem(door.teacher.post("/chapters/nope/restore"), 404)
    assert problem(door.student.post("/chapters/nope/progress", {"questionsDelta": 1}), 404)
    assert problem(door.student.get("/chapters/nope/history"), 404)


def test_a_teacher_adds_a_chapter(door: Door) -> None:
    """The new chapter is answered in full, with the address where it can be read; twice is a conflict."""
    answer = door.teacher.post("/chapters", NEW)
    assert answer.status_code == 201
    assert answer.json()["data"] | NEW == answer.json()["data"]
    assert door.anyone.get(answer.headers["Location"]).json()["data"]["chapter"] == "Drag"
    assert problem(door.teacher.post("/chapters", NEW), 409)["code"] == "conflict"


def test_students_and_strangers_change_nothing(door: Door) -> None:
    """Every change of the catalogue is refused to students (403) and to nobody in particular (401)."""
    chapter = first_chapter(door.anyone)["id"]
    file = {"file": ("a.csv", b"subject,class,unit,chapter\r\nA,B,C,D\r\n")}
    for method, path, options in (
        ("POST", "/chapters", {"json": NEW}),
        ("PATCH", f"/chapters/{chapter}", {"json": {"unit": "x", "version": 1}}),
        ("DELETE", f"/chapters/{chapter}", {}),
        ("POST", f"/chapters/{chapter}/restore", {}),
        ("POST", "/chapters/import", {"files": file}),
        ("GET", "/chapters/archived", {}),
    ):
        assert problem(door.student(method, path, **options), 403)["code"] == "not_allowed", path
        assert problem(door.anyone(method, path, **options), 401)["code"] == "not_signed_in", path
    assert first_chapter(door.anyone)["version"] == 1


def test_a_change_must_name_the_version_it_changes(door: Door) -> None:
    """Without a version 428, with an old one in the body 409, with an old ETag 412; nothing is overwritten."""
    path = f"/chapters/{first_chapter(door.anyone)['id']}"
    tag = door.teacher.get(path).headers["ETag"]
    assert problem(door.teacher("PATCH", path, json={"unit": "Tools"}), 428)["code"] == "version_needed"
    changed = door.teacher("PATCH", path, json={"unit": "Tools"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["data"]["unit"], changed.json()["data"]["version"]) == (200, "Tools", 2)
    assert problem(door.teacher("PATCH", path, json={"unit": "X", "version": 1}), 409)["code"] == "stale"
    assert problem(door.teacher("PATCH", path, json={"unit": "X"}, headers={"If-Match": tag}), 412)["code"] == "stale"
    assert problem(door.teacher("PATCH", path, json={"unit": "X"}, headers={"If-Match": "*"}), 400)
    assert door.anyone.get(path).json()["data"]["unit"] == "Tools"


def test_an_archived_chapter_leaves_and_returns(door: Door) -> None:
    """DELETE archives: the chapter is gone for all, stands in the archive, and comes back whole."""
    chapter = first_chapter(door.anyone)
    gone = door.teacher("DELETE", f"/chapters/{chapter['id']}")
    assert gone.json()["data"]["archivedAt"]
    assert problem(door.anyone.get(f"/chapters/{chapter['id']}"), 404)
    assert [each["id"] for each in door.admin.get("/chapters/archived").json()["data"]] == [chapter["id"]]
    back = door.teacher.post(f"/chapters/{chapter['id']}/restore")
    assert back.json()["data"]["chapter"] == chapter["chapter"]
    assert door.anyone.get(f"/chapters/{chapter['id']}").status_code == 200


def test_numbers_are_numbers_and_texts_are_texts(door: Door) -> None:
    """A count as text, a negative one, an operator object or a list where a text belongs are refused by field."""
    for change, field in (
        ({"yearWiseQuestionCount": {"2024": "3"}}, "yearWiseQuestionCount.2024"),
        ({"yearWiseQuestionCount": {"2024": -1}}, "yearWiseQuestionCount.2024"),
        ({"yearWiseQuestionCount": {"2024": True}}, "yearWiseQuestionCount.2024"),
        ({"subject": {"$gt": ""}}, "subject"),
        ({"unit": ["a"]}, "unit"),
        ({"class": 11}, "class"),
        ({"$where": "1"}, "$where"),
    ):
        error = problem(door.teacher.post("/chapters", NEW | change), 422)
        assert error["details"]["fields"][0]["field"] == field
    assert problem(door.teacher.post("/chapters", NEW | {"yearWiseQuestionCount": {"soon": 1}}), 422)
    assert problem(door.teacher.post("/chapters", NEW | {"chapter": "  "}), 422)


def test_archiving_may_name_the_version(door: Door) -> None:
    """With If-Match a chapter that somebody changed meanwhile stays where it is; without, it goes."""
    chapter = first_chapter(door.teacher)
    path = f"/chapters/{chapter['id']}"
    tag = door.teacher.get(path).headers["ETag"]
    door.admin("PATCH", path, json={"unit": "Changed meanwhile", "version": 1})
    assert problem(door.teacher("DELETE", path, headers={"If-Match": tag}), 412)["code"] == "stale"
    assert problem(door.teacher("DELETE", path, headers={"If-Match": "nonsense"}), 400)["code"] == "malformed"
    tag = door.teacher.get(path).headers["ETag"]
    assert door.teacher("DELETE", path, headers={"If-Match": tag}).status_code == 200
