"""Calls made at the same moment, for the rules that must hold then as well."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from backend.errors import AppError


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returns, in order, or the AppError it raised; every other error is raised here."""
    gate = Barrier(len(calls))

    def wait_and(call: Callable[[], Any]) -> Any:
        gate.wait(60)
        try:
            return call()
        except AppError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and, calls))
