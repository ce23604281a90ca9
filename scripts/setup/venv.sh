# Makes venvs with pinned wheels. Sourced after lib.sh, never run.

# make_venv NAME PINS PYTHON: makes build/venvs/NAME with the wheels of the file PINS. The stamp of a venv records its pins
# and its interpreter; if they change, the venv is made again. If the interpreter has pip, the venv needs none, which
# halves the time.
make_venv() {
    local name=$1 pins=$2 python=$3 dir=$build/venvs/$1 want without=() pip
    want=$(printf '%s\n' "$python"; cat "$pins")
    [ "$(cat "$dir/.stamp" 2>/dev/null)" != "$want" ] || return 0
    rm -rf "$dir"
    pip=("$dir/bin/python" -m pip)
    if "$python" -m pip --version >/dev/null 2>&1; then
        without=(--without-pip)
        pip=("$python" -m pip --python "$dir/bin/python")
    fi
    step "venv $name: creating" "Check that $python has venv and ensurepip." "$python" -m venv "${without[@]}" "$dir"
    if grep -q '^[^#]' "$pins"; then
        step "venv $name: installing pinned wheels" "Check that pip can reach the package index." \
            "${pip[@]}" install --disable-pip-version-check --only-binary=:all: --no-deps --require-hashes -r "$pins"
    fi
    printf '%s\n' "$want" >"$dir/.stamp"
}
