"""The shape of the tree: small folders, pages named in one place, and none of the private names of the first year."""

import ast
import re
from collections import Counter
from pathlib import Path

from pages.shell import navigation

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("backend", "bench", "deploy", "pages", "system_tests", "tests")
MOST_MODULES = 25
# Modules of the first layout; what they became is in docs/decisions/0086-layout.md.
GONE = {
    "backend.kit": "unhurried held kept heap growth places probes absences age sealing one_time_codes exposition "
    "limiter_rules limiter_leases limiter_memory limiter_redis mongo_acts mongo_hold mongo_guard mongo_pool "
    "mongo_times replays shape load "
    "events_queue events_stream schedule_runs schedule_times redis_links redis_pool mail_body",
    "backend.kit.cache": "asked flights truth trace shared local renewals listener popularity",
    "backend.operations": "sights presence mail_check regions slow_keeper",
    "backend.boards": "keeper",
    "backend.accounts": "followers fields",
    "backend": "worker_door",
    "backend.api": "once repeats ready alone shell conditional acts items answers figures",
    "deploy": "cluster faults soak markers",
}
GONE_NAMES = {
    *("Ground", "Witnesses", "Surroundings", "Senses", "Frame", "Shield", "Presence", "Sights"),
    *("RegionStatistics", "carried", "ask_first", "step_into", "unhurried"),
}


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(found) > 100
    return found


def test_no_folder_is_a_hall() -> None:
    """A folder with more than 25 modules hides what is in it."""
    counted = Counter(path.parent for path in modules(*FOLDERS) if path.name != "__init__.py")
    halls = {str(folder.relative_to(ROOT)): count for folder, count in counted.items() if count > MOST_MODULES}
    assert halls == {}


def test_pages_are_those_that_the_navigation_names() -> None:
    """A module of pages/ that draws when it is run is named in shell/navigation.py; all others only define."""
    source = (ROOT / "pages/shell/navigation.py").read_text()
    named = set(re.findall(r'"((?:\w+/)?\w+\.py)"', source))
    assert {file for file, _roles in navigation.PATHS.values()} <= named
    drawing = {str(path.relative_to(ROOT / "pages")) for path in modules("pages") if _draws(path)}
    assert drawing - {"_frame.py"} <= named
    assert all((ROOT / "pages" / file).exists() for file in named)


def _draws(path: Path) -> bool:
    """Whether running the file calls something, beyond its docstring and definitions."""
    body = ast.parse(path.read_text()).body
    return any(isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in body)


def test_no_old_module_is_back() -> None:
    """None of the modules that the new layout renamed or joined exists."""
    back = []
    for package, names in GONE.items():
        folder = ROOT / package.replace(".", "/")
        back += [f"{package}.{name}" for name in names.split() if (folder / f"{name}.py").exists()]
    assert back == []
    assert [path.name for path in (ROOT / "pages").glob("_*.py") if path.name not in ("__init__.py", "_frame.py")] == []


def test_no_old_name_is_back() -> None:
    """No class, function or argument has a name of LAYOUT's left column."""
    back = []
    for path in modules("backend", "pages", "system_tests"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "name", None) or getattr(node, "arg", None)
            if isinstance(name, str) and name in GONE_NAMES:
                back.append(f"{path.relative_to(ROOT)}: {name}")
    assert back == []


QUESTION = re.compile(r'^ *(?:"""|#) ?(?:What|Who|Where|Whoever|Whose|Whatever)\b')


def test_docstrings_state_facts() -> None:
    """Docstrings and comments begin with their subject, not with a question word."""
    lines = [line for path in modules("backend", "pages", "system_tests") for line in path.read_text().splitlines()]
    assert [line for line in lines if QUESTION.match(line)] == []


def test_no_two_classes_have_one_name() -> None:
    """A class of the product is known by its name alone."""
    named: dict[str, list[str]] = {}
    for path in modules("backend", "pages"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                named.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in named.items() if len(paths) > 1} == {}
