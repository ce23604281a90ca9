#!/usr/bin/env bash
# Builds ftstress-child a second time, for an interpreter with the GIL, as build/bin/ftstress-child-X.Y. ftstress uses it
# when -p names an interpreter of that ABI. The NumPy headers of the free-threaded build serve, because they are the same.
# usage: scripts/setup/child_gil.sh PYTHON
. "$(dirname "$0")/lib.sh"

python=$1 dir=$build/gil
abi=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ ! -e "$dir/build.ninja" ] || [ "$(cat "$dir/.python" 2>/dev/null)" != "$python" ]; then
    step "child for $abi: configuring" "Remove build/gil and run this again." cmake -S . -B "$dir" -G Ninja \
        -DFTSTRESS_PYTHON="$python" -DFTSTRESS_NUMPY_PYTHON="$(sed -n 's/^FTSTRESS_NUMPY_PYTHON:[A-Z]*=//p' "$build/CMakeCache.txt")" \
        -DFTSTRESS_TESTS=OFF
    printf '%s\n' "$python" >"$dir/.python"
fi
step "child for $abi: building" "If the tree is unchanged, remove build/gil and run this again." \
    cmake --build "$dir" --target ftstress-child
install -m 755 "$dir/bin/ftstress-child" "$build/bin/ftstress-child-$abi"
