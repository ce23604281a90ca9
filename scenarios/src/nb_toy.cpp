/* The extension of the nanobind scenarios: it loses an instance, holds it in a C++ static, or releases it. */
#include <mutex>
#include <vector>

#include <nanobind/nanobind.h>

namespace nb = nanobind;

struct Item {
    int value;
};

static std::mutex lock;
static std::vector<nb::object> held;

static nb::object make()
{
    return nb::cast(Item{1});
}

/* Never released. */
static void lose()
{
    make().inc_ref();
}

/* Holds one instance for the life of the process, as a cache does. The lock is not held over a call to Python. */
static void hold()
{
    nb::object item = make();
    std::lock_guard<std::mutex> guard(lock);
    if (held.empty())
        held.push_back(std::move(item));
}

static void clear()
{
    std::vector<nb::object> gone;
    std::lock_guard<std::mutex> guard(lock);
    gone.swap(held);
}

NB_MODULE(nb_toy, m)
{
    nb::class_<Item>(m, "Item");
    m.def("make", make);
    m.def("lose", lose);
    m.def("hold", hold);
    m.def("clear", clear);
}
