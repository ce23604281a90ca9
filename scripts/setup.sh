#!/usr/bin/env bash
# Makes everything that the demo and the tests need: packages, a free-threaded CPython, the venvs of the
# seed bug, and the two programs. Idempotent; seconds when everything is there.
# usage: scripts/setup.sh [gate] [--with tsan]     "gate" adds the packages of the checks that the tests run, "--with tsan"
#                                                  what ThreadSanitizer needs (half an hour the first time)
. "$(dirname "$0")/lib.sh"

# A venv is made anew when its pins or its interpreter change: both are written into its stamp.
make_venv() {
    local name=$1 dir=$build/venvs/$1 pins=scripts/venvs/$1.txt want
    want=$(printf '%s\n' "$python"; cat "$pins")
    [ "$(cat "$dir/.stamp" 2>/dev/null)" != "$want" ] || return 0
    rm -rf "$dir"
    step "venv $name: creating" "Does $python have ensurepip?" "$python" -m venv "$dir"
    step "venv $name: installing pinned wheels" "Is the package index reachable with pip?" \
        "$dir/bin/python" -m pip install --disable-pip-version-check --only-binary=:all: --require-hashes -r "$pins"
    printf '%s\n' "$want" >"$dir/.stamp"
}

scripts/packages.sh "$@"
python=$(scripts/interpreter.sh)
abi=$("$python" -I -c 'import sys, sysconfig; print("%d.%d%s" % (*sys.version_info[:2], "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))')
say "interpreter: $python ($abi)"
if [ "$abi" = 3.13t ]; then
    for pins in scripts/venvs/*.txt; do
        make_venv "$(basename "$pins" .txt)"
    done
    headers=$build/venvs/numpy-2.2.6/bin/python
else
    say "the pinned wheels of the seed bugs are for 3.13t: no venvs for $abi; NumPy's headers must come with $python"
    headers=$python
fi

if [ ! -e "$build/build.ninja" ] || [ "$(cat "$build/.python" 2>/dev/null)" != "$python" ]; then
    step "configuring the build" "Remove build/ and run this again." cmake -S . -B "$build" -G Ninja \
        -DFTSTRESS_PYTHON="$python" -DFTSTRESS_NUMPY_PYTHON="$headers"
    printf '%s\n' "$python" >"$build/.python"
fi
step "building ftstress and ftstress-child" "If the tree is unchanged, remove build/ and run this again." cmake --build "$build"
[[ " $* " != *" --with tsan "* ]] || scripts/tsan.sh
