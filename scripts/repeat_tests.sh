#!/bin/sh
# Runs `make test` several times and says how often it failed, where, and how long each run took.
# Usage: scripts/repeat_tests.sh N [--busy]    (--busy: two busy loops beside it, for as long as it runs)
set -eu
cd "$(dirname "$0")/.."
runs=${1:?Usage: scripts/repeat_tests.sh N [--busy]}
folder=$(mktemp -d)
loops=""

finish() {
    for loop in $loops; do kill "$loop" 2>/dev/null || true; done
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ "${2:-}" = "--busy" ]; then
    for _ in 1 2; do
        # Each ends by itself after 30 minutes for each run, should this script be killed.
        timeout $((runs * 1800)) sh -c 'while :; do :; done' &
        loops="$loops $!"
    done
fi

failed=0
run=1
while [ "$run" -le "$runs" ]; do
    log="$folder/$run.log"
    before=$(date +%s)
    if make test >"$log" 2>&1; then outcome=passed; else outcome=FAILED failed=$((failed + 1)); fi
    echo "run $run: $outcome after $(($(date +%s) - before)) s: $(tail -n 1 "$log")"
    grep -a -E '^(FAILED|ERROR) ' "$log" || true
    run=$((run + 1))
done
echo "$failed of $runs runs failed; what they said is in $folder"
[ "$failed" -eq 0 ]
