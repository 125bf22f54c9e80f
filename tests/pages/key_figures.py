"""The key figures of a page that AppTest drew, read from its description lists."""

import re
from dataclasses import dataclass
from html import unescape

from streamlit.testing.v1 import AppTest

_FIGURE = re.compile(
    r'<div class="cp-figure"><dt>(?:<span class="cp-icon"[^>]*>[^<]*</span>)?<span>(?P<label>[^<]*)</span>'
    r'(?:<details [^>]*><summary title="(?P<rule>[^"]*)".*?</details>)?</dt>'
    r'<dd class="cp-value">(?P<value>[^<]*)</dd>(?:<dd class="cp-change">(?P<change>[^<]*)</dd>)?'
)


@dataclass(frozen=True)
class Shown:
    """One figure as a person reads it."""

    label: str
    value: str
    rule: str
    change: str


def key_figures(page: AppTest) -> dict[str, Shown]:
    """Every key figure on the page by its label, in order."""
    found = (match for each in page.html for match in _FIGURE.finditer(each.value))
    shown = [Shown(**{name: unescape(said or "") for name, said in match.groupdict().items()}) for match in found]
    return {each.label: each for each in shown}
