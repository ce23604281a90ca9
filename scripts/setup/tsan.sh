#!/usr/bin/env bash
# Makes what `ftstress run --tsan` needs: clang 19 with its runtime, and CPython, NumPy 2.2.2, NumPy 2.2.6 and
# ftstress-child instrumented with ThreadSanitizer. The sources stay in the cache, because stacks of reports name them.
# Takes 15 minutes on two cores the first time, and seconds when everything is in the cache.
. "$(dirname "$0")/lib.sh"
. scripts/setup/python_source.sh

home=$cache/tsan
prefix=$home/python-3.13t
python=$prefix/bin/python3.13t
flags='-g -O1 -fno-omit-frame-pointer'
# Do not report races of CPython and the build tools during the build.
export TSAN_OPTIONS=report_bugs=0:exitcode=0
export CC=clang-19 CXX=clang++-19
unset DEBUGINFOD_URLS

configure_python() {
    cd "$1" && ./configure --disable-gil --with-thread-sanitizer --enable-shared --prefix="$prefix" --with-ensurepip=no --disable-test-modules \
        LDFLAGS="-Wl,-rpath,$prefix/lib" CFLAGS="$flags"
}

make_python() {
    local src=$home/src/python-3.13
    [ ! -e "$prefix/.complete" ] || return 0
    rm -rf "$prefix" "$src"
    mkdir -p "$src"
    work=$(mktemp -d "$home/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    step "instrumented Python: fetching the source package" "Check the network, and that the machine's package mirror has trixie." fetch_source "$work"
    step "instrumented Python: unpacking" "Check the free space of the disk." tar -xf "$work"/python3.13_*.orig.tar.xz -C "$src" --strip-components=1
    step "instrumented Python: configure" "Run scripts/setup/packages.sh first." configure_python "$src"
    step "instrumented Python: make (2 to 5 minutes)" "See the log." make -C "$src" -j"$jobs"
    step "instrumented Python: install into the cache" "Check the free space of the disk." make -C "$src" install COMPILEALL_OPTS="-q -r 0"
    find "$src" \( -name '*.o' -o -name '*.a' -o -name '*.so*' -o -name '*.pyc' \) -type f -delete
    touch "$prefix/.complete"
}

# The plain interpreter builds NumPy, because it has the same ABI: under ThreadSanitizer Cython and meson take ten times as
# long.
make_tools() {
    local dir=$home/tools pins=scripts/setup/pins/tsan/build.txt plain want
    plain=$(scripts/setup/interpreter.sh)
    want=$(printf '%s\n' "$plain"; cat "$pins")
    [ "$(cat "$dir/.stamp" 2>/dev/null)" != "$want" ] || return 0
    rm -rf "$dir"
    step "build tools of NumPy: creating a venv" "Check that $plain has ensurepip." "$plain" -m venv "$dir"
    step "build tools of NumPy: installing pinned wheels" "Check that pip can reach the package index." \
        pip install --only-binary=:all: --require-hashes -r "$pins"
    printf '%s\n' "$want" >"$dir/.stamp"
}

pip() { PATH=$home/tools/bin:$PATH "$home/tools/bin/python" -m pip --disable-pip-version-check "$@"; }

# pip unpacks the source below TMPDIR and leaves it there, because stacks of reports name its files.
build_wheel() {
    TMPDIR=$1 pip wheel --no-clean --no-binary numpy --require-hashes -r "scripts/setup/pins/tsan/numpy-$2.txt" --wheel-dir "$home/wheels/numpy-$2" \
        --no-deps --no-build-isolation && rm -rf "$1"/pip-*/numpy_*/build
}

make_wheel() {
    local version=$1 src=$home/src/numpy-$1 wheels=$home/wheels/numpy-$1
    [ ! -e "$wheels/.complete" ] || return 0
    rm -rf "$src" "$wheels"
    mkdir -p "$src" "$wheels"
    step "instrumented NumPy $version: building from source (3 to 8 minutes)" "Check that pip can reach the package index; otherwise see the log." \
        build_wheel "$src" "$version"
    touch "$wheels/.complete"
}

make_venv() {
    local version=$1 dir=$build/venvs/tsan-numpy-$1
    [ "$(cat "$dir/.stamp" 2>/dev/null)" != "$python" ] || return 0
    rm -rf "$dir"
    step "venv tsan-numpy-$version: creating" "Remove $home and run the script again." "$python" -m venv --without-pip "$dir"
    # A wheel is a zip file of the files in site-packages; unpacking it is faster than pip.
    step "venv tsan-numpy-$version: unpacking the wheel" "Remove $home/wheels and run the script again." \
        "$home/tools/bin/python" -m zipfile -e "$home/wheels/numpy-$version"/*.whl "$dir/lib/python3.13t/site-packages"
    printf '%s\n' "$python" >"$dir/.stamp"
}

make_child() {
    local dir=$build/child-tsan
    if [ ! -e "$dir/build.ninja" ]; then
        step "ftstress-child-tsan: configuring" "Remove build/child-tsan and run the script again." cmake -S . -B "$dir" -G Ninja \
            -DFTSTRESS_SANITIZE=thread -DFTSTRESS_CHILD=ON -DFTSTRESS_PYTHON="$python" \
            -DFTSTRESS_NUMPY_PYTHON="$build/venvs/tsan-numpy-2.2.6/bin/python"
    fi
    step "ftstress-child-tsan: building" "If the tree is unchanged, remove build/child-tsan and run the script again." cmake --build "$dir"
    mkdir -p "$build/bin" "$build/share/tsan"
    ln -sfn ../child-tsan/bin/ftstress-child-tsan "$build/bin/ftstress-child-tsan"
    cp "$home/src/python-3.13/Tools/tsan/suppressions_free_threading.txt" "$build/share/tsan/cpython.txt"
}

scripts/setup/packages.sh tsan
mkdir -p "$home"
make_python
make_tools
for version in 2.2.2 2.2.6; do
    make_wheel "$version"
    make_venv "$version"
done
make_child
