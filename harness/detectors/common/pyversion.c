#include "detectors/common/pyversion.h"

#include "base/peek.h"
#include "detectors/common/pycompat.h"

bool pyversion_is_free_threaded(void)
{
#ifdef Py_GIL_DISABLED
    return true;
#else
    return false;
#endif
}

bool pyversion_gil_is_on(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *query = PySys_GetObject("_is_gil_enabled");
    PyObject *answer = query ? PyObject_CallNoArgs(query) : NULL;
    bool on = !answer || PyObject_IsTrue(answer) != 0;
    Py_XDECREF(answer);
    PyErr_Clear();
    return on;
#else
    return true;
#endif
}

/* PyConfig.enable_gil: -1 leaves the choice to imported modules, 0 forces it off, 1 forces it on. */
void pyversion_config_gil(PyConfig *config, bool on)
{
#ifdef Py_GIL_DISABLED
    if (on)
        config->enable_gil = 1;
#else
    (void)config;
    (void)on;
#endif
}

/* In a free-threaded build objects must lie in mimalloc's heaps: the collector finds them there. */
void pyversion_config_hooks(PyPreConfig *config)
{
#ifdef Py_GIL_DISABLED
    config->allocator = PYMEM_ALLOCATOR_MIMALLOC_DEBUG;
#else
    config->allocator = PYMEM_ALLOCATOR_DEBUG;
#endif
}

/* CPython's own leak tests use this function. Only this version needs it. */
bool pyversion_keep_mortal(void)
{
#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x030e0000
    PyObject *module = PyImport_ImportModule("_testinternalcapi");
    PyObject *done = module ? PyObject_CallMethod(module, "suppress_immortalization", "O", Py_True) : NULL;
    bool is_kept = done != NULL;
    Py_XDECREF(done);
    Py_XDECREF(module);
    PyErr_Clear();
    return is_kept;
#else
    return true;
#endif
}

/* A free-threaded object counts the references of its own thread apart from those of others. */
static enum pyobject_references references(PyObject *object, Py_ssize_t *ret_count)
{
#ifdef Py_GIL_DISABLED
    enum { DEFERRED = 1 << 6 }; /* _PyGC_BITS_DEFERRED */
    uint32_t own = __atomic_load_n(&object->ob_ref_local, __ATOMIC_RELAXED);
    Py_ssize_t others = __atomic_load_n(&object->ob_ref_shared, __ATOMIC_RELAXED);
    *ret_count = (Py_ssize_t)own + (others >> _Py_REF_SHARED_SHIFT);
    if (own == _Py_IMMORTAL_REFCNT_LOCAL)
        return PYOBJECT_IMMORTAL;
    return object->ob_gc_bits & DEFERRED ? PYOBJECT_DEFERRED : PYOBJECT_COUNTED;
#else
    *ret_count = Py_REFCNT(object);
#if PY_VERSION_HEX >= 0x030c0000
    if (_Py_IsImmortal(object))
        return PYOBJECT_IMMORTAL;
#endif
    return PYOBJECT_COUNTED;
#endif
}

/* Only the owner may change its own count, which must not become zero here. */
static void add_references(PyObject *object, Py_ssize_t n)
{
#ifdef Py_GIL_DISABLED
    Py_ssize_t own = (Py_ssize_t)__atomic_load_n(&object->ob_ref_local, __ATOMIC_RELAXED) + n;
    if (_Py_IsOwnedByCurrentThread(object) && own > 0 && own < UINT32_MAX / 2)
        __atomic_store_n(&object->ob_ref_local, (uint32_t)own, __ATOMIC_RELAXED);
    else
        __atomic_fetch_add(&object->ob_ref_shared, n * (1 << _Py_REF_SHARED_SHIFT), __ATOMIC_RELAXED);
#elif PY_VERSION_HEX >= 0x030c0000
    Py_SET_REFCNT(object, Py_REFCNT(object) + n);
#else
    object->ob_refcnt += n;
#endif
}

/* The control block of a thread begins with its own address. */
bool pyversion_has_owner(const PyObject *head)
{
#ifdef Py_GIL_DISABLED
    uintptr_t self;
    return head->ob_tid == 0 || (peek(0, head->ob_tid, &self, sizeof self) && self == head->ob_tid);
#else
    return head->ob_refcnt > 0;
#endif
}

/* _PyType_PreHeaderSize, and _PyListArray: a free-threaded list keeps its capacity before its items. */
struct pyobject_layout pyversion_layout(void)
{
    struct pyobject_layout layout = {
        .preheader = PYCOMPAT_PREHEADER, .references = references, .add_references = add_references};
#ifdef Py_GIL_DISABLED
    layout.list_head = sizeof(Py_ssize_t);
#else
    layout.gc_head = 2 * sizeof(uintptr_t);
#endif
    return layout;
}
