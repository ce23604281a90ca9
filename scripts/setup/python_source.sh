# Fetches the source of CPython for the scripts that build one. Sourced after lib.sh, never run.

# fetch_source FOLDER: puts python3.13_*.orig.tar.xz there. Uses apt lists and a configuration of its own, so that those of
# the machine do not change.
fetch_source() {
    local work=$1 uri suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    uri=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources 2>/dev/null || true)
    [ -n "$uri" ] || uri=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' /etc/apt/sources.list /etc/apt/sources.list.d/*.list)
    . /etc/os-release
    suite=trixie
    [ "$ID" != ubuntu ] || { suite=${VERSION_CODENAME}; keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg; }
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$uri" "$suite" "$keyring" >"$work/src.sources"
    local apt=(apt-get -o "Dir::Etc::sourcelist=$work/src.sources" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
    mkdir -p "$work/lists" "$work/cache/archives"
    "${apt[@]}" update
    cd "$work" && "${apt[@]}" source --download-only python3.13
}
