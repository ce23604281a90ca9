/* The vocabulary of the counting detectors: the child counts, the driver judges. */
#pragma once

/* Number of the function that runs the plan's key `new`; the numbers of statements are lower. */
#define STATEMENT_NEW 127

/* The calls of a counting run, in the order in which they are made. */
enum counted_arm {
    COUNTED_CALLS,   /* the steps, repeated */
    COUNTED_NEW,     /* the plan's `new`: something new in each call */
    COUNTED_RELEASE, /* the same, and the plan's `release` after each window */
    COUNTED_ARMS
};

#define COUNTED_WARM_UP 2                   /* first windows: growth in them is ignored */
#define COUNTED_SHORT 3                     /* windows of n calls, then */
#define COUNTED_LONG 3                      /* windows of 2 n */
#define COUNTED_LEAST (COUNTED_WARM_UP + 3) /* windows that are enough for a verdict */
#define COUNTED_WINDOWS (COUNTED_WARM_UP + COUNTED_SHORT + COUNTED_LONG)

/* Parts of the calls after the first windows. */
#define COUNTED_PARTS 3

/* Why an object is audited. */
enum audit_relation {
    AUDIT_NAME,  /* a name of the plan refers to it */
    AUDIT_CLASS, /* a class that a name of the plan refers to */
    AUDIT_ASKED, /* the plan's key `audit` names it */
    AUDIT_ITEM,  /* an item of an audited list, tuple or dict */
    AUDIT_BASE,  /* the base of an audited array */
    AUDIT_DTYPE, /* the dtype of an audited array */
    AUDIT_RELATIONS
};

/* What a series counts. */
enum series_of {
    SERIES_OBJECTS,     /* objects of one type */
    SERIES_SITE_BLOCKS, /* native blocks of one allocation site */
    SERIES_SITE_BYTES,
    SERIES_NATIVE_BYTES, /* in all */
    SERIES_NATIVE_BLOCKS,
    SERIES_PYTHON_BLOCKS,
    SERIES_CODE_BYTES, /* in executable mappings without a file */
    SERIES_RESIDENT_BYTES,
    SERIES_HELD, /* objects of one type: before the calls, after them, after the release step */
    SERIES_KINDS
};

/* What refers to an object or a block that is left over. */
enum holder {
    HOLDER_UNKNOWN,     /* not searched for */
    HOLDER_NOBODY,      /* no memory that was searched refers to it */
    HOLDER_STATIC,      /* data of a shared object */
    HOLDER_MODULE,      /* a module or a class of Python, by one of its names */
    HOLDER_THREAD,      /* memory of a thread */
    HOLDER_HEAP,        /* a native block that nothing refers to */
    HOLDER_CYCLE,       /* objects that refer to each other */
    HOLDER_OBJECT,      /* another object that is left over */
    HOLDER_INTERPRETER, /* the interpreter's own data and nothing else: one of its caches */
    HOLDER_IMMORTAL,    /* the object is immortal: it needs no holder */
    HOLDERS
};
