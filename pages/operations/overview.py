"""The upper half of the health page as one element: every check, every process, and what the school holds."""

from backend.kit.i18n import _
from backend.operations.models import Health
from pages.operations import text as words
from pages.widgets.elements import as_of_html, figures_html, section_html
from pages.widgets.html_memo import Drawn
from pages.widgets.tables import table_html

QUIET = frozenset({"ok", "unknown"})  # states in which a check has nothing to tell


def health_html(health: Health, zone: str) -> str:
    """Everything but the details, as one element."""
    note = _("Each process reports every five seconds; one that is silent for 15 s is taken as gone.")
    wanting = [check for check in health.checks if check.state not in QUIET]
    others = [check for check in health.checks if check.state in QUIET]
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
        section_html(_("Checks that passed")),
        words.checks_html(others),
    )
    return f'<div class="cp-parts">{"".join(parts)}</div>'


HEALTH = Drawn(health_html)
