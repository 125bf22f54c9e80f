"""Health of the running system, for administrators: what works, how fast, and how to fix what does not."""

from backend.kit.i18n import _
from pages import _health_words as words
from pages import _session
from pages._jobs import draw_jobs
from pages._limits import draw_limits
from pages._parts import as_of, metric_row, page_title, section
from pages._runs import refreshing
from pages._tables import static_table

REFRESH_SECONDS = 5.0


@refreshing(REFRESH_SECONDS)
def draw_health() -> None:
    """The whole page but its heading: it draws itself anew while it is open."""
    viewer = _session.viewer("admin")
    health = _session.backend().operations.health(viewer)
    words.draw_verdict(health.state)
    words.draw_checks(health.checks)
    as_of(health.as_of, viewer.time_zone)
    section(_("This process"))
    metric_row(words.process_figures(health))
    section(_("People"))
    metric_row(words.people_figures(health.counts))
    section(_("Records"))
    metric_row(words.work_figures(health.counts))
    section(_("How fast"), _("Since this process started. Percentiles are within 5%."))
    static_table(words.timing_table(health.timings, _("Time by kind of work")))
    static_table(words.timing_table(health.slowest_queries, _("Database commands that took the most time in all")))
    section(_("Cache"), _("What was read from where. Redis may be emptied at any moment without losing anything."))
    static_table(words.cache_table(health.cache))
    draw_limits(viewer)


_session.viewer("admin")
page_title(
    _("Health"), _("What works, how fast, and how to fix what does not. It refreshes itself."), icon="monitor_heart"
)
draw_health()
draw_jobs()
