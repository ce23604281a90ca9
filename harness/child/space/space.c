/* See space.h for the contract. */
#include "child/space/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/list.h"
#include "child/space/array.h"
#include "child/space/fingerprint.h"
#include "child/space/reach.h"
#include "detectors/common/array_api.h"
#include "detectors/common/pycompat.h"
#include "detectors/table/detectors.h"
#include "detectors/watch/spares.h"
#include "detectors/watch/tripwire.h"

bool space_run(PyObject *code, PyObject *names)
{
    PyObject *result = PyEval_EvalCode(code, names, names);
    Py_XDECREF(result);
    return result != NULL;
}

void space_set_number(PyObject *names, const char *name, uint64_t number)
{
    PyObject *value = PyLong_FromUnsignedLongLong(number);
    if (!value || PyDict_SetItemString(names, name, value) < 0)
        PyErr_Clear();
    Py_XDECREF(value);
}

const char *space_exception_text(char *text, size_t size)
{
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *message = raised ? PyObject_Str(raised) : NULL;
    const char *utf8 = message ? PyUnicode_AsUTF8(message) : NULL;
    const char *type = raised ? Py_TYPE(raised)->tp_name : "error";
    snprintf(text, size, utf8 && *utf8 ? "%s: %s" : "%s", type, utf8 ? utf8 : "");
    PyErr_Clear();
    Py_XDECREF(message);
    Py_XDECREF(raised);
    return text;
}

static int compile_text(const char *text, const char *what, PyObject **ret_code, char *error, size_t size)
{
    if (!text || !*text)
        return 0;
    *ret_code = Py_CompileString(text, what, Py_file_input);
    if (*ret_code)
        return 0;
    char reason[256];
    return fail(-EINVAL, error, size, "the %s is not Python: %s; correct it", what,
                space_exception_text(reason, sizeof reason));
}

int space_maker_init(struct space_maker *maker, const struct plan *plan, const struct recipe *recipes,
                     char *error, size_t error_size)
{
    *maker = (struct space_maker){
        .plan = plan, .recipes = recipes, .writes = plan->share >= RUNG_ONE_WRITER && plan->threads > 1};
    const struct {
        const char *text, *what;
        PyObject **code;
    } parts[] = {{plan->setup, "setup", &maker->setup},
                 {plan->thread_setup, "thread setup", &maker->thread_setup},
                 {plan->writer, "writer", &maker->writer},
                 {plan->release, "release step", &maker->release}};
    int result = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !result; i++)
        result = compile_text(parts[i].text, parts[i].what, parts[i].code, error, error_size);
    return result;
}

void space_maker_clear(struct space_maker *maker)
{
    for (unsigned i = 0; i < maker->nmemories; i++)
        free(maker->memories[i].name);
    free(maker->memories);
    Py_CLEAR(maker->setup);
    Py_CLEAR(maker->thread_setup);
    Py_CLEAR(maker->writer);
    Py_CLEAR(maker->release);
}

static int run_code(PyObject *code, const char *what, PyObject *names, char *error, size_t size)
{
    if (!code || space_run(code, names))
        return 0;
    char reason[512];
    bool missing = PyErr_ExceptionMatches(PyExc_ImportError);
    snprintf(error, size, "the %s raises %s; %s", what, space_exception_text(reason, sizeof reason),
             missing ? "install what is missing in the environment that -p names, or correct the import"
                     : "correct it: it runs on one thread, again in every child");
    return -ENOEXEC;
}

static int make_inputs(const struct space_maker *maker, PyObject *names, char *error, size_t size)
{
    for (unsigned i = 0; i < maker->plan->ninputs; i++) {
        PyObject *array =
            array_build(&maker->recipes[i], maker->plan->seed, plan_input_stream(maker->plan, i));
        int failed = !array || PyDict_SetItemString(names, maker->plan->inputs[i].name, array) < 0;
        Py_XDECREF(array);
        if (!failed)
            continue;
        char reason[256];
        snprintf(error, size, "input %s (%s) cannot be made: %s", maker->plan->inputs[i].name,
                 maker->plan->inputs[i].recipe, space_exception_text(reason, sizeof reason));
        return -ENOEXEC;
    }
    return 0;
}

/* Arrays inside one object share their marks: the thread or the iteration may decide which of them a call changes. */
static struct space_memory *find_memory(const struct space_maker *maker, const struct watched *watched)
{
    size_t root = strcspn(watched->name, ".[");
    for (unsigned i = 0; i < maker->nmemories; i++) {
        const char *name = maker->memories[i].name;
        if (watched->inside
                ? strcspn(name, ".[") == root && name[root] && memcmp(name, watched->name, root) == 0
                : strcmp(name, watched->name) == 0)
            return &maker->memories[i];
    }
    return NULL;
}

