/* The owner of a frame, and the function of a package that is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/outcome/package.h"

#define NUMPY "/v/lib/python3.13t/site-packages/numpy/_core/_umath.so"
#define SCIPY "/v/lib/python3.13t/site-packages/scipy/stats/_stats.so"
#define PYTHON "/v/bin/python3.13t"
#define CHILD "/b/bin/ftstress-child"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct outcome nothing;

/* The name of the package's function in the stack, or NULL. */
static const char *named(struct symbol_frame *frames, size_t n)
{
    char name[16];
    const struct symbol_stack stack = {.frames = frames, .nframes = n};
    const struct symbol_frame *frame = package_frame(&nothing, &stack, name, sizeof name);
    return frame ? frame->function : NULL;
}

static void the_innermost_of_a_package_is_named(void **state)
{
    (void)state;
    struct symbol_frame frames[] = {
        {.function = "memcpy", .module = "/lib/libc.so.6"},
        {.function = "PyList_Append", .module = PYTHON},
        {.function = "repeat", .module = NUMPY, .file = "/s/src/item_selection.c"},
        {.function = "somersd", .module = SCIPY}};
    assert_string_equal(named(frames, 4), "repeat");
    assert_null(named(frames, 2));
}

static void headers_of_others_are_passed_over(void **state)
{
    (void)state;
    struct symbol_frame frames[] = {
        {.function = "Py_DECREF", .module = NUMPY, .file = "/p/include/python3.13t/object.h"},
        {.function = "push_back", .module = NUMPY, .file = "/usr/include/c++/12/bits/stl_vector.h"},
        {.function = "PyArray_DIM",
         .module = NUMPY,
         .file = "/n/include/numpy/ndarraytypes.h",
         .is_inline = true},
        {.function = "accessor", .module = NUMPY, .file = "/n/include/numpy/ndarraytypes.h"},
        {.function = "repeat", .module = NUMPY, .file = "/n/src/item_selection.c"}};
    assert_string_equal(named(frames, 5),
                        "accessor"); /* a function of the package's own, though in a header */
    assert_string_equal(named(frames, 3), "PyArray_DIM"); /* nothing outside it is known */
    struct symbol_frame callback[] = {{.function = "Py_DECREF", .module = NUMPY, .file = frames[0].file},
                                      {.function = "call", .module = SCIPY}};
    assert_string_equal(named(callback, 2), "Py_DECREF");
}

/* With one frame the caller is not known: code of a library is no function of the package's own. */
static void code_of_a_library_has_no_name_of_the_packages(void **state)
{
    (void)state;
    const struct symbol_frame grow = {.function = "std::vector<…>::_M_realloc_insert<…>", .module = NUMPY},
                              own = {.function = "Accum::add", .module = NUMPY};
    assert_null(package_function(&grow));
    assert_string_equal(package_function(&own), "Accum::add");
}

/* Without debug information, names and the linker's mark decide. */
static void libraries_without_a_source_are_passed_over(void **state)
{
    (void)state;
    struct symbol_frame vector[] = {
        {.function = "std::vector<…>::_M_realloc_insert<…>", .module = NUMPY, .is_weak = true},
        {.function = "Eigen::internal::gemm<double>::run", .module = NUMPY, .is_weak = true},
        {.function = "Accum::add", .module = NUMPY, .is_weak = true},
        {.function = "pybind11::cpp_function::dispatcher", .module = NUMPY}};
    assert_string_equal(named(vector, 4), "Accum::add");
    struct symbol_frame standard[] = {
        {.function = "__gnu_cxx::new_allocator<int>::allocate", .module = NUMPY},
        {.function = "std::string::append", .module = NUMPY},
        {.function = "__Pyx_PyObject_Call", .module = NUMPY},
        {.function = "smooth.moving_sum", .module = NUMPY}};
    assert_string_equal(named(standard, 4), "smooth.moving_sum");
    struct symbol_frame own[] = {{.function = "sort<int>", .module = NUMPY}, /* local: the package's own */
                                 {.function = "repeat", .module = NUMPY}};
    assert_string_equal(named(own, 2), "sort<int>");
    struct symbol_frame shift[] = {{.function = "Matrix::operator<<", .module = NUMPY, .is_weak = true},
                                   {.function = "repeat", .module = NUMPY}};
    assert_string_equal(named(shift, 2), "Matrix::operator<<");
    struct symbol_frame alone[] = {{.function = "std::terminate", .module = NUMPY},
                                   {.function = "call", .module = SCIPY}};
    assert_string_equal(named(alone, 2), "std::terminate");
}

