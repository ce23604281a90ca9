/* Reads the Python frames of the calling thread in a signal handler. See pyversion.h for the contract.
 *
 * All objects are checked by type and read through peek: the code object of a frame, its strings, its line table. Only
 * then a function of CPython computes the line; it reads these objects and no more.
 */
#define Py_BUILD_CORE 1
#include "detectors/common/pyversion.h"

#if __has_include(<internal/pycore_interpframe_structs.h>)
#include <internal/pycore_interpframe_structs.h>
#else
#include <internal/pycore_frame.h>
#endif

#include <string.h>

#include "base/peek.h"

#define FRAMES_MOST 20000 /* of a recursion; deeper ones are not counted */
#define CHUNK 64
#define LINE_TABLE_MOST ((Py_ssize_t)1 << 24)

#define PEEK(from, to) peek(0, (uint64_t)(uintptr_t)(from), (to), sizeof *(to))

struct view {
    _PyInterpreterFrame *frame;
    _PyInterpreterFrame copy;
    PyCodeObject code;
    bool is_python; /* not one of the frames that the interpreter puts between C and Python */
};

static bool is_a(const void *object, const PyTypeObject *type)
{
    PyObject head;
    return PEEK(object, &head) && head.ob_type == type;
}

static size_t put_utf8(char *to, uint32_t c)
{
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (char)(heads[more] | (c >> 6 * more & (more ? 0x1f : 0x7f)));
    for (unsigned i = 1; i <= more; i++)
        to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/* Copies the characters from `at` on that fit, as UTF-8. */
static void copy_characters(uint64_t data, unsigned kind, Py_ssize_t at, Py_ssize_t length, char *to,
                            size_t size)
{
    union {
        uint8_t one[CHUNK];
        uint16_t two[CHUNK];
        uint32_t four[CHUNK];
    } chunk;
    size_t n = 0;
    while (at < length) {
        size_t count = length - at < CHUNK ? (size_t)(length - at) : CHUNK;
        if (!peek(0, data + (uint64_t)at * kind, &chunk, count * kind))
            break;
        for (size_t i = 0; i < count && n + 4 < size; i++)
            n += put_utf8(to + n, kind == 1 ? chunk.one[i] : kind == 2 ? chunk.two[i] : chunk.four[i]);
        if (n + 4 >= size)
            break;
        at += (Py_ssize_t)count;
    }
    to[n] = '\0';
}

/* Copies the start of a string that is too long, or its end. */
static void copy_string(const PyObject *object, bool end, char *to, size_t size)
{
    PyASCIIObject head;
    to[0] = '\0';
    if (!is_a(object, &PyUnicode_Type) || !PEEK(object, &head) || !head.state.compact || head.length < 0)
        return;
    unsigned kind = head.state.kind;
    if (kind != 1 && kind != 2 && kind != 4)
        return;
    uint64_t data = (uint64_t)(uintptr_t)object +
                    (head.state.ascii ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject));
    Py_ssize_t most = (Py_ssize_t)(size - 8) / (head.state.ascii ? 1 : kind + 1), at = 0;
    if (end && head.length > most) {
        at = head.length - most;
        memcpy(to, "…", 3);
        to += 3;
        size -= 3;
    }
    copy_characters(data, kind, at, head.length, to, size);
}

static PyCodeObject *executable(const _PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030e0000
    return (PyCodeObject *)(frame->f_executable.bits & ~(uintptr_t)3);
#elif PY_VERSION_HEX < 0x030d0000
    return frame->f_code;
#else
    return (PyCodeObject *)frame->f_executable;
#endif
}

static bool copy_frame(_PyInterpreterFrame *frame, struct view *view)
{
    view->frame = frame;
    if (!PEEK(frame, &view->copy))
        return false;
    const PyCodeObject *code = executable(&view->copy);
    view->is_python = is_a(code, &PyCode_Type) && PEEK(code, &view->code);
    return true;
}

/* Does a tracer keep its own lines? */
static bool is_traced(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030c0000
    _PyCoMonitoringData monitoring;
    return code->_co_monitoring && (!PEEK(code->_co_monitoring, &monitoring) || monitoring.lines);
#else
    (void)code;
    return false;
#endif
}

/* Checks all that CPython reads for a line: the code object, its line table, and the data of a tracer. */
static bool is_sound(const struct view *view)
{
    PyBytesObject table;
    char last;
    if (!is_a(view->code.co_linetable, &PyBytes_Type) || !PEEK(view->code.co_linetable, &table))
        return false;
    Py_ssize_t n = Py_SIZE(&table);
    if (n <= 0 || n > LINE_TABLE_MOST ||
        !PEEK((const char *)view->code.co_linetable + offsetof(PyBytesObject, ob_sval) + n - 1, &last))
        return false;
    return !is_traced(&view->code);
}

static int line_of(_PyInterpreterFrame *frame)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyUnstable_InterpreterFrame_GetLine(frame);
#else
    return PyCode_Addr2Line(frame->f_code, _PyInterpreterFrame_LASTI(frame) * (int)sizeof(_Py_CODEUNIT));
#endif
}

static bool current_frame(const PyThreadState *state, _PyInterpreterFrame **ret_frame)
{
#if PY_VERSION_HEX >= 0x030d0000
    return PEEK(&state->current_frame, ret_frame);
#else
    _PyCFrame *native;
    return PEEK(&state->cframe, &native) && PEEK(&native->current_frame, ret_frame);
#endif
}

static void write_frame(struct scene_page *page, const struct view *view)
{
    struct scene_python *python = &page->python[page->npython];
    copy_string(view->code.co_qualname, false, python->function, sizeof python->function);
    copy_string(view->code.co_filename, true, python->file, sizeof python->file);
    python->line = is_sound(view) ? line_of(view->frame) : 0;
    /* Code of the interpreter itself has no names. */
    page->npython += python->function[0] || python->file[0];
}

void pyversion_write_frames(struct scene_page *page)
{
    PyThreadState *state = PyGILState_GetThisThreadState();
    _PyInterpreterFrame *frame;
    struct view view;
    if (!state || !current_frame(state, &frame))
        return;
    for (unsigned i = 0; frame && i < FRAMES_MOST && copy_frame(frame, &view);
         i++, frame = view.copy.previous) {
        if (!view.is_python)
            continue;
        /* The last place is for the worker's statement. */
        if (page->npython < SCENE_PYTHON - 1)
            write_frame(page, &view);
        else
            page->more_python++;
    }
}

/* The head of parking_lot.c's struct wait_entry, which lies on the waiting thread's stack. */
struct parked {
    void *argument;
    uint64_t address;
    char semaphore[8];
};

uint64_t pyversion_parked(uint64_t futex)
{
    struct parked parked;
    return PEEK(futex - offsetof(struct parked, semaphore), &parked) ? parked.address : 0;
}
