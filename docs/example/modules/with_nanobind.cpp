// A class of nanobind that keeps the last values: Recent, and LockedRecent with a lock of the object.
#include <nanobind/nanobind.h>
#include <vector>

namespace nb = nanobind;

struct Recent {
    std::vector<double> values;
    size_t add(double x)
    {
        if (values.size() == 100)
            values = {};
        values.push_back(x); // two threads may free the same old array
        return values.size();
    }
};

struct LockedRecent : Recent {
};

NB_MODULE(with_nanobind, module)
{
    nb::class_<Recent>(module, "Recent").def(nb::init<>()).def("add", &Recent::add);
    nb::class_<LockedRecent>(module, "LockedRecent")
        .def(nb::init<>())
        .def(
            "add", [](LockedRecent &recent, double x) { return recent.add(x); }, nb::lock_self(), nb::arg());
}
