#!/bin/sh
# Prints the Python that the project runs on (3.11 or newer), or says in one sentence what is missing.
set -eu

for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        if ! "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            echo "$candidate cannot make virtual environments: install its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2
            exit 1
        fi
        echo "$candidate"
        exit 0
    fi
done
found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "none")
echo "Python 3.11 or newer is needed (found: $found): install it, or name it with make PYTHON=/path/to/python3.11." >&2
exit 1
