#!/usr/bin/env bash
# Makes everything that the demo and the tests need: Debian packages, a free-threaded CPython, the venvs of the first bug
# (somersd), and the two programs. Running it again is safe, and takes seconds when everything is there.
# usage: scripts/setup.sh [gate] [--with NAME]...
#   gate          adds the packages of the checks that the tests run
#   --with NAME   adds the set-up of a scenario: build/venvs/NAME-broken and build/venvs/NAME-fixed, or build/venvs/NAME
. "$(dirname "$0")/setup/lib.sh"

. scripts/setup/venv.sh

usage() {
    sed -n '2,/^\. /s/^# \{0,1\}//p' scripts/setup.sh
    printf '\nset-ups for --with:\n'
    scripts/setup/with.sh --list
    printf '  %-18s %s\n' tsan "what \`ftstress run --tsan\` needs (a quarter of an hour the first time)"
}

gate='' with=()
while [ $# -gt 0 ]; do
    case $1 in
    gate) gate=gate ;;
    --with) [ $# -gt 1 ] || die "--with needs the name of a set-up; see scripts/setup.sh --help"; with+=("$2"); shift ;;
    --with=*) with+=("${1#--with=}") ;;
    -h | --help) usage; exit 0 ;;
    *) die "unknown argument '$1'; see scripts/setup.sh --help" ;;
    esac
    shift
done

scripts/setup/packages.sh $gate
python=$(scripts/setup/interpreter.sh)
abi=$("$python" -I -c 'import sys, sysconfig; print("%d.%d%s" % (*sys.version_info[:2], "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))')
say "interpreter: $python ($abi)"
if [ "$abi" = 3.13t ]; then
    for pins in scripts/setup/pins/*.txt; do
        make_venv "$(basename "$pins" .txt)" "$pins" "$python"
    done
    headers=$build/venvs/numpy-2.2.6/bin/python
else
    say "the pinned wheels are for 3.13t, so no venvs are made for $abi; $python must have NumPy's headers"
    headers=$python
fi

if [ ! -e "$build/build.ninja" ] || [ "$(cat "$build/.python" 2>/dev/null)" != "$python" ]; then
    step "configuring the build" "Remove build/ and run this again." cmake -S . -B "$build" -G Ninja \
        -DFTSTRESS_PYTHON="$python" -DFTSTRESS_NUMPY_PYTHON="$headers"
    printf '%s\n' "$python" >"$build/.python"
fi
step "building ftstress and ftstress-child" "If the tree is unchanged, remove build/ and run this again." cmake --build "$build"

# Build the child for an interpreter with the GIL again, if it was built before.
[ ! -e "$build/gil/.python" ] || scripts/setup/child_gil.sh "$(cat "$build/gil/.python")"
for name in "${with[@]}"; do
    if [ "$name" = tsan ]; then scripts/setup/tsan.sh; else scripts/setup/with.sh "$name"; fi
done
