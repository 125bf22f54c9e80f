"""Traces by OpenTelemetry: what one request, page run or job did, step by step, sent to a collector by OTLP.

Off unless `begin` is called; then nothing of OpenTelemetry is imported, and a step costs one comparison. Spans hold
names and ids, never what somebody typed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

from backend.errors import Unavailable
from backend.kit.i18n import _
from backend.kit.observability import log

F = TypeVar("F", bound=Callable[..., Any])

PACKAGES = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
PATH = "/v1/traces"
SECONDS_BETWEEN, LONGEST_QUEUE = 5.0, 4096

_NOTHING: AbstractContextManager[None] = nullcontext()


class _State:
    """The objects made by `begin`; empty while traces are off."""

    tracer: Any = None
    provider: Any = None
    api: Any = None


_state = _State()


def check() -> None:
    """Raises Unavailable with the command that helps, where the packages for traces are not installed."""
    try:
        import_module("opentelemetry.sdk.trace")
        import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        words = _("TRACES_URL is set, but what sends traces is not installed: pip install {packages}")
        raise Unavailable(words.format(packages=PACKAGES)) from error


def begin(url: str, share: float, facts: Mapping[str, str]) -> None:
    """Send `share` (0 to 1) of all traces to the collector at `url` from now on, marked with `facts`. Starts a thread.

    Raises Unavailable where the packages are not installed.
    """
    check()
    sdk, sampling = import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.sdk.trace.sampling")
    export = import_module("opentelemetry.sdk.trace.export")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    resource = import_module("opentelemetry.sdk.resources").Resource.create(dict(facts))
    provider = sdk.TracerProvider(
        sampler=sampling.ParentBased(sampling.TraceIdRatioBased(share)), resource=resource, shutdown_on_exit=False
    )
    address = url if url.endswith(PATH) else url.rstrip("/") + PATH
    provider.add_span_processor(
        export.BatchSpanProcessor(
            otlp.OTLPSpanExporter(endpoint=address),
            schedule_delay_millis=SECONDS_BETWEEN * 1_000,
            max_queue_size=LONGEST_QUEUE,
        )
    )
    _state.api = import_module("opentelemetry.trace")
    _state.provider, _state.tracer = provider, provider.get_tracer("chapter-performance")


def end() -> None:
    """Send the remaining spans and stop tracing."""
    provider, _state.tracer, _state.provider = _state.provider, None, None
    if provider is not None:
        provider.shutdown()


def is_on() -> bool:
    """Whether traces are made."""
    return _state.tracer is not None


class Span:
    """One span that may be ended early, and only once."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def tell(self, name: str = "", **attributes: str | float) -> None:
        """Its name, once it is known, and what else it is about."""
        if name:
            self._span.update_name(name)
        self._span.set_attributes(attributes)

    def end(self, *, failed: bool = False) -> None:
        """End the span."""
        if not self._span.is_recording():  # ended before, or not chosen to be sent
            return
        if failed:
            self._span.set_status(_state.api.StatusCode.ERROR)
        self._span.end()


def root(name: str, **attributes: str | float) -> AbstractContextManager[Span | None]:
    """A trace of its own: one request, run or job. Log lines within it carry its trace_id. None while off."""
    return _NOTHING if _state.tracer is None else _spanned(name, attributes, is_root=True)


def step(name: str, **attributes: str | float) -> AbstractContextManager[Span | None]:
    """A part of the trace under way; nothing outside one."""
    return _NOTHING if not _is_within() else _spanned(name, attributes, is_root=False)


def opened(name: str, **attributes: str | float) -> Span | None:
    """A step that somebody else ends, such as the listener of a driver; None outside a trace."""
    if not _is_within():
        return None
    return Span(_state.tracer.start_span(name, kind=_state.api.SpanKind.CLIENT, attributes=attributes))


def stepped(name: str, function: F) -> F:
    """`function` as a step of whatever trace it is called in."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with step(name):
            return function(*args, **kwargs)

    return called  # type: ignore[return-value]  # the same signature, by wraps


@contextmanager
def _spanned(name: str, attributes: Mapping[str, str | float], *, is_root: bool) -> Iterator[Span]:
    api = _state.api
    context = import_module("opentelemetry.context").Context() if is_root else None
    raw = _state.tracer.start_span(name, context=context, attributes=dict(attributes))
    span = Span(raw)
    trace_id = f"{raw.get_span_context().trace_id:032x}"
    with api.use_span(raw, end_on_exit=False), log.about(trace_id=trace_id) if is_root else _NOTHING:
        try:
            yield span
        except BaseException as error:
            # By its kind alone: the words of an exception may hold what somebody typed.
            raw.set_attribute("error.type", type(error).__name__)
            span.end(failed=isinstance(error, Exception))
            raise
        finally:
            span.end()


def _is_within() -> bool:
    return _state.tracer is not None and _state.api.get_current_span().is_recording()
