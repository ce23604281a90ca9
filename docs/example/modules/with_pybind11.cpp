// A class of pybind11 that keeps results in a map: Squares, and LockedSquares with a mutex.
#include <mutex>
#include <pybind11/pybind11.h>
#include <unordered_map>

namespace py = pybind11;

struct Squares {
    std::unordered_map<long, long> known;
    long get(long x)
    {
        auto found = known.find(x);
        if (found == known.end())
            found = known.emplace(x, x * x).first; // another thread may read the map now
        return found->second;
    }
};

struct LockedSquares : Squares {
    std::mutex mutex;
    long get(long x)
    {
        std::lock_guard<std::mutex> lock(mutex);
        return Squares::get(x);
    }
};

PYBIND11_MODULE(with_pybind11, module, py::mod_gil_not_used())
{
    py::class_<Squares>(module, "Squares").def(py::init<>()).def("get", &Squares::get);
    py::class_<LockedSquares>(module, "LockedSquares").def(py::init<>()).def("get", &LockedSquares::get);
}
