"""The facts of the health page as two elements: what wants something, processes and the school; what is well."""

from backend.kit.i18n import _
from backend.operations.models import Health
from pages.operations import text as words
from pages.widgets.elements import as_of_html, figures_html, section_html
from pages.widgets.html_memo import Drawn
from pages.widgets.tables import table_html

QUIET = frozenset({"ok", "unknown"})  # states in which a check has nothing to tell


def health_html(health: Health, zone: str) -> str:
    """Everything above the details, as one element."""
    note = _("Each process reports every five seconds; one that is silent for 15 s is taken as gone.")
    wanting = [check for check in health.checks if check.state not in QUIET]
    parts = (
        words.verdict_html(health.state),
        words.checks_html(wanting) if wanting else "",
        as_of_html(health.as_of, zone),
        section_html(_("Processes"), note),
        table_html(words.instances_table(health.instances)),
        section_html(_("This process")),
        figures_html(words.process_figures(health)),
        section_html(_("The school")),
        figures_html([*words.people_figures(health.counts), *words.work_figures(health.counts)]),
    )
    return f'<div class="cp-parts">{"".join(parts)}</div>'


def quiet_html(health: Health, _zone: str) -> str:
    """The checks that have nothing to tell, for the foot of the page."""
    quiet = [check for check in health.checks if check.state in QUIET]
    heading = section_html(_("Checks that passed"))
    return f'<div class="cp-parts">{heading}{words.checks_html(quiet)}</div>' if quiet else ""


HEALTH = Drawn(health_html)
QUIET_CHECKS = Drawn(quiet_html)
