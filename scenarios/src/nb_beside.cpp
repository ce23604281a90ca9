/* An extension that shares nanobind's records with jaxlib if both were built with the same version and compiler. Its
 * leak check at exit then counts jaxlib's instances as its own. */
#include <nanobind/nanobind.h>

namespace nb = nanobind;

NB_MODULE(nb_beside, m)
{
    /* jaxlib turns the warnings off for all extensions that share the records. */
    m.def("warn", [] { nb::set_leak_warnings(true); });
}
