# pip installs a wheel for another version of Python only with these options, and only into a folder.
extend() {
    printf 'llvmlite==0.50.0 --hash=sha256:a1d5b6eac064f201b4aa091030282e6f240d8d322dddd7381840731455c3e664\n' >llvmlite.pin
    "$free" -m pip install --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --upgrade \
        --implementation cp --python-version 3.14 --abi cp314t --target . -r llvmlite.pin
}
