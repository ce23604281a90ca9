/* The hint detector: the memory of an ordinary child, in all, at each window of calls. The driver notes what grew; the
 * growth detector then finds the owner. It costs nothing in the calls: there is no census and no stack.
 *
 * Contract. Child main, attached, while the workers are parked (counting.h).
 */
#include <malloc.h>

#include "base/resident.h"
#include "detectors/common/counting.h"

_Static_assert(COUNTED_WINDOWS + 1 == RECORD_POINTS, "a point for each window, and one before the first");

enum { BLOCKS, BYTES, RESIDENT, TOTALS };

/* Blocks of PyMem_Malloc and PyObject_Malloc: all of them in a free-threaded CPython, where both are mimalloc's. */
static int64_t count_blocks(void)
{
    PyObject *function = PySys_GetObject("getallocatedblocks");
    PyObject *n = function ? PyObject_CallNoArgs(function) : NULL;
    int64_t blocks = n ? PyLong_AsLongLong(n) : 0;
    Py_XDECREF(n);
    PyErr_Clear();
    return blocks;
}

static void hint_window(struct detector_call *call, const struct counting_window *window)
{
    static const enum series_of series[TOTALS] = {SERIES_PYTHON_BLOCKS, SERIES_NATIVE_BYTES,
                                                  SERIES_RESIDENT_BYTES};
    static int64_t totals[TOTALS][RECORD_POINTS];
    struct mallinfo2 info = mallinfo2();
    totals[BYTES][window->number] = (int64_t)(info.uordblks + info.hblkhd);
    totals[BLOCKS][window->number] = count_blocks();
    totals[RESIDENT][window->number] = (int64_t)resident_bytes(0);
    for (int i = 0; i < TOTALS && window->next == 0; i++) {
        struct record_content content = {
            .values = {[SERIES_OF] = series[i], [SERIES_NPOINTS] = window->number + 1}};
        memcpy(&content.values[SERIES_POINTS], totals[i], sizeof totals[i]);
        record_send_content(call->wire, RECORD_SERIES, &content);
    }
}

const struct detector hint_detector = {
    .id = DETECTOR_HINT,
    .turn = 110,
    .window = hint_window,
};
