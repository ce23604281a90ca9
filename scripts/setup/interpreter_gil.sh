#!/usr/bin/env bash
# Finds a CPython 3.11 with the GIL, its headers and libpython, and prints its path. Packages without free-threaded wheels
# need it; their pinned wheels are for 3.11.
# Order: $FTSTRESS_GIL_PYTHON; python3.11 on PATH; the distribution's package, which is then installed.
. "$(dirname "$0")/lib.sh"

probe='import sys, sysconfig, os
v = sysconfig.get_config_var
have = (sys.version_info[:2] == (3, 11) and os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
        and os.path.exists(os.path.join(v("LIBDIR"), v("LDLIBRARY"))))
print(sys.executable if have else "")'

answer() { timeout 20 "$1" -I -c "$probe" 2>/dev/null || true; }

if [ -n "${FTSTRESS_GIL_PYTHON:-}" ]; then
    path=$(answer "$FTSTRESS_GIL_PYTHON")
    [ -n "$path" ] || die "FTSTRESS_GIL_PYTHON=$FTSTRESS_GIL_PYTHON is not a CPython 3.11 with headers and libpython; name one, or unset it"
    echo "$path"
    exit 0
fi
for candidate in /usr/bin/python3.11 python3.11; do
    path=$(answer "$candidate")
    [ -z "$path" ] || { echo "$path"; exit 0; }
done
scripts/setup/packages.sh gil || die "install a CPython 3.11 with its headers, and set FTSTRESS_GIL_PYTHON to it"
path=$(answer /usr/bin/python3.11)
[ -n "$path" ] || die "no CPython 3.11 with headers found; install one, and set FTSTRESS_GIL_PYTHON to it"
echo "$path"
