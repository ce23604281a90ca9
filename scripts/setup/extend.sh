# Functions that compile the extensions of the set-ups in scripts/with. Sourced in the site-packages folder of a venv, with
# $python (the venv's interpreter) and $top (the top of the tree) set.

suffix() { "$python" -I -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))'; }

# extend_c NAME [FLAG...]: compiles scenarios/src/NAME.c as the extension module NAME.
extend_c() {
    local name=$1 include
    shift
    include=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("include"))')
    cc -shared -fPIC -g -O2 -fvisibility=hidden -isystem "$include" "$@" "$top/scenarios/src/$name.c" -o "$name$(suffix)"
}

# extend_pythran NAME: compiles scenarios/src/NAME.py with the venv's Pythran, without BLAS, which is not always installed.
extend_pythran() {
    "$python" -c 'import sys; from pythran.run import run; sys.exit(run())' --config compiler.blas=none \
        -o "$1$(suffix)" "$top/scenarios/src/$1.py"
}

# extend_nanobind NAME COMPILER [FLAG...]: compiles scenarios/src/NAME.cpp together with the sources of the venv's nanobind.
# Some versions have one file that includes all others.
extend_nanobind() {
    local name=$1 compiler=$2 include nanobind sources
    shift 2
    include=$("$python" -I -c 'import sysconfig; print(sysconfig.get_path("include"))')
    nanobind=$("$python" -I -c 'import nanobind, os; print(os.path.dirname(nanobind.__file__))')
    sources=("$nanobind/src/nb_combined.cpp")
    [ -e "${sources[0]}" ] || sources=("$nanobind"/src/*.cpp)
    "$compiler" -shared -fPIC -g -O1 -std=c++17 -fvisibility=hidden -fno-strict-aliasing "$@" -isystem "$include" \
        -isystem "$nanobind/include" -isystem "$nanobind/ext/robin_map/include" \
        "$top/scenarios/src/$name.cpp" "${sources[@]}" -o "$name$(suffix)"
}
