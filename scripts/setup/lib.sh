# Paths, messages and timed steps for all scripts. Sourced, never run. It changes to the top of the tree.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"
build=$top/build
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ftstress
jobs=$(nproc 2>/dev/null || echo 2)

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' red=$'\e[31m' off=$'\e[0m'
else
    bold='' red='' off=''
fi

say() { printf '%s==>%s %s\n' "$bold" "$off" "$*" >&2; }

die() {
    printf '%sfailed:%s %s\n' "$red" "$off" "$*" >&2
    exit 1
}

# step WHAT ADVICE COMMAND...: runs the command and prints its time. Keeps its output in a log; prints the end of the log
# and the advice if the command fails.
step() {
    local what=$1 advice=$2 log began
    shift 2
    mkdir -p "$build/logs"
    log=$build/logs/$(printf '%s' "$what" | tr -cs 'A-Za-z0-9.' '-' | cut -c1-60).log
    began=$SECONDS
    printf '%s==>%s %s ... ' "$bold" "$off" "$what" >&2
    if ("$@") >"$log" 2>&1 </dev/null; then
        printf 'done (%d s)\n' $((SECONDS - began)) >&2
    else
        printf '%sfailed%s\n' "$red" "$off" >&2
        tail -n 25 "$log" >&2
        die "step \"$what\" failed; the whole log is in ${log#"$top"/}. $advice"
    fi
}
