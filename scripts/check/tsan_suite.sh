#!/usr/bin/env bash
# The harness itself under ThreadSanitizer: the unit tests and the end-to-end tests with driver, child, CPython and NumPy
# instrumented. Prints what ran, what did not and why, and whose the races are that were reported. Ours are bugs: nothing
# of our own is suppressed. An hour on two cores; not part of the gate.
# usage: scripts/check/tsan_suite.sh [NAME]...     after scripts/setup.sh --with tsan; names as of tests/e2e/test_NAME.py
. "$(dirname "$0")/../setup/lib.sh"

suite=$build/child-tsan
[ -e "$build/bin/ftstress-child-tsan" ] || die "there is no instrumented child; run scripts/setup.sh --with tsan first."

# The tests look for the two programs, and for venvs by their names: these have the instrumented NumPy, and SciPy as a
# stock wheel, which nothing is expected of but that it runs.
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
