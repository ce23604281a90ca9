#!/usr/bin/env bash
# Prints benchmark tables; never part of the tests. Numbers are ratios of runs that take turns on one machine.
# usage: scripts/bench.sh throughput [ROUNDS] | soak [MINUTES] | hits [RUNS] |
#        heap [ROUNDS] [--only numpy,churn,checker,matrix] [--arms glibc,guard,...]
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
heap)
    scripts/setup/packages.sh bench
    scripts/setup.sh
    shift
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/heap.py "$@"
    ;;
*)
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
    ;;
esac
