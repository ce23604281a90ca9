#!/usr/bin/env bash
# Prints benchmark tables; never part of the tests. Numbers are ratios of runs that take turns on one machine.
# usage: scripts/bench.sh throughput [ROUNDS] | soak [MINUTES] | hits [RUNS] |
#        heap [ROUNDS] [--only numpy,churn,checker,matrix] [--arms glibc,guard,...] |
#        detect [--runs N] [--time SECONDS] [--only BUGS] [--tools TOOLS]
. "$(dirname "$0")/setup/lib.sh"

case ${1:-} in
throughput)
    scripts/setup.sh
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/throughput.py "${2:-5}"
    ;;
soak)
    scripts/setup.sh
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/soak.py "${2:-10}"
    ;;
hits)
    scripts/setup.sh
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/hits.py "${2:-30}"
    ;;
detect)
    scripts/setup.sh
    pins=scripts/bench/detect.txt packages=$build/bench/detect
    if ! cmp -s "$pins" "$packages/pins.txt"; then
        rm -rf "$packages"
        step "installing what detect compares with" "Check that pip can reach the package index." \
            "$(scripts/setup/interpreter.sh)" -m pip install --disable-pip-version-check --only-binary=:all: --no-deps \
            --require-hashes --target "$packages" -r "$pins"
        cp "$pins" "$packages/pins.txt"
    fi
    shift
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/detect.py "$@"
    ;;
heap)
    scripts/setup/packages.sh bench
    scripts/setup.sh
    shift
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/heap.py "$@"
    ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
