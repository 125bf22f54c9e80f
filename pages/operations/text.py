"""The state of the system in words and tables, as the health page and the administrator's home say it."""

from collections.abc import Sequence
from datetime import timedelta

from babel.dates import format_timedelta

from backend.kit.cache import CacheRegion
from backend.kit.i18n import _, current_locale, number, percent
from backend.kit.observability.metrics import FRAGMENT_RUNS, QUERIES, REQUESTS, SCRIPT_RUNS
from backend.operations.models import (
    SEVERITY,
    Check,
    Health,
    Instance,
    OperationsCounts,
    SlowOperation,
    State,
    Timing,
)
from pages.widgets.elements import KeyFigure, chip, escape
from pages.widgets.tables import Cell, Column, Twin, Value

MEGABYTE = 1_000_000
SLOW_MS = 10
SHAPE_LENGTH = 160


def verdict(state: State) -> str:
    """The whole system in one sentence."""
    return {
        "ok": _("Everything works."),
        "info": _("Everything works; there is something to know."),
        "unknown": _("What could be checked works."),
        "warning": _("Everything works, but something needs attention."),
        "error": _("Something is broken."),
        "critical": _("The system cannot work until this is fixed."),
    }[state]


def verdict_html(state: State) -> str:
    """The whole system as one chip and one sentence."""
    return f'<p class="cp-verdict" role="status">{chip(state)} <span>{escape(verdict(state))}</span></p>'


def checks_html(checks: Sequence[Check], *, brief: bool = False) -> str:
    """One line for each check, the gravest first: icon and word, what was found, how to fix it where that is due.

    `brief`: the finding alone, without details and cure.
    """
    ordered = sorted(checks, key=lambda each: -SEVERITY.index(each.state))
    return f'<ul class="cp-checks">{"".join(_check_html(each, brief=brief) for each in ordered)}</ul>'


def _check_html(check: Check, *, brief: bool) -> str:
    if brief:
        said = f"<strong>{escape(check.title)}</strong><span>{escape(check.summary)}</span>"
        return f"<li>{chip(check.state)}<div>{said}</div></li>"
    latency = f" · {escape(milliseconds(check.latency_ms))}" if check.latency_ms is not None else ""
    detail = f"<small>{escape(check.detail)}</small>" if check.detail else ""
    fix = f"<p><strong>{escape(_('How to fix:'))}</strong> {escape(check.fix)}</p>" if check.fix else ""
    return (
        f"<li>{chip(check.state)}<div><strong>{escape(check.title)}</strong>"
        f"<span>{escape(check.summary)}{latency}</span>{detail}{fix}</div></li>"
    )


def milliseconds(value: float | None) -> str:
    """A time in milliseconds, finer where it is short: "0.8 ms", "120 ms"; "–" for none."""
    if value is None:
        return "–"
    return _("{value} ms").format(value=number(round(value, 1 if value < SLOW_MS else None)))


def duration(seconds: int) -> str:
    """How long in words that fit a narrow card, such as "3 hr"."""
    return str(format_timedelta(timedelta(seconds=seconds), format="short", locale=current_locale()))


def process_figures(health: Health) -> list[KeyFigure]:
    """Uptime, memory, threads and version of this web process."""
    process = health.process
    return [
        KeyFigure(
            _("Running for"), duration(process.uptime_seconds), _("Since this web process started."), icon="timer"
        ),
        KeyFigure(
            _("Memory"),
            _("{count} MB").format(count=number(round(process.memory_bytes / MEGABYTE))),
            _("Resident memory of this web process; MongoDB and Redis have their own."),
            _("{share} of the machine").format(share=percent(process.memory_share)),
            icon="memory",
        ),
        KeyFigure(_("Threads"), number(process.threads), _("Threads of this web process."), icon="lan"),
        KeyFigure(_("Version"), process.version, _("Version of Chapter Performance."), icon="sell"),
    ]


def instances_table(instances: Sequence[Instance]) -> Twin:
    """Every process of the app, and those that fell silent lately."""
    heads = [
        Column(_("Process")),
        Column(_("State")),
        Column(_("Version")),
        Column(_("Running for")),
        Column(_("Processor"), numeric=True, rule=_("Of one processor, over the last five seconds")),
        Column(_("Memory"), numeric=True),
        Column(_("Threads"), numeric=True),
        Column(_("Per minute"), numeric=True, rule=_("Requests and page runs, over the last half minute")),
    ]
    return Twin(_("Processes that are there, by heartbeat"), heads, [_instance_row(each) for each in instances])


def _instance_row(instance: Instance) -> list[Value]:
    roles = {"web": _("Web"), "api": _("API"), "worker": _("Worker")}
    running = (instance.seen_at - instance.started_at).total_seconds()
    silent = _("Silent for {time}").format(time=duration(instance.silent_seconds))
    return [
        Cell(roles.get(instance.role, instance.role), note=f"{instance.host} · {instance.pid}"),
        Cell(_("There"), kind="ok") if instance.is_alive else Cell(silent, kind="warning"),
        instance.version,
        duration(max(0, int(running))),
        percent(instance.cpu_share),
        _("{count} MB").format(count=number(round(instance.memory_bytes / MEGABYTE))),
        instance.threads,
        number(round(instance.requests_per_minute)),
    ]


