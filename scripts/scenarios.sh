#!/usr/bin/env bash
# Runs the scenarios of leaks and shutdown on their broken and their fixed sides, several times each. Prints how many runs
# ended with the expected status and sentence, and fails if one did not. Makes the set-ups that are missing.
# usage: scripts/scenarios.sh [-n N] [NAME...]     N runs of each row (10); only rows with a scenario or venv that begins
#                                                  with a NAME
. "$(dirname "$0")/setup/lib.sh"

# scenario | venv | exit status | pattern that the report must match (empty: any report) | environment | options
# "import M" is a statement that imports M again and again. Imports, and loops on NumPy 2.2.6, run with the detectors that
# count.
table='
descr-leak               | descr-leak-broken        | 1 | never released: dtype .* gains 1\.00 references .* np\.copyto |
descr-leak               | descr-leak-fixed         | 0 | |
pythran-view             | pythran-view-broken      | 1 | [a-z]* in each call: 2\.00 slice, 1\.00 tuple | PYTHON_GIL=0
pythran-view             | pythran-view-fixed       | 0 | |
pythran-view-copy        | pythran-view-broken      | 0 | | PYTHON_GIL=0
pythran-buffer           | pythran-buffer-broken    | 1 | [a-z]* in each call: 16384\.0 bytes of native memory | PYTHON_GIL=0
pythran-buffer           | pythran-buffer-fixed     | 0 | | PYTHON_GIL=0
wasi-nn                  | wasi-nn                  | 0 | |
wasi-nn-double-release   | wasi-nn                  | 1 | released too often: model \(object\) loses 1\.00 |
wasi-nn-borrowed-release | wasi-nn                  | 1 | first \(int\) loses 1\.00 references |
wasi-nn-lost-string      | wasi-nn                  | 1 | graph_load \(wasi_nn\) loses in each call: 1\.00 str |
wasi-nn-uninitialised    | wasi-nn                  | 1 | model \(object\) loses 1\.00 |
wasi-nn-early-return     | wasi-nn                  | 1 | graph_compute \(wasi_nn\) loses in each call: .*1\.00 list |
wasi-nn-unattached       | wasi-nn                  | 1 | Segmentation fault .*unattached |
wasi-nn-crash            | wasi-nn                  | 1 | Segmentation fault .*double_release |
nanobind-lose            | nanobind-shutdown        | 1 | [a-z]* in each call: 1\.00 nb_toy\.Item |
nanobind-hold            | nanobind-shutdown        | 0 | |
nanobind-clear           | nanobind-shutdown        | 0 | |
nanobind-jaxlib          | nanobind-shutdown-broken | 1 | nanobind counts, after Python.s end, .* PyTreeDef |
nanobind-jaxlib          | nanobind-shutdown-fixed  | 0 | process-lifetime-floor: .* [0-9]{3,} jaxlib\.xla_extension\.pytree\.PyTreeDef |
jax-retention            | jax-retention            | 1 | keeps for each new call, also after .*4\.00 jaxlib\._jax\.pytree\.PyTreeDef,.* held: jaxlib\._jax\.pytree\.PyTreeDef <- a JitGlobalCppCacheKeys |
numba-growth             | numba-growth             | 0 | jit-growth: 4\.0 KiB of code |
llvmlite-growth          | llvmlite-growth          | 0 | jit-growth: 4\.0 KiB of code |
null                     | numpy-2.2.6              | 0 | |
strided                  | numpy-2.2.6              | 0 | |
strided-ufunc            | numpy-2.2.6              | 0 | |
repeat                   | numpy-2.2.6              | 0 | |
import numpy             | numpy-2.2.6              | 0 | |
import scipy.stats       | numpy-2.2.6              | 0 | |
import numpy             | descr-leak-broken        | 0 | |
import pythran_view      | pythran-view-broken      | 0 | | PYTHON_GIL=0
import pythran_buffer    | pythran-buffer-broken    | 0 | | PYTHON_GIL=0
import wasi_nn           | wasi-nn                  | 0 | |
import nb_toy            | nanobind-shutdown        | 0 | |
import jaxlib            | nanobind-shutdown-fixed  | 0 | |
import jax               | jax-retention            | 0 | |
import numba             | numba-growth             | 0 | |
import llvmlite.binding  | llvmlite-growth          | 0 | |
pythran-buffer           | pythran-buffer-broken    | 1 | [a-z]* in each call: 16384\.0 bytes of memory | PYTHON_GIL=0 | --under valgrind
pythran-buffer           | pythran-buffer-fixed     | 0 | left at the end | PYTHON_GIL=0 | --under valgrind
numba-growth             | numba-growth             | 0 | jit-growth: 4\.0 KiB of code | | --under valgrind --time 1m
llvmlite-growth          | llvmlite-growth          | 0 | jit-growth: 4\.0 KiB of code | | --under valgrind
'

runs=10
[ "${1:-}" != -n ] || { runs=${2:?-n needs the number of runs}; shift 2; }
wanted=("$@")
out=$build/scenarios
mkdir -p "$out"

# is_wanted SCENARIO VENV: true if a NAME of the command line selects the row.
is_wanted() {
    local name
    [ ${#wanted[@]} -gt 0 ] || return 0
    for name in "${wanted[@]}"; do
        [[ $1 != "$name"* && $2 != "$name"* ]] || return 0
    done
    return 1
}

# Prints the name of the set-up that makes a venv.
setup_of() {
    local name=${1%-broken}
    printf '%s\n' "${name%-fixed}"
}

# as_expected SCENARIO VENV STATUS PATTERN ENVIRONMENT OPTIONS: makes one run; true if status and report are as expected.
as_expected() {
    local status=0 log=$out/${1// /-}-$2${6:+-under}.txt plan=("$1") options
    read -ra options <<<"${6:-}"
    [[ $1 != import\ * ]] || plan=(-s pass "$1")
    [[ $1 != import\ * && $2 != numpy-* ]] || plan+=(--detect growth,refcount,shutdown --time 3)
    plan+=("${options[@]}")
    env ${5:+"$5"} build/bin/ftstress run "${plan[@]}" -p "build/venvs/$2" --verify 0 --out "$out/kept" >"$log" 2>&1 || status=$?
    [ "$status" -eq "$3" ] && { [ -z "$4" ] || grep -Eq -- "$4" "$log"; } && return 0
    mv "$log" "$log.failed"
    return 1
}

failed=0
printf '%-25s %-25s %-8s %-12s %s\n' scenario venv expected 'as expected' seconds
while IFS='|' read -r scenario venv status pattern environment options; do
    read -r scenario <<<"$scenario"
    read -r venv <<<"$venv"
    read -r pattern <<<"$pattern"
    read -r environment <<<"$environment"
    read -r options <<<"$options"
    [ -n "$scenario" ] && is_wanted "$scenario" "$venv" || continue
    [ -e "$build/venvs/$venv" ] || scripts/setup/with.sh "$(setup_of "$venv")"
    good=0 began=$SECONDS
    for ((i = 0; i < runs; i++)); do
        ! as_expected "$scenario" "$venv" "$((status))" "$pattern" "$environment" "$options" || good=$((good + 1))
    done
    printf '%-25s %-25s exit %-3s %2d of %-6d %d each %s\n' "$scenario" "$venv" "$((status))" "$good" "$runs" \
        $(((SECONDS - began) / runs)) "$options"
    [ "$good" -eq "$runs" ] || failed=1
done <<<"$table"
say "build/scenarios has the report of the last run of each row; *.failed is the report of a run that failed"
exit $failed
