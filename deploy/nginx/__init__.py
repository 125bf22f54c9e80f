"""The nginx that stands in front of the processes: its configuration, written from their addresses.

Which process a page stays with, what is tried when one dies, and what may be kept stands in nginx.conf.template.
"""

import ipaddress
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/etc/nginx/modules"))
BROTLI = "ngx_http_brotli_filter_module.so"
MISSING = "There is no nginx on this machine. Debian, Ubuntu: apt-get install nginx libnginx-mod-http-brotli-filter"
COMPRESSED = "application/json application/javascript text/javascript text/css text/plain image/svg+xml font/ttf"
AWAY = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=5>"
    '<meta name=viewport content="width=device-width"><title>Back in a moment</title>'
    "<style>body{font:1.125rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem;"
    "background:#FBFAF7;color:#1F2A28}h1{font-size:1.75rem}"
    "@media(prefers-color-scheme:dark){body{background:#121917;color:#E8EDE9}}</style>"
    "<main><h1>Back in a moment</h1><p>The school cannot be reached just now. What you saved is safe. "
    "This page looks again every five seconds by itself.</p></main></html>"
)


# A server that refuses twice within a second is left out for one second: less than DRAIN_SECONDS, so that in a rolling
# restart of two servers the first is used again before the second stops.
TRIED = "max_fails=2 fail_timeout=1s"


class _Template(Template):
    """Placeholders begin with %, because nginx writes its own variables with $."""

    delimiter = "%"


@dataclass(frozen=True)
class Tls:
    """The certificate with its chain, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Front:
    """Settings of nginx. Addresses are HOST:PORT, with an IP address if pages have to stay with their process."""

    folder: Path
    web: Mapping[str, str]
    api: Sequence[str] = ()
    listen: str = "443"
    tls: Tls | None = None
    names: Sequence[str] = ()
    http_listen: str = ""
    workers: str = "auto"
    connections: int = 8192
    patience: str = "10m"
    idle_seconds: float = 3.0  # less than the 5 s after which the app closes an idle connection
    cache_size: str = "200m"
    access_log: str = ""
    error_log: str = ""
    user: str = ""

    def text(self) -> str:
        """The configuration. Raises ValueError for names and addresses that would not fit in."""
        self._check()
        modules = _brotli_modules()
        words = {
            "modules": "\n".join(f"load_module {each};" for each in modules),
            "user": f"user {self.user};" if self.user else "# Its workers run as the user that nginx was built for.",
            "workers": self.workers,
            "folder": str(self.folder),
            "error_log": self.error_log or str(self.folder / "error.log"),
            "access_log": self.access_log or str(self.folder / "access.log"),
            "patience": self.patience,
            "connections": str(self.connections),
            "compressed": COMPRESSED,
            "brotli": _brotli() if modules else "    # This machine has no brotli module for nginx.",
            "choices": _lines(8, (f"{name} web_{name};" for name in self.web)),
            "names": _lines(8, (f'"~(^|[, ]){_escaped(address)}$" {name};' for name, address in self.web.items())),
            "secure": "; Secure" if self.tls else "",
            "upstreams": self._upstreams(),
            "cache_size": self.cache_size,
            "redirect": self._redirect(),
            "listen": f"{self.listen} ssl http2" if self.tls else self.listen,
            "tls": _tls(self.tls) if self.tls else "        # Without a certificate: for trials alone.",
            "server_names": " ".join(self.names) or "_",
            "strangers": self._strangers(),
            "away_page": AWAY,
        }
        template = (Path(__file__).parent / "nginx.conf.template").read_text()
        return _Template(template).substitute(words)

    def _check(self) -> None:
        if not self.web:
            raise ValueError("at least one web process is needed")
        for name in (*self.web, *self.names):
            if not name.replace("-", "").replace(".", "").replace("*", "").isalnum():
                raise ValueError(f"{name!r} is no name")
        for address in (*self.web.values(), *self.api):
            host, _colon, port = address.rpartition(":")
            if not (host and port.isdigit()):
                raise ValueError(f"{address!r} is no HOST:PORT")
        for address in self.web.values():
            ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))

    def _upstreams(self) -> str:
        """Every page process with the others behind it, all of them together, and the API with pages behind it."""
        everyone, rest = list(self.web.values()), self._rest()
        parts = [_upstream("web_any", everyone, (), rest, least=True)]
        for name, own in self.web.items():
            parts.append(_upstream(f"web_{name}", [own], [each for each in everyone if each != own], rest))
        parts.append(_upstream("api", self.api or everyone, everyone if self.api else (), rest, least=True))
        return "\n".join(parts)

    def _rest(self) -> str:
        """A write must not meet a connection that the app is just closing."""
        return f"keepalive_timeout {self.idle_seconds * 1000:.0f}ms;"

    def _redirect(self) -> str:
        if not self.http_listen:
            return ""
        return (
            f"    server {{\n        listen {self.http_listen} default_server;\n"
            "        return 308 https://$host$request_uri;\n    }\n"
        )

    def _strangers(self) -> str:
        """Refuses other names than those that are given."""
        if not self.names:
            return ""
        hosts = "|".join(_escaped(name).replace("*", ".+") for name in self.names)
        return f'        if ($host !~ "^({hosts})$") {{\n            return 421;\n        }}\n'


def program() -> Path:
    """The nginx of this machine. Raises FileNotFoundError with a sentence that says how to get one."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError(MISSING)
    return Path(found)


def has_brotli() -> bool:
    """Whether this machine's nginx can pack with brotli."""
    return bool(_brotli_modules())


def _upstream(name: str, first: Iterable[str], then: Iterable[str], rest: str, *, least: bool = False) -> str:
    servers = [f"server {each} {TRIED};" for each in first]
    servers += [f"server {each} {TRIED} backup;" for each in then]
    shared = ["zone " + name + " 128k;", *(["least_conn;"] if least else [])]
    return f"    upstream {name} {{\n{_lines(8, [*shared, *servers, 'keepalive 32;', rest])}\n    }}"


def _tls(tls: Tls) -> str:
    return _lines(
        8,
        (
            f"ssl_certificate {tls.certificate};",
            f"ssl_certificate_key {tls.key};",
            "ssl_protocols TLSv1.2 TLSv1.3;",
            "ssl_session_cache shared:tls:10m;",
            "ssl_session_timeout 1d;",
            "ssl_session_tickets off;",
            "ssl_prefer_server_ciphers off;",
            "ssl_buffer_size 4k;",
        ),
    )


def _brotli() -> str:
    return _lines(4, ("brotli on;", "brotli_comp_level 4;", "brotli_min_length 1024;", f"brotli_types {COMPRESSED};"))


def _brotli_modules() -> list[Path]:
    """The module that packs answers, where it is installed."""
    return next(([folder / BROTLI] for folder in MODULES if (folder / BROTLI).exists()), [])


def _escaped(text: str) -> str:
    return text.replace(".", r"\.").replace("[", r"\[").replace("]", r"\]")


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)
