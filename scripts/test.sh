#!/usr/bin/env bash
# Sets up what the tests need and runs them all: the checks of the gate, the unit tests under sanitizers, then all tests on
# the real build: unit tests, planted bugs, end-to-end tests. Ends with CTest's closing line.
. "$(dirname "$0")/setup/lib.sh"

# sanitized NAME SANITIZERS: builds the harness with the sanitizers in build/NAME, and runs its unit tests.
sanitized() {
    local dir=$build/$1
    [ -e "$dir/build.ninja" ] || step "$1: configuring" "Remove build/$1 and run this again." \
        cmake -S . -B "$dir" -G Ninja -DFTSTRESS_SANITIZE="$2" -DFTSTRESS_WERROR=ON -DCMAKE_C_COMPILER=gcc
    step "$1: building" "See the errors above." cmake --build "$dir"
    step "$1: unit tests under $2" "Run ctest --test-dir build/$1 --output-on-failure to see more." \
        ctest --test-dir "$dir" -j2 --output-on-failure
}

scripts/setup.sh gate --with package --with docs
scripts/check/check.sh
sanitized asan address,undefined
sanitized tsan thread
say "all other tests, on the real build"
exec ctest --test-dir "$build" -j2 --output-on-failure
