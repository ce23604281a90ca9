#!/usr/bin/env bash
# Makes what `ftstress run --tsan` needs: clang 19 with its runtime, a CPython, NumPy 2.2.2 and 2.2.6 and ftstress-child,
# all instrumented by ThreadSanitizer. The sources stay in the cache, where the stacks of reports point to.
# About 25 minutes on two cores the first time, seconds when everything is in the cache.
. "$(dirname "$0")/lib.sh"
. scripts/python-source.sh

home=$cache/tsan
prefix=$home/python-3.13t
python=$prefix/bin/python3.13t
flags='-g -O1 -fno-omit-frame-pointer'
# While things are built, the reports about CPython and the build tools are nobody's concern.
export TSAN_OPTIONS=report_bugs=0:exitcode=0
export CC=clang-19 CXX=clang++-19
unset DEBUGINFOD_URLS

configure_python() {
    cd "$1" && ./configure --disable-gil --with-thread-sanitizer --enable-shared --prefix="$prefix" --with-ensurepip=install \
        LDFLAGS="-Wl,-rpath,$prefix/lib" CFLAGS="$flags"
}

make_python() {
    local src=$home/src/python-3.13
    [ ! -e "$prefix/.complete" ] || return 0
    rm -rf "$prefix" "$src"
    mkdir -p "$src"
    work=$(mktemp -d "$home/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    step "instrumented Python: fetching the source package" "Is the network up, and does the machine's package mirror serve trixie?" fetch_source "$work"
    step "instrumented Python: unpacking" "Is the disk full?" tar -xf "$work"/python3.13_*.orig.tar.xz -C "$src" --strip-components=1
    step "instrumented Python: configure" "Run scripts/packages.sh first." configure_python "$src"
    step "instrumented Python: make (5 minutes)" "See the log." make -C "$src" -j"$jobs"
    step "instrumented Python: install into the cache" "Is the disk full?" make -C "$src" install COMPILEALL_OPTS="-q -r 0"
    find "$src" \( -name '*.o' -o -name '*.a' -o -name '*.so*' -o -name '*.pyc' \) -type f -delete
    touch "$prefix/.complete"
}

# The tools that build NumPy, in a venv of the instrumented interpreter: meson asks the one that runs it for the ABI.
make_tools() {
    local dir=$home/tools pins=scripts/tsan/build.txt
    ! cmp -s "$pins" "$dir/.stamp" || return 0
    rm -rf "$dir"
    step "build tools of NumPy: creating a venv" "Remove $home and run this again." "$python" -m venv "$dir"
    step "build tools of NumPy: installing pinned wheels" "Is the package index reachable with pip?" \
        "$dir/bin/python" -m pip install --disable-pip-version-check --only-binary=:all: --require-hashes -r "$pins"
    cp "$pins" "$dir/.stamp"
}

# pip asks the source archive for its metadata, which takes a run of meson.
fetch_numpy() {
    PATH=$home/tools/bin:$PATH "$home/tools/bin/python" -m pip download --disable-pip-version-check --no-deps --no-build-isolation \
        --no-binary numpy --require-hashes -r "scripts/tsan/numpy-$1.txt" --dest "$home/sdists" "${meson[@]}"
}

build_numpy() {
    PATH=$home/tools/bin:$PATH "$home/tools/bin/python" -m pip wheel --disable-pip-version-check --no-deps --no-build-isolation \
        "$home/src/numpy-$1" --wheel-dir "$home/wheels/numpy-$1" "${meson[@]}" -Cbuild-dir=build -Ccompile-args=-j"$jobs"
}

# No BLAS and no SIMD dispatch: what is not instrumented would hide, and what is there twelve times would take as long.
meson=(-Csetup-args=-Db_sanitize=thread -Csetup-args=-Db_lundef=false -Csetup-args=-Dallow-noblas=true
    -Csetup-args=-Ddisable-optimization=true -Csetup-args=-Dbuildtype=debugoptimized)

make_numpy() {
    local version=$1 src=$home/src/numpy-$1 dir=$build/venvs/tsan-numpy-$1
    if [ ! -e "$home/wheels/numpy-$version/.complete" ]; then
        rm -rf "$src" "$home/wheels/numpy-$version"
        mkdir -p "$src"
        step "instrumented NumPy $version: fetching the source" "Is the package index reachable with pip?" fetch_numpy "$version"
        step "instrumented NumPy $version: unpacking" "Is the disk full?" tar -xf "$home/sdists/numpy-$version.tar.gz" -C "$src" --strip-components=1
        step "instrumented NumPy $version: compiling (8 minutes)" "See the log." build_numpy "$version"
        rm -rf "$src/build"
        touch "$home/wheels/numpy-$version/.complete"
    fi
    [ "$(cat "$dir/.stamp" 2>/dev/null)" != "$python" ] || return 0
    rm -rf "$dir"
    step "venv tsan-numpy-$version: creating" "Remove $home and run this again." "$python" -m venv "$dir"
    step "venv tsan-numpy-$version: installing the wheel" "Remove $home/wheels and run this again." \
        "$dir/bin/python" -m pip install --disable-pip-version-check --no-deps --no-index "$home/wheels/numpy-$version"/*.whl
    printf '%s\n' "$python" >"$dir/.stamp"
}

scripts/packages.sh tsan
mkdir -p "$home"
make_python
make_tools
make_numpy 2.2.2
make_numpy 2.2.6
