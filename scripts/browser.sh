#!/bin/sh
# Makes sure that the tests find a browser: one on PATH, else Playwright's own, else the system's package.
# Usage: scripts/browser.sh PYTHON
set -eu
python=$1

on_path() {
    for name in chromium chromium-browser google-chrome; do
        # Ubuntu's chromium-browser may be a mere pointer to a snap, so it has to answer.
        if command -v "$name" >/dev/null 2>&1 && "$name" --version >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

playwright_starts() {
    "$python" - >/dev/null 2>&1 <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    playwright.chromium.launch(args=["--no-sandbox"]).close()
PYTHON
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

from_playwright() {
    echo "No Chromium on PATH: trying Playwright's …"
    timeout 600 "$python" -m playwright install chromium || return 1
    playwright_starts && return 0
    as_root timeout 600 "$(command -v "$python")" -m playwright install-deps chromium && playwright_starts
}

from_system() {
    echo "Trying the system's package chromium …"
    as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium' && on_path
}

if on_path || playwright_starts || from_playwright || from_system; then exit 0; fi
echo "The browser tests need a Chromium: install one so that the command chromium or google-chrome works." >&2
exit 1
