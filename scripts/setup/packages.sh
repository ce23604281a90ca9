#!/usr/bin/env bash
# Installs the missing ones of the Debian packages that the build needs. Running it again is safe.
# usage: scripts/setup/packages.sh [gate|bench|clang|gil|tsan|valgrind]
#   gate      adds the tools of the gate's checks
#   bench     adds the memory tools that bench.sh compares with the guard
#   clang     adds the compiler that gives extensions the C++ ABI tag of jaxlib's wheel
#   gil       adds the distribution's own CPython, for packages without free-threaded wheels
#   tsan      adds the compiler and the symboliser of the ThreadSanitizer mode
#   valgrind  adds Valgrind, for run --under valgrind
. "$(dirname "$0")/lib.sh"

packages=(
    build-essential cmake ninja-build pkg-config git ca-certificates dpkg-dev xz-utils
    libcmocka-dev libdw-dev libiberty-dev libjansson-dev libunwind-dev liburcu-dev libxml2-dev libyaml-dev libzydis-dev
    libffi-dev zlib1g-dev libssl-dev libbz2-dev liblzma-dev libsqlite3-dev
)
[ "${1:-}" = gate ] && packages+=(clang clang-format clang-tidy cppcheck)
[ "${1:-}" = clang ] && packages+=(clang-19)
[ "${1:-}" = gil ] && packages+=(python3-dev python3-venv)
[ "${1:-}" = valgrind ] && packages+=(valgrind)
[ "${1:-}" = bench ] && packages+=(valgrind libclang-rt-19-dev)
[ "${1:-}" = tsan ] && packages+=(clang-19 libclang-rt-19-dev llvm-19)

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "packages are missing, and sudo is not installed: install ${missing[*]}, and run the script again"
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
advice="Check the network and the machine's package sources, or install these by hand: ${missing[*]}"
step "refreshing the package lists" "$advice" "${as_root[@]}" apt-get update
step "installing ${#missing[@]} packages" "$advice" "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