static void apply_memory(const struct space_maker *maker, struct watched *watched)
{
    const struct space_memory *memory = find_memory(maker, watched);
    if (!memory)
        return;
    watched->mutable_metadata = memory->metadata;
    watched->mutable_data = memory->data;
    watched->reshaped = memory->reshaped;
    watched->written = memory->written;
}

static void mark_input(const struct space_maker *maker, struct watched *watched)
{
    for (unsigned i = 0; i < maker->plan->ninputs; i++)
        if (strcmp(maker->plan->inputs[i].name, watched->name) == 0)
            watched->input = i + 1;
    watched->out = watched->input && maker->recipes[watched->input - 1].out;
    if (maker->writes && watched->input && PyArray_ISWRITEABLE((PyArrayObject *)watched->array) &&
        !plan_is_private(maker->plan, watched->name)) {
        watched->written = true;
        watched->mutable_data = true;
    }
}

/* Moves the array behind the tripwire, where all references to it are known: a view of it would keep the old buffer.
 * Where workers make their own objects, an object that they may share stays as it is. */
static void place_array(const struct space_maker *maker, const struct reach *reach, size_t index,
                        struct watched *watched)
{
    const struct reached *reached = &reach->objects[index];
    bool alone = maker->plan->share == RUNG_PRIVATE || maker->plan->private;
    if (!maker->tripwire || watched->mutable_metadata || watched->reshaped || (alone && !reached->is_owned) ||
        tripwire_resume(watched) || !reached->is_movable)
        return;
    if (tripwire_place(watched) == 0)
        reach_replace(reach, index, watched->array);
}

/* The fingerprint shows whether calls change the object, and they do the same in each iteration. */
static bool is_compared(const struct space_maker *maker, const struct reach *reach, size_t index)
{
    const struct program *program = maker->program;
    while (reach->objects[index].parent >= 0)
        index = (size_t)reach->objects[index].parent;
    PyObject *name = PyUnicode_FromString(reach->objects[index].path);
    bool is_used = program && name && PySet_Contains(program->used, name) == 1;
    Py_XDECREF(name);
    return is_used && !program->uses_iteration && !program->uses_thread &&
           fingerprint_covers(reach->objects[index].object);
}

void space_watch(const struct space_maker *maker, struct space *space)
{
    struct reach reach;
    reach_names(&reach, space->names, detectors_on(DETECTOR_TRIPWIRE) || detectors_on(DETECTOR_INVARIANT));
    space->watched = calloc(reach.narrays + 1, sizeof *space->watched);
    for (size_t i = 0; space->watched && i < reach.nobjects; i++) {
        struct watched *watched = &space->watched[space->nwatched];
        const struct reached *reached = &reach.objects[i];
        if (!reached->is_array || watched_take(watched, reached->path, reached->object) < 0)
            continue;
        watched->inside = reached->depth > 0;
        watched->loose = watched->inside && (maker->loosens || !is_compared(maker, &reach, i));
        mark_input(maker, watched);
        apply_memory(maker, watched);
        place_array(maker, &reach, i, watched);
        spares_take(watched);
        space->nwatched++;
    }
    memcpy(space->cut, reach.cut, sizeof space->cut);
    reach_clear(&reach);
}

/* Runs the knocked-out statements, one thread at a time: they may race. Exceptions are ignored: the statement would
 * have raised them in every call. */
static void run_left_out(const struct program *program, PyObject *names)
{
    static PyMutex one;
    if (program->left.nsteps == 0)
        return;
    PyMutex_Lock(&one);
    for (unsigned i = 0; i < program->left.nsteps; i++) {
        Py_XDECREF(PyEval_EvalCode(program->left.steps[i].code, names, names));
        PyErr_Clear();
    }
    PyMutex_Unlock(&one);
}

int space_make(struct space_maker *maker, struct space *space, char *error, size_t error_size)
{
    *space = (struct space){.names = Py_BuildValue("{s:O,s:s}", "__builtins__", PyEval_GetBuiltins(),
                                                   "__name__", "__ftstress__")};
    if (!space->names)
        return -ENOMEM;
    int result = make_inputs(maker, space->names, error, error_size);
    if (!result)
        result = run_code(maker->setup, "setup", space->names, error, error_size);
    if (!result && maker->program)
        run_left_out(maker->program, space->names);
    if (result) {
        space_drop(space);
        return result;
    }
    array_api_adopt(); /* the setup may have imported NumPy */
    space_watch(maker, space);
    return 0;
}

