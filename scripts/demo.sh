#!/usr/bin/env bash
# From a fresh clone to a report: finds the somersd race of NumPy 2.2.2, and reports which package has the bug. The same
# run on NumPy 2.2.6, where the bug is fixed, must find nothing.
# usage: scripts/demo.sh [SECONDS]
. "$(dirname "$0")/setup/lib.sh"

time=${1:-20}
scripts/setup.sh

# run VENV EXPECTED-STATUS
run() {
    local status=0
    say "ftstress run somersd -p build/venvs/$1 --time $time"
    build/bin/ftstress run somersd -p "build/venvs/$1" --time "$time" --out build/demo --json "build/demo/$1.json" || status=$?
    [ "$status" -eq "$2" ] || die "the run on $1 ended with status $status, not $2; run build/bin/ftstress doctor -p build/venvs/$1"
}

mkdir -p build/demo
run numpy-2.2.6 0
run numpy-2.2.2 1
say "found on NumPy 2.2.2, silent on 2.2.6; the reports are in build/demo/*.json"
