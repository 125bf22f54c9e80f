"""Places in documents that a program writes: from <!-- name --> to <!-- /name -->."""

import re


def placed(whole: str, name: str, content: str) -> str:
    """The page with `content` between the markers of that name. Raises ValueError where there are none."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in whole or end not in whole:
        raise ValueError(f"no place for {name}")
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + content + end, whole, flags=re.DOTALL)
