"""The part of the health page about limits: what share of the allowances is given now, why, and who met them."""

from collections.abc import Callable

from backend.accounts.models import Viewer
from backend.kit.i18n import _, listing, number, percent, waiting_time
from backend.limits.models import LimitsReport, Pressure, RuleLine
from pages.shell import services
from pages.widgets.elements import KeyFigure, figures_html, section_html
from pages.widgets.tables import Column, Twin, Value, table_html


def limits_html(viewer: Viewer) -> str:
    """Key figures, and three tables: what presses, the allowances, and how often each set of rules was met."""
    report = services.backend().limits.report(viewer)
    tables = "".join(table_html(each) for each in (_pressures(report), _allowances(report), _counts(report)))
    return section_html(_("Limits"), verdict(report)) + figures_html(_figures(report)) + tables


def verdict(report: LimitsReport) -> str:
    """In one sentence how much programs may do now, and why not all."""
    if report.share == 1.0:
        return _("Programs have their whole allowance.")
    pressing = [_part(each.name) for each in report.pressures if each.pressure > 0]
    if not pressing:
        return _("Programs have {share} of their allowance; the rest comes back within a minute.").format(
            share=percent(report.share)
        )
    return _("Programs have {share} of their allowance, because this machine is loaded: {parts}.").format(
        share=percent(report.share), parts=listing(pressing)
    )


def _figures(report: LimitsReport) -> list[KeyFigure]:
    kept = _("Redis") if report.source == "redis" else _("This process")
    return [
        KeyFigure(
            _("Allowed now"),
            percent(report.share),
            _("Share of the allowances of programs. It falls to {floor} while the machine is loaded.").format(
                floor=percent(report.floor)
            ),
        ),
        KeyFigure(
            _("Kept in"), kept, _("Without Redis each process counts its own share, so that the limits still hold.")
        ),
        KeyFigure(
            _("Processes"),
            number(report.processes),
            _("Processes that share the allowances, as far as this one knows."),
        ),
        KeyFigure(
            _("Refused"),
            number(sum(each.refused for each in report.counts)),
            _("Requests, changes and sign-ins that came too often, since this process started."),
        ),
    ]


def _pressures(report: LimitsReport) -> Twin:
    columns = [
        Column(_("Resource")),
        Column(_("Now"), numeric=True),
        Column(_("Normal up to"), numeric=True, rule=_("Up to here nothing is reduced.")),
        Column(_("Highest from"), numeric=True, rule=_("From here on only a quarter is left.")),
        Column(_("Pressure"), numeric=True),
    ]
    return Twin(_("Load of this machine"), columns, [_pressure_row(each) for each in report.pressures])


def _pressure_row(pressure: Pressure) -> list[Value]:
    shown: Callable[[float], str] = _seconds if pressure.name.endswith("_seconds") else percent
    values = (shown(value) for value in (pressure.value, pressure.calm, pressure.full))
    return [_part(pressure.name), *values, percent(pressure.pressure)]


def _part(name: str) -> str:
    return {
        "cpu": _("Processors"),
        "memory": _("Memory"),
        "loop_delay_seconds": _("Delay of the event loop"),
        "pool_wait_seconds": _("Wait for a database connection"),
    }[name]


def _seconds(value: float) -> str:
    return _("{value} s").format(value=number(round(value, 2)))


def _allowances(report: LimitsReport) -> Twin:
    columns = [
        Column(_("Who")),
        Column(_("Allowed"), numeric=True),
        Column(_("Now"), numeric=True),
        Column(_("Period")),
    ]
    return Twin(_("Allowances of programs"), columns, [_allowance_row(rule) for rule in report.rules])


def _allowance_row(rule: RuleLine) -> list[Value]:
    who = {
        "anonymous": _("An address without sign-in"),
        "user": _("A person"),
        "premium": _("A person on the premium plan"),
        "burst": _("Anybody, in a burst"),
    }
    return [who[rule.name], rule.quota, rule.now, waiting_time(rule.window_seconds)]


def _counts(report: LimitsReport) -> Twin:
    columns = [
        Column(_("Rules")),
        Column(_("Allowed"), numeric=True),
        Column(_("Refused"), numeric=True),
    ]
    rows: list[list[Value]] = [[each.name, each.allowed, each.refused] for each in report.counts]
    return Twin(_("Decisions of this process"), columns, rows)
