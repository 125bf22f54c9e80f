"""The health page and the administrator's home: what is wrong is said with icon, word and the way to mend it."""

import pytest

from backend.bootstrap import Backend
from backend.errors import Unavailable
from backend.kit.observability.metrics import FRAGMENT_RUNS, REQUESTS, SCRIPT_RUNS
from backend.kit.schedule.runs import Run
from backend.operations.check_titles import titles
from tests.pages.at_path import Browser, heading, html_of
from tests.pages.key_figures import key_figures
from tests.school import School


@pytest.fixture(autouse=True)
def signed_in_admin(browser: Browser, school: School) -> None:
    """The administrator, signed in in the browser."""
    browser.sign_in(school.user(school.admin()))


def lose_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_client: object) -> float:
        raise Unavailable("It does not answer.")

    monkeypatch.setattr("backend.kit.redis.client.ping_by_value", away)


def test_every_check_is_on_the_page(browser: Browser) -> None:
    """Each check has its line with a word for its state, and the tables have their captions."""
    tab = browser.open("health")
    assert not tab.exception
    assert heading(tab) == "Health"
    drawn = html_of(tab)
    assert all(f"<strong>{title}</strong>" in drawn for title in titles().values())
    assert drawn.count('<li><span class="cp-chip') == len(titles())
    assert "As of" in drawn


@pytest.mark.parametrize(
    ("kind", "caption"),
    [
        ("jobs", "Jobs, their last and their next run"),
        ("memory", ""),
        ("slow", ""),
        ("speed", "Time by kind of work"),
        ("cache", "Reads since this process started"),
        ("limits", "Load of this machine"),
    ],
)
def test_details_are_drawn_when_they_are_chosen(browser: Browser, kind: str, caption: str) -> None:
    """Each kind of detail has its table, and only the chosen one is sent."""
    tab = browser.open("health")
    tab.button_group("health.details").set_value(kind).run()
    assert not tab.exception
    drawn = html_of(tab)
    assert f"<caption>{caption}</caption>" in drawn or not caption
    assert ("<caption>Jobs" in drawn) == (kind == "jobs")


def test_figures_tell_zero_from_no_data(browser: Browser) -> None:
    """No request to the API yet is a dash; no student yet is a 0."""
    tab = browser.open("health")
    tab.button_group("health.details").set_value("speed").run()
    (requests,) = (part for part in html_of(tab).split("<tr>") if "Requests to the API" in part)
    assert requests.count("–") == 4
    figures = {label: figure.value for label, figure in key_figures(tab).items()}
    assert (figures["Students"], figures["Administrators"], figures["Chapters"]) == ("0", "1", "101")


def test_a_fault_says_how_to_fix_it(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis the line is a warning in words, with the next step; everything else stays readable."""
    lose_redis(monkeypatch)
    drawn = html_of(browser.open("health"))
    assert "Everything works, but something needs attention." in drawn
    assert "is REDIS_URL right?" in drawn


def test_home_shows_what_wants_attention_alone(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The administrator's home is quiet about what is well, and lists what is not."""
    lose_redis(monkeypatch)
    tab = browser.open()
    drawn = html_of(tab)
    assert "<strong>Redis</strong>" in drawn
    assert "<strong>Disk</strong>" not in drawn


def test_home_of_a_young_school_says_what_to_do(browser: Browser, school: School) -> None:
    """Next steps are shown until they are done."""
    assert "<h2>Next steps</h2>" in html_of(browser.open())


def test_runs_are_timed(browser: Browser, backend: Backend) -> None:
    """Drawing a page and its parts is counted under the page's and the part's own name."""
    browser.open("health")
    assert backend.metrics.read(SCRIPT_RUNS)["health"].count == 1
    assert backend.metrics.read(FRAGMENT_RUNS)["operations/health.draw_health"].count == 1


def test_jobs_are_on_the_page_and_run_now(browser: Browser, backend: Backend) -> None:
    """Each job has its row with the end of its last run; the button asks for a run of the chosen one."""
    backend.runs.plan("retention", "15 4 * * *", "Asia/Kolkata", makes_up=True)
    run = backend.runs.claim("retention", backend.runs.now(), "slot", "test", 30)
    assert isinstance(run, Run)
    backend.runs.finish(run, "failed", "The disk is full.", [])
    tab = browser.open("health")
    tab.button_group("health.details").set_value("jobs").run()
    drawn = html_of(tab)
    assert "Remove old records" in drawn
    assert "The disk is full." in drawn
    assert "The last run of 1 job failed" in drawn
    tab.button("run-job-now").click().run()
    assert not tab.exception
    assert set(backend.runs.asked()) == {"retention"}


def test_a_job_under_way_says_how_far_it_is(browser: Browser, backend: Backend) -> None:
    """Its share and what it is at stand in the table, and below it the lines it has said so far."""
    backend.runs.plan("backup", "0 2 * * *", "Asia/Kolkata", makes_up=True)
    run = backend.runs.claim("backup", backend.runs.now(), "slot", "test", 60)
    assert isinstance(run, Run)
    backend.runs.tell(run, 0.42, "activity", ["It is a <b>long</b> night."])
    tab = browser.open("health")
    tab.button_group("health.details").set_value("jobs").run()
    drawn = html_of(tab)
    assert "Running, 42%" in drawn and "Saved changes" in drawn
    assert "It is a &lt;b&gt;long&lt;/b&gt; night." in drawn
    backend.runs.finish(run, "failed", "The disk is full.", [])
    tab.run()
    assert "What to do" in html_of(tab) and "has it space" in html_of(tab)


def test_a_job_that_nobody_could_do_is_not_asked_for(browser: Browser, backend: Backend) -> None:
    """Where no worker is running the page says so in words, twice: in the table and when the button is pressed."""
    backend.runs.plan("retention", "15 4 * * *", "Asia/Kolkata", makes_up=True)
    backend.mongo["jobs"].update_many({}, [{"$set": {"seenAt": {"$subtract": ["$$NOW", 600_000]}}}])
    tab = browser.open("health")
    tab.button_group("health.details").set_value("jobs").run()
    assert "No process to run it" in html_of(tab)
    tab.button("run-job-now").click().run()
    assert backend.runs.asked() == {}


def test_the_last_hour_is_drawn_with_its_table(browser: Browser, backend: Backend) -> None:
    """Nothing measured yet is said so; then every chart says its value now, and one table says the same."""
    assert "Nothing measured yet" in html_of(browser.open("health"))
    backend.metrics.observe(REQUESTS, "GET /chapters", 0.1)
    backend.heartbeat.sample()
    backend.operations._history = None  # which is kept for ten seconds
    tab = browser.open("health")
    drawn = html_of(tab)
    assert drawn.count('<figure class="cp-hour"') == 9
    assert 'aria-label="95% of requests within: now' in drawn
    tab.session_state["twin-hour"] = True
    assert "<caption>The last hour by minutes</caption>" in html_of(tab.run())
