/* What the harness does with the interpreter's own memory. Needs an interpreter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define Py_BUILD_CORE 1
#include "detectors/common/pyversion.h"
#include "embedded.h"

#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x030e0000
#include <internal/pycore_interp.h>
#include <internal/pycore_object_stack.h>

/* Returns the pointers that unused stacks of collections still have. */
static size_t count_left(void)
{
    size_t n = 0;
    const _PyObjectStackChunk *chunk =
        ((_PyThreadStateImpl *)PyThreadState_Get())->freelists.object_stacks.items;
    for (; chunk; chunk = chunk->prev)
        for (size_t i = 0; i < sizeof chunk->objs / sizeof *chunk->objs; i++)
            n += chunk->objs[i] != NULL;
    return n;
}

static void a_collection_leaves_no_pointers(void **state)
{
    (void)state;
    assert_int_equal(
        PyRun_SimpleString("import gc\nx = [[i] for i in range(2000)]\nx.append(x)\ndel x\ngc.collect()"), 0);
    assert_true(count_left() > 0);
    pyversion_forget_stacks();
    assert_int_equal(count_left(), 0);
    assert_int_equal(PyRun_SimpleString("gc.collect()"), 0);
}
#else
static void a_collection_leaves_no_pointers(void **state)
{
    (void)state;
    pyversion_forget_stacks();
}
#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(a_collection_leaves_no_pointers)};
    return embedded_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
