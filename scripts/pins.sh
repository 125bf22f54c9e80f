#!/bin/sh
# Pins requirements.txt and requirements-dev.txt from their .in files; no host and no path of this machine gets in.
# Usage: scripts/pins.sh PYTHON [--upgrade]
set -eu
python=$1
shift
tools=.tools/pins
[ -x "$tools/bin/pip-compile" ] || { "$python" -m venv "$tools" && "$tools/bin/pip" install --quiet pip-tools; }
for name in requirements requirements-dev; do
    "$tools/bin/pip-compile" --quiet --strip-extras --no-header --no-annotate --no-emit-index-url \
        --no-emit-find-links --no-emit-trusted-host --no-emit-options "$@" --output-file "$name.txt" "$name.in"
    # It leaves out what only another system wants: such lines are taken as they stand.
    grep '; sys_platform == "darwin"' "$name.in" | while read -r line; do
        grep -qF "${line%%;*}" "$name.txt" || echo "$line" | sed "s/; / ; /" >>"$name.txt"
    done
done
if grep -nE '(file|https?)://|^-|^ +-' requirements.txt requirements-dev.txt; then
    echo "A pinned file names a place: only names and versions belong there." >&2
    exit 1
fi
