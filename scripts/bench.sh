#!/usr/bin/env bash
# Benchmarks: tables for people, never part of the tests. Numbers are ratios of runs that take turns on one machine.
# usage: scripts/bench.sh throughput [ROUNDS]
. "$(dirname "$0")/lib.sh"

case ${1:-} in
throughput)
    scripts/setup.sh
    exec "$build/venvs/numpy-2.2.6/bin/python" -B scripts/bench/throughput.py "${2:-5}"
    ;;
*)
    sed -n '2,3s/^# //p' "$0" >&2
    exit 2
    ;;
esac
