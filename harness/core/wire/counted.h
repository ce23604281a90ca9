/* The vocabulary of the counting detectors: the child counts, the driver judges. */
#pragma once

/* Number of the function that runs the plan's key `new`; the numbers of statements are lower. */
#define STATEMENT_NEW 127

/* The calls after the first ones are counted in this number of parts. */
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
    HOLDER_NOBODY,      /* no memory that was searched refers to it */
    HOLDER_STATIC,      /* data of a shared object */
    HOLDER_MODULE,      /* a module or a class of Python, by one of its names */
    HOLDER_THREAD,      /* memory of a thread */
    HOLDER_HEAP,        /* a native block that nothing refers to */
    HOLDER_CYCLE,       /* objects that refer to each other */
    HOLDER_OBJECT,      /* another object that is left over */
    HOLDER_INTERPRETER, /* the interpreter's own data and nothing else: one of its caches */
    HOLDERS
};
