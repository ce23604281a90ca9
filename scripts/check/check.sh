#!/usr/bin/env bash
# Checks the sources: format, style, cppcheck, builds without warnings by gcc and clang, clang-tidy.
# A file that passed clang-tidy is checked again only if it, a header that it includes, or the checks change.
# usage: scripts/check/check.sh     after scripts/setup.sh gate
. "$(dirname "$0")/../setup/lib.sh"

gate=$build/gate
mapfile -t c_files < <(find harness include scenarios tests -name '*.[ch]' -o -name '*.cpp' | sort)
mapfile -t shell_files < <(find scripts .ci -name '*.sh' -o -path '.ci/*' -type f | sort)
mapfile -t other_files < <(find CMakeLists.txt harness scenarios scripts tests \
    \( -name CMakeLists.txt -o -name '*.cmake' -o -name '*.py' -o -name '*.yaml' -o -path 'scripts/check/*' ! -name '*.*' \) -type f | sort)

# nowhere WHAT PATTERN FILE...: prints the lines that match, and fails if there are any.
nowhere() {
    local what=$1 pattern=$2
    shift 2
    ! LC_ALL=C.UTF-8 grep -HnP -- "$pattern" "$@" || { printf '^ %s\n\n' "$what"; return 1; }
}

style() {
    local file bad=0 all=("${c_files[@]}" "${shell_files[@]}" "${other_files[@]}")
    nowhere "a tab" '\t' "${all[@]}" || bad=1
    nowhere "a blank at the end of a line" '[ \r]$' "${all[@]}" || bad=1
    nowhere "a line of more than 120 columns" '^.{121}' "${c_files[@]}" || bad=1
    for file in "${all[@]}"; do
        [ -z "$(tail -c 1 "$file")" ] || { printf '%s: no newline at its end\n' "$file"; bad=1; }
    done
    for file in "${shell_files[@]}"; do
        bash -n "$file" || bad=1
    done
    return $bad
}

# Runs one process, because cppcheck checks across files only then. What is off, and why:
#   readdirCalled: readdir_r is deprecated, and readdir is safe on a stream that one thread uses
#   ctuuninitvar: reports a read where a pointer to an unset variable is only passed on
run_cppcheck() {
    cppcheck --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --quiet \
        --std=c11 --library=posix,gnu,python --library=scripts/check/cppcheck.cfg \
        --suppress=readdirCalled --suppress=ctuuninitvar -I harness -I include -D_GNU_SOURCE harness scenarios
}

# cached DIR NAME: prints a variable that the CMake build in DIR was configured with.
cached() { sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt" 2>/dev/null; }

# build_with COMPILER DIR: builds with warnings as errors, for the interpreter of the real build. Prints all errors.
build_with() {
    local compiler=$1 dir=$2 python numpy
    python=$(cached "$build" FTSTRESS_PYTHON) numpy=$(cached "$build" FTSTRESS_NUMPY_PYTHON)
    if [ ! -e "$dir/build.ninja" ] || [ "$(cached "$dir" FTSTRESS_PYTHON)" != "$python" ]; then
        cmake -S . -B "$dir" -G Ninja -DCMAKE_C_COMPILER="$compiler" -DFTSTRESS_WERROR=ON \
            -DFTSTRESS_PYTHON="$python" -DFTSTRESS_NUMPY_PYTHON="$numpy" || return 1
    fi
    cmake --build "$dir" -- -k 0 --quiet
}

# Prints one line for each source, from `ninja -t deps`: the source, then the headers of the tree that it includes.
sources_with_headers() {
    ninja -C "$gate" -t deps | TOP=$top/ awk '
        function flush() { if (line ~ /^(harness|scenarios)\//) print line; line = "" }
        /^[^ ]/ { flush(); next }
        NF == 1 {
            if (index($1, ENVIRON["TOP"]) == 1) name = substr($1, length(ENVIRON["TOP"]) + 1)
            else if ($1 !~ /^\//) name = "build/gate/" $1
            else next
            line = line == "" ? name : line " " name
        }
        END { flush() }'
}

# tidy_one SOURCE HEADER...: runs clang-tidy. If it passes, a stamp keeps the hash of everything that the result depends on.
tidy_one() {
    local stamp=build/gate/tidy/${1//\//.} key output
    key=$({
        clang-tidy --version
        grep -F -- "$1\"" build/gate/compile_commands.json
        cat .clang-tidy harness/*/.clang-tidy "$@"
    } | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
    output=$(clang-tidy -p build/gate --quiet "$1" 2>&1) || { printf '%s\n\n' "$output"; return 1; }
    printf '%s\n' "$key" >"$stamp"
}
export -f tidy_one

tidy() {
    local sources
    mkdir -p "$gate/tidy"
    sources=$(sources_with_headers) && [ -n "$sources" ] || { printf 'ninja lists no sources in %s\n' "$gate"; return 1; }
    xargs -d '\n' -P "$jobs" -n 1 bash -c 'set -uo pipefail; read -ra files <<<"$0"; tidy_one "${files[@]}"' <<<"$sources"
}

[ -e "$build/CMakeCache.txt" ] || die "build/ is not configured; run scripts/setup.sh gate first."
for tool in clang clang-format clang-tidy cppcheck; do
    command -v "$tool" >/dev/null || die "$tool is missing; run scripts/setup.sh gate first."
done

step "format" "Run clang-format -i on these files." clang-format --dry-run -Werror "${c_files[@]}"
step "style" "Correct the lines above." style
step "words" "Write plain English; shared words are in docs/glossary.md." scripts/check/words
step "sentences" "Write the test, or keep one of the two places." scripts/check/sentences
step "cppcheck" "Correct the code; if cppcheck is wrong, add /* cppcheck-suppress ID */ and the reason." run_cppcheck
step "gcc without warnings" "See the errors above." build_with gcc "$build/gate-gcc"
step "clang without warnings" "See the errors above." build_with clang "$gate"
step "layers" "Cut the circle, move the function, or split the file." scripts/check/layers "$gate"
step "clang-tidy" "Correct the code; if clang-tidy is wrong, add /* NOLINT(check): reason */. .clang-tidy lists what is off, and why." tidy
say "the checks pass"
