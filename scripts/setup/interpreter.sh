#!/usr/bin/env bash
# Finds a free-threaded CPython, or builds one, and prints its path on standard output.
#
# Order: $FTSTRESS_PYTHON; python3.13t on PATH; uv; a build of the distribution's own source package, kept in the cache.
# The pinned wheels exist for 3.13t only, so python3.14t is used only if $FTSTRESS_PYTHON names it.
. "$(dirname "$0")/lib.sh"
. scripts/setup/python_source.sh

prefix=$cache/python-3.13t
probe='import sys, sysconfig, os
have = sysconfig.get_config_var("Py_GIL_DISABLED") and os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print("%d.%d" % sys.version_info[:2] if have else "no")'

version_of() { timeout 20 "$1" -I -c "$probe" 2>/dev/null || echo no; }

from_variable() {
    [ -n "${FTSTRESS_PYTHON:-}" ] || return 1
    local path
    path=$(command -v "$FTSTRESS_PYTHON") || die "FTSTRESS_PYTHON=$FTSTRESS_PYTHON does not exist; name an interpreter that does, or unset it"
    [ "$(version_of "$path")" != no ] || die "FTSTRESS_PYTHON=$FTSTRESS_PYTHON is not a free-threaded CPython with its headers; name one, or unset it"
    echo "$path"
}

from_path() {
    local name path
    for name in python3.13t python3.14t; do
        path=$(command -v "$name" 2>/dev/null) || continue
        case $(version_of "$path") in
        3.13) echo "$path"; return 0 ;;
        no) say "$path is not a free-threaded CPython with headers: not used" ;;
        *) say "the pinned wheels are for 3.13t, not for $path: not used; set FTSTRESS_PYTHON=$path to use it anyway" ;;
        esac
    done
    return 1
}

from_uv() {
    command -v uv >/dev/null || return 1
    local path
    path=$(timeout 10 uv python find 3.13t 2>/dev/null) ||
        { timeout 60 uv python install 3.13t >/dev/null 2>&1 && path=$(timeout 10 uv python find 3.13t 2>/dev/null); } || return 1
    [ "$(version_of "$path")" = 3.13 ] && echo "$path"
}

configure_python() {
    cd "$1" && ./configure --disable-gil --enable-shared --prefix="$prefix" --with-ensurepip=install \
        LDFLAGS="-Wl,-rpath,$prefix/lib" CFLAGS="-g -O2"
}

from_source() {
    local advice="Or install a free-threaded CPython 3.13 yourself and set FTSTRESS_PYTHON to it."
    if [ ! -e "$prefix/.complete" ]; then
        say "no free-threaded CPython 3.13 found: building one from the distribution's source package (3 minutes on two cores); the cache keeps it for later runs"
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/python-build.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        step "Python: fetching the source package" "Check the network, and that the machine's package mirror has trixie. $advice" fetch_source "$work"
        mkdir "$work/src"
        step "Python: unpacking" "$advice" tar -xf "$work"/python3.13_*.orig.tar.xz -C "$work/src" --strip-components=1
        step "Python: configure" "Run scripts/setup/packages.sh first. $advice" configure_python "$work/src"
        step "Python: make" "$advice" make -C "$work/src" -j"$jobs"
        step "Python: install into the cache" "Check the free space of the disk. $advice" make -C "$work/src" install
        touch "$prefix/.complete"
    fi
    [ "$(version_of "$prefix/bin/python3.13t")" = 3.13 ] || die "the cached interpreter in $prefix does not work; remove that folder and run the script again. $advice"
    echo "$prefix/bin/python3.13t"
}

if [ -n "${FTSTRESS_PYTHON:-}" ]; then
    from_variable
else
    from_path || from_uv || from_source
fi
