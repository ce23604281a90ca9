/* ABA: a stack of free nodes without a lock. A pop reads the head and the node below it, and swaps the head if it is
 * the same one again; meanwhile others may have taken both and put back only the head. In the twin, each swap also
 * counts in the upper half of the head, so that the same head is never the same value. */
#include "narrow.h"

#include <stdint.h>

enum { NODES = 64 };
#define INDEX UINT64_C(0xffffffff)

/* Heads and nexts are 1 + the index of a node, or 0. */
struct free_list {
    _Atomic uint64_t head;
    struct {
        atomic_uint next;
        volatile long value;
    } nodes[NODES + 1];
};

struct stack {
    PyObject ob_base;
    struct free_list list, twin_list;
};

static inline unsigned pop(struct free_list *list, uint64_t tag)
{
    uint64_t old = atomic_load(&list->head), new;
    do {
        if (!(old & INDEX))
            return 0;
        unsigned next = atomic_load(&list->nodes[old & INDEX].next);
        new = ((old & ~INDEX) + tag) | next;
    } while (!atomic_compare_exchange_weak(&list->head, &old, new));
    return old & INDEX;
}

static inline void push(struct free_list *list, unsigned node, uint64_t tag)
{
    uint64_t old = atomic_load(&list->head), new;
    do {
        atomic_store(&list->nodes[node].next, (unsigned)(old & INDEX));
        new = ((old & ~INDEX) + tag) | node;
    } while (!atomic_compare_exchange_weak(&list->head, &old, new));
}

/* Returns 5x + 4, computed in two nodes, of which the first goes back early. */
static inline long compute(struct free_list *list, long x, uint64_t tag)
{
    unsigned a = pop(list, tag), b = pop(list, tag);
    long sum = 5 * x + 4;
    if (a && b) {
        list->nodes[a].value = x;
        list->nodes[b].value = x + 1;
        sum = list->nodes[a].value;
        push(list, a, tag);
        for (int i = 0; i < 4; i++)
            sum += list->nodes[b].value;
    } else if (a) {
        push(list, a, tag);
    }
    if (b)
        push(list, b, tag);
    return sum;
}

static PyObject *aba(PyObject *self, PyObject *argument)
{
    long x;
    return narrow_long(argument, &x) ? PyLong_FromLong(compute(&((struct stack *)self)->list, x, 0)) : NULL;
}

static PyObject *aba_twin(PyObject *self, PyObject *argument)
{
    long x;
    return narrow_long(argument, &x)
               ? PyLong_FromLong(compute(&((struct stack *)self)->twin_list, x, INDEX + 1))
               : NULL;
}

static PyObject *new_stack(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(names))
{
    struct stack *stack = (struct stack *)type->tp_alloc(type, 0);
    for (unsigned node = 1; stack && node <= NODES; node++) {
        push(&stack->list, node, 0);
        push(&stack->twin_list, node, 0);
    }
    return (PyObject *)stack;
}

int narrow_add_aba(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"aba", aba, METH_O, NULL},
        {"aba_twin", aba_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {Py_tp_new, (void *)new_stack}, {0, NULL}};
    static PyType_Spec spec = {"narrow.Stack", sizeof(struct stack), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
