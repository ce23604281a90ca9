/* Each thread sets a key of its own in the dict `cache` of the plan, and reads it back. */
#include <ftstress/scenario.h>

struct cache {
    PyObject *dict, *key;
};

static int cache_begin(const struct ft_worker *worker, void **ret_state)
{
    PyObject *dict = PyDict_GetItemString(worker->names, "cache");
    struct cache *cache = dict ? PyMem_Malloc(sizeof *cache) : NULL;
    if (!cache) {
        PyErr_SetString(PyExc_KeyError, "the setup of the plan makes no `cache`");
        return -1;
    }
    cache->dict = Py_NewRef(dict);
    cache->key = PyLong_FromUnsignedLong(worker->thread_index);
    *ret_state = cache;
    return cache->key ? 0 : -1;
}

static PyObject *cache_step(const struct ft_worker *worker, void *state)
{
    struct cache *cache = state;
    PyObject *value = PyLong_FromUnsignedLongLong(1000 + worker->iteration_index), *found = NULL;
    if (!value || PyDict_SetItem(cache->dict, cache->key, value) < 0 ||
        PyDict_GetItemRef(cache->dict, cache->key, &found) < 0) {
        Py_XDECREF(value);
        return NULL;
    }
    int is_same = found == value;
    Py_DECREF(value);
    Py_XDECREF(found);
    if (!is_same)
        return PyErr_Format(PyExc_RuntimeError, "the value of key %R is of another thread", cache->key);
    Py_RETURN_NONE;
}

static void cache_end(void *state)
{
    struct cache *cache = state;
    Py_DECREF(cache->dict);
    Py_DECREF(cache->key);
    PyMem_Free(cache);
}

FT_SCENARIO = {.name = "cache", .begin = cache_begin, .step = cache_step, .end = cache_end};