static enum owner owner_of(const char *module, const char *file)
{
    char name[16];
    const struct symbol_frame frame = {.function = "f", .module = (char *)module, .file = (char *)file};
    return package_frame_owner(&nothing, &frame, name, sizeof name);
}

static void the_childs_file_holds_more_than_ours(void **state)
{
    (void)state;
    assert_int_equal(owner_of(CHILD, NULL), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD, "/s/harness/child/step.c"), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD, "/s/scenarios/strided.c"), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD, "/x/harness/python/Python/ceval.c"), OWNER_INTERPRETER);
    assert_int_equal(owner_of(CHILD, "/p/Python/ceval.c"), OWNER_INTERPRETER);
    assert_int_equal(owner_of(CHILD "-tsan", "/s/harness/child/step.c"), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD "-tsan", NULL), OWNER_SYSTEM);
    assert_int_equal(owner_of(PYTHON, NULL), OWNER_INTERPRETER);
    assert_int_equal(owner_of(NULL, NULL), OWNER_UNKNOWN);
}

static const struct {
    const char *path;
    enum owner owner;
    const char *name;
} owners[] = {
    {"/v/lib/python3.13t/site-packages/numpy/_core/_multiarray_umath.cpython-313t-x86_64-linux-gnu.so",
     OWNER_PACKAGE, "numpy"},
    {"/v/lib/python3.13t/site-packages/numpy.libs/libscipy_openblas64_-ff651d7f.so", OWNER_PACKAGE, "numpy"},
    {"/v/lib/python3.13t/site-packages/_cffi_backend.cpython-313t-x86_64-linux-gnu.so", OWNER_PACKAGE,
     "_cffi_backend"},
    {"/usr/lib/python3/dist-packages/scipy/stats/_stats.so", OWNER_PACKAGE, "scipy"},
    {"/v/lib/python3.13t/lib-dynload/_ctypes.cpython-313t-x86_64-linux-gnu.so", OWNER_INTERPRETER, NULL},
    {"/v/lib/python3.13t/lib-dynload/_json.cpython-313t-x86_64-linux-gnu.so", OWNER_INTERPRETER, NULL},
    {"/s/cpython/build/lib.linux-x86_64-3.13/pyexpat.cpython-313t-x86_64-linux-gnu.so", OWNER_INTERPRETER,
     NULL},
    {"/src/build/lib.linux-x86_64-cpython-313t/mine.so", OWNER_PACKAGE, "pkg"},
    {"/v/lib/libpython3.13t.so.1.0", OWNER_INTERPRETER, NULL},
    {"/v/bin/python3.13t", OWNER_INTERPRETER, NULL},
    {"/build/bin/ftstress-child", OWNER_HARNESS, NULL},
    {"/v/lib/python3.13t/site-packages/ftstress/bin/ftstress-child", OWNER_HARNESS, NULL},
    {"/src/pkg/mine.cpython-313t-x86_64-linux-gnu.so", OWNER_PACKAGE, "pkg"},
    {"/src/pkg/other.so", OWNER_SYSTEM, NULL},
    {"/usr/lib/x86_64-linux-gnu/libc.so.6", OWNER_SYSTEM, NULL},
    {"[vdso]", OWNER_SYSTEM, NULL},
    {NULL, OWNER_UNKNOWN, NULL},
};