/* Binds the private names to its own objects, and watches its own arrays in place of the base's. */
static int add_own(const struct space_maker *maker, const struct space *base, struct space *space)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    const struct space *own = space->own;
    space->watched = calloc(base->nwatched + own->nwatched + 1, sizeof *space->watched);
    if (!space->watched)
        return -ENOMEM;
    while (PyDict_Next(own->names, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        if (name && plan_is_private(maker->plan, name) && PyDict_SetItem(space->names, key, value) < 0)
            return -ENOMEM;
    }
    space->nwatched = 0;
    for (unsigned i = 0; i < base->nwatched; i++)
        if (!plan_is_private(maker->plan, base->watched[i].name))
            space->watched[space->nwatched++] = base->watched[i];
    for (unsigned i = 0; i < own->nwatched; i++) {
        own->watched[i].loose = true;
        if (plan_is_private(maker->plan, own->watched[i].name))
            space->watched[space->nwatched++] = own->watched[i];
    }
    return 0;
}

int space_share(const struct space *base, struct space *space)
{
    *space = (struct space){.names = PyDict_Copy(base->names),
                            .watched = base->watched,
                            .nwatched = base->nwatched,
                            .borrows = true};
    return space->names ? 0 : -ENOMEM;
}

/* Makes the objects that the plan calls private for this worker. Fails like space_make. */
static int add_private(struct space_maker *maker, const struct space *base, struct space *space, char *error,
                       size_t error_size)
{
    struct space *own = calloc(1, sizeof *own);
    int result = own ? space_make(maker, own, error, error_size) : -ENOMEM;
    if (result) {
        free(own);
        return result;
    }
    space->own = own;
    return add_own(maker, base, space);
}

int space_thread_setup(const struct space_maker *maker, struct space *space, unsigned thread_index,
                       char *error, size_t error_size)
{
    space_set_number(space->names, "thread_index", thread_index);
    space_set_number(space->names, "iteration_index", 0);
    return run_code(maker->thread_setup, "thread setup", space->names, error, error_size);
}

int space_begin(struct space_maker *maker, const struct space *base, struct space *space, bool part,
                unsigned thread_index, char *error, size_t error_size)
{
    bool private = maker->plan->share == RUNG_PRIVATE;
    snprintf(error, error_size, "memory is out; raise --memory");
    int result = private ? space_make(maker, space, error, error_size) : space_share(base, space);
    for (unsigned i = 0; !result && private && i < space->nwatched; i++)
        space->watched[i].loose = true;
    if (!result && part && !private && maker->plan->private)
        result = add_private(maker, base, space, error, error_size);
    if (!result)
        result = space_thread_setup(maker, space, thread_index, error, error_size);
    if (result)
        space_drop(space);
    return result;
}

void space_check(const struct space *space)
{
    const struct space *owner = space->own ? space->own : space;
    for (unsigned i = 0; !owner->borrows && i < owner->nwatched; i++)
        spares_check(&owner->watched[i], "");
}

static void drop_array(struct watched *watched)
{
    if (!spares_release(watched)) {
        watched->array = NULL;
        watched->region = NULL;
    }
    watched_drop(watched);
}

void space_unwatch(struct space *space)
{
    for (unsigned i = 0; i < space->nwatched; i++)
        drop_array(&space->watched[i]);
    free(space->watched);
    space->watched = NULL;
    space->nwatched = 0;
}

void space_drop(struct space *space)
{
    Py_CLEAR(space->names);
    if (space->own) {
        space_drop(space->own);
        free(space->own);
        free(space->watched);
    } else if (!space->borrows) {
        space_unwatch(space);
    }
    *space = (struct space){0};
}

void space_remember(struct space_maker *maker, const struct space *space)
{
    for (unsigned i = 0; i < space->nwatched; i++) {
        const struct watched *watched = &space->watched[i];
        if (!watched->mutable_metadata && !watched->mutable_data)
            continue;
        struct space_memory *memory = find_memory(maker, watched);
        if (!memory && (memory = LIST_ADD(maker->memories, maker->nmemories)))
            memory->name = strdup(watched->name);
        if (!memory)
            continue;
        /* One thread restores its inputs after each iteration, so the marks are for several threads only. */
        memory->metadata |= watched->mutable_metadata && maker->plan->threads > 1;
        memory->data |= watched->mutable_data && maker->plan->threads > 1;
        memory->reshaped |= watched->reshaped;
        memory->written |= watched->written;
    }
    for (unsigned i = 0; i < space->nwatched; i++)
        if (space->watched[i].inside)
            apply_memory(maker, &space->watched[i]);
}

void space_loosen(struct space_maker *maker, const struct space *space)
{
    maker->loosens = true;
    for (unsigned i = 0; i < space->nwatched; i++)
        space->watched[i].loose = space->watched[i].inside;
}
