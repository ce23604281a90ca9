/* Does a finding need a call of its plan? The trials of its verification show it: those without the call fail as the
 * whole plan does, or never do. Pure functions of a report (ftstress-report/1). */
#pragma once

#include <jansson.h>
#include <stdbool.h>

enum need {
    NEED_UNKNOWN, /* there were no trials without it, or too few */
    NEED_NONE,    /* the plan fails without it, too */
    NEED_CALL,    /* the plan never fails without it, in as many trials as its rate makes significant */
};

/* The finding is one of the report; the statement is the call as the plan has it. */
enum need need_of(const json_t *report, const json_t *finding, const char *statement);

/* Can the plan do without the call, for each finding of the report? */
bool need_is_none(const json_t *report, const char *statement);