static void every_file_has_its_owner(void **state)
{
    (void)state;
    char *packages[] = {
        (char *)"/elsewhere/x.so",
        (char *)"x",
        (char *)"/src/pkg/mine.cpython-313t-x86_64-linux-gnu.so",
        (char *)"pkg.mine",
        (char *)"/src/build/lib.linux-x86_64-cpython-313t/mine.so",
        (char *)"pkg.mine",
        (char *)"/s/cpython/build/lib.linux-x86_64-3.13/pyexpat.cpython-313t-x86_64-linux-gnu.so",
        (char *)"pyexpat"};
    struct outcome outcome = {.packages = packages, .npackages = COUNT(packages)};
    for (size_t i = 0; i < COUNT(owners); i++) {
        char name[64] = "";
        assert_int_equal(package_owner(&outcome, owners[i].path, name, sizeof name), owners[i].owner);
        assert_string_equal(name, owners[i].name ? owners[i].name : "");
    }
}

static struct symbol_frame frame_in(const char *module, const char *function)
{
    return (struct symbol_frame){.module = (char *)module, .function = (char *)function};
}

static void the_innermost_frame_of_a_package_is_taken(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    char name[64];
    struct symbol_frame frames[] = {frame_in("/lib/libc.so.6", "memcpy"),
                                    frame_in("/v/site-packages/numpy/a.so", "inner"),
                                    frame_in("/v/site-packages/scipy/b.so", "outer"),
                                    frame_in("/v/lib/libpython3.13t.so.1.0", "_PyEval_EvalFrameDefault")};
    struct symbol_stack stack = {COUNT(frames), frames};
    assert_ptr_equal(package_frame(&outcome, &stack, name, sizeof name), &frames[1]);
    assert_string_equal(name, "numpy");
    assert_null(package_interpreter_frame(&outcome, &stack));
}

/* With a static libpython the child's file holds the interpreter too; the source file decides. */
static void a_static_interpreter_is_no_harness(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum owner owner;
    } rows[] = {{"/src/ftstress/harness/child/worker.c", OWNER_HARNESS},
                {"/src/ftstress/scenarios/strided.c", OWNER_HARNESS},
                {NULL, OWNER_HARNESS},
                {"/src/cpython/Objects/dictobject.c", OWNER_INTERPRETER}};
    struct outcome outcome = {0};
    char name[64];
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct symbol_frame frame = frame_in("/build/bin/ftstress-child", "f");
        frame.file = (char *)rows[i].file;
        assert_int_equal(package_frame_owner(&outcome, &frame, name, sizeof name), rows[i].owner);
    }
}

static void the_interpreter_counts_without_a_package_inside(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    char name[64];
    struct symbol_frame frames[] = {frame_in("/lib/libc.so.6", "abort"),
                                    frame_in("/v/lib/libpython3.13t.so.1.0", NULL),
                                    frame_in("/v/lib/libpython3.13t.so.1.0", "dict_resize"),
                                    frame_in("/v/site-packages/numpy/a.so", "outer")};
    struct symbol_stack inside = {3, frames}, none = {1, frames};
    assert_ptr_equal(package_interpreter_frame(&outcome, &inside), &frames[2]);
    assert_null(package_frame(&outcome, &inside, name, sizeof name));
    assert_null(package_interpreter_frame(&outcome, &none));
    assert_null(package_interpreter_frame(&outcome, &(struct symbol_stack){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_innermost_of_a_package_is_named),
        cmocka_unit_test(headers_of_others_are_passed_over),
        cmocka_unit_test(code_of_a_library_has_no_name_of_the_packages),
        cmocka_unit_test(libraries_without_a_source_are_passed_over),
        cmocka_unit_test(the_childs_file_holds_more_than_ours),
        cmocka_unit_test(every_file_has_its_owner),
        cmocka_unit_test(the_innermost_frame_of_a_package_is_taken),
        cmocka_unit_test(a_static_interpreter_is_no_harness),
        cmocka_unit_test(the_interpreter_counts_without_a_package_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