def people_figures(counts: OperationsCounts | None) -> list[KeyFigure]:
    """How many people of each role may sign in, and how many may not."""
    rule = _("Accounts that may sign in.")
    return [
        KeyFigure(_("Students"), _count(counts, "students"), rule, icon="school"),
        KeyFigure(_("Teachers"), _count(counts, "teachers"), rule, icon="groups"),
        KeyFigure(_("Administrators"), _count(counts, "admins"), rule, icon="shield_person"),
        KeyFigure(
            _("Deactivated"),
            _count(counts, "inactive"),
            _("Accounts that cannot sign in; their data is kept."),
            icon="person_off",
        ),
    ]


def work_figures(counts: OperationsCounts | None) -> list[KeyFigure]:
    """How much the school holds."""
    estimate = _("By the database's own estimate, exact a moment after the last change.")
    active = _("Archived chapters are not included.")
    return [
        KeyFigure(_("Classes"), _count(counts, "classrooms"), active, icon="meeting_room"),
        KeyFigure(_("Chapters"), _count(counts, "chapters"), active, icon="menu_book"),
        KeyFigure(_("Progress records"), _count(counts, "progress"), estimate, icon="trending_up"),
        KeyFigure(_("Saved changes"), _count(counts, "activity"), estimate, icon="history"),
    ]


def _count(counts: OperationsCounts | None, name: str) -> str | None:
    return number(getattr(counts, name)) if counts else None


def timing_table(timings: Sequence[Timing], caption: str) -> Twin:
    """Percentiles of each line in milliseconds."""
    heads = [
        Column(_("What")),
        Column(_("Count"), numeric=True),
        Column(_("Failed"), numeric=True),
        Column(_("Since the start"), numeric=True, rule=_("How often, since this process started")),
        Column(_("Half within"), numeric=True, rule=_("50th percentile")),
        Column(_("95% within"), numeric=True, rule=_("95th percentile, within 5%")),
        Column(_("99% within"), numeric=True, rule=_("99th percentile, within 5%")),
        Column(_("Longest"), numeric=True),
    ]
    return Twin(caption, heads, [_timing_row(each) for each in timings])


def _timing_row(timing: Timing) -> list[Value]:
    times = (timing.p50_ms, timing.p95_ms, timing.p99_ms, timing.max_ms)
    name = timing.label or _kinds()[timing.kind]
    return [name, timing.count, timing.failed, timing.total, *map(milliseconds, times)]


def _kinds() -> dict[str, str]:
    return {
        REQUESTS: _("Requests to the API"),
        SCRIPT_RUNS: _("Pages drawn"),
        FRAGMENT_RUNS: _("Parts of pages drawn"),
        QUERIES: _("Database commands"),
    }


def slow_table(operations: Sequence[SlowOperation]) -> Twin:
    """Slow commands by shape, with their plan."""
    heads = [
        Column(_("Command"), rule=_("Names of fields and operators; every value is left out")),
        Column(_("Count"), numeric=True),
        Column(_("In all"), numeric=True),
        Column(_("Longest"), numeric=True),
        Column(_("Plan"), rule=_("How the database finds it, the last step first; COLLSCAN reads everything")),
    ]
    return Twin(
        _("Slow database commands of the last week, all processes"), heads, [_slow_row(each) for each in operations]
    )


def _slow_row(slow: SlowOperation) -> list[Value]:
    return [
        Cell(f"{slow.operation} {slow.collection}", note=slow.shape[:SHAPE_LENGTH]),
        slow.count,
        _("{value} s").format(value=number(round(slow.total_seconds, 1))),
        milliseconds(slow.longest_seconds * 1_000),
        slow.plan or "–",
    ]


def cache_table(regions: Sequence[CacheRegion]) -> Twin:
    """Reads by the layer that answered, one line for each region."""
    heads = [
        Column(_("Region")),
        Column(_("Hit rate"), numeric=True, rule=_("Reads answered without the database, of all reads")),
        Column(_("From the app"), numeric=True, rule=_("Answered from the memory of this process")),
        Column(_("From Redis"), numeric=True),
        Column(_("Misses"), numeric=True, rule=_("Read from the database")),
        Column(_("Stale"), numeric=True, rule=_("Answered with an old value while a fresh one was loaded")),
        Column(_("Waits"), numeric=True, rule=_("Waited for the load of another request")),
        Column(_("Errors"), numeric=True),
        Column(_("Entries"), numeric=True, rule=_("Held by this process now")),
    ]
    return Twin(_("Reads since this process started"), heads, [_region_row(each) for each in regions])


def _region_row(region: CacheRegion) -> list[Value]:
    share = None if region.hit_share is None else percent(region.hit_share)
    counts = (region.hits_app, region.hits_redis, region.misses, region.stale, region.waits, region.errors)
    return [region.name, share, *counts, region.entries]
