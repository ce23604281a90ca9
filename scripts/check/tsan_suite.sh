#!/usr/bin/env bash
# Runs the unit tests and the end-to-end tests under ThreadSanitizer: driver, child, CPython and NumPy are instrumented.
# Prints the results, the reasons of skipped tests, and the number of races by owner. A race of the harness is a bug; none
# is suppressed. Takes an hour on two cores; not part of the gate.
# usage: scripts/check/tsan_suite.sh [NAME]...     after scripts/setup.sh --with tsan; NAME is that of tests/e2e/test_NAME.py
. "$(dirname "$0")/../setup/lib.sh"

suite=$build/child-tsan
[ -e "$build/bin/ftstress-child-tsan" ] || die "the instrumented child is missing; run scripts/setup.sh --with tsan first."

# make_suite_venv NAME: makes a venv with the name that the tests expect, with the instrumented NumPy and a stock SciPy, which
# must only run.
make_suite_venv() {
    local name=$1 dir=$suite/venvs/$1 package
    rm -rf "$dir"
    cp -a "$build/venvs/tsan-$name" "$dir"
    for package in "$build/venvs/$name"/lib/python3.13t/site-packages/scipy*; do
        ln -s "$package" "$dir/lib/python3.13t/site-packages/"
    done
    ln -sfn "$build/venvs/tsan-$name" "$suite/venvs/tsan-$name"
}

arrange() {
    cmake --build "$suite" && ln -sfn ftstress-child-tsan "$suite/bin/ftstress-child" && ln -sfn . "$suite/child-tsan" &&
        ln -sfn "$build/share/tsan" "$suite/share/tsan" &&
        mkdir -p "$suite/venvs" && make_suite_venv numpy-2.2.2 && make_suite_venv numpy-2.2.6
}

step "building the instrumented programs" "See the errors above." arrange
exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/check/tsan_suite.py "$suite" "$@"
