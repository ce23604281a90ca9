#!/usr/bin/env bash
# Makes the venvs of one scenario from its files in scripts/with. NAME.txt, or NAME-broken.txt and NAME-fixed.txt, list
# pinned wheels and become build/venvs of the same names. If NAME.sh exists, its function `extend` is then called in each
# venv's site-packages folder, with $side (broken, fixed or empty), to compile the extension of the scenario.
# A line "# interpreter: gil" in the pins selects an interpreter with the GIL, and builds a child for its ABI;
# "# interpreter: gil, without a child" only selects it.
# Copy descr-leak-*.txt to begin. Running it again is safe.
# usage: scripts/setup/with.sh NAME | --list     after scripts/setup.sh
. "$(dirname "$0")/lib.sh"
. scripts/setup/venv.sh

names() {
    local file
    for file in scripts/with/*.txt; do
        file=$(basename "$file" .txt)
        file=${file%-broken}
        printf '%s\n' "${file%-fixed}"
    done | sort -u
}

list() {
    local name file
    for name in $(names); do
        file=scripts/with/$name.txt
        [ -e "$file" ] || file=scripts/with/$name-broken.txt
        printf '  %-18s %s\n' "$name" "$(sed -n '1s/^# //p' "$file")"
    done
}

if [ "${1:-}" = --list ]; then
    list
    exit 0
fi
name=${1:-}
names | grep -qxF -- "$name" || die "unknown set-up '$name'; the names are: $(names | tr '\n' ' ')"

# Prints the sources in scenarios/src that NAME.sh names.
sources() {
    local file
    for file in scenarios/src/*; do
        file=${file#scenarios/src/}
        ! grep -qw -- "${file%.*}" scripts/with/"$name".sh || cat "scenarios/src/$file"
    done
}

# extend_venv VENV SIDE: compiles the extension, if the venv or a source changed since the last time.
extend_venv() {
    local dir=$build/venvs/$1 side=$2 want site
    want=$(cat "$dir/.stamp" scripts/setup/extend.sh scripts/with/"$name".sh - < <(sources) | sha256sum)
    [ "$(cat "$dir/.extended" 2>/dev/null)" != "$want" ] || return 0
    site=$("$dir/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    export side python=$dir/bin/python top free
    step "venv $1: compiling its extension" "See the log above, and check that the compilers of scripts/setup/packages.sh are installed." \
        bash -c 'set -euo pipefail; . scripts/setup/extend.sh; . "$1"; cd "$2"; extend' - "scripts/with/$name.sh" "$site"
    printf '%s\n' "$want" >"$dir/.extended"
}

gil='' free=$(scripts/setup/interpreter.sh)
for pins in scripts/with/"$name".txt scripts/with/"$name"-broken.txt scripts/with/"$name"-fixed.txt; do
    [ -e "$pins" ] || continue
    venv=$(basename "$pins" .txt) side=${venv#"$name"} python=$free
    if grep -q '^# interpreter: gil' "$pins"; then
        python=$(scripts/setup/interpreter_gil.sh)
        ! grep -qx '# interpreter: gil' "$pins" || gil=$python
    fi
    make_venv "$venv" "$pins" "$python"
    [ ! -e scripts/with/"$name".sh ] || extend_venv "$venv" "${side#-}"
done
[ -z "$gil" ] || scripts/setup/child_gil.sh "$gil"
say "$name: ready in build/venvs/$name*"
