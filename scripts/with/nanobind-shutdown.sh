# Builds the toy for 3.13t. The other two must have the ABI tag of jaxlib's wheel, which a recent clang gives: with another
# tag they would not share nanobind's records with jaxlib.
extend() {
    case $side in
    '') extend_nanobind nb_toy c++ -DNB_FREE_THREADED ;;
    *) "$top"/scripts/setup/packages.sh clang && extend_nanobind nb_beside clang++-19 -DNB_ABORT_ON_LEAK ;;
    esac
}
