/* Shared by the commands that start children. */
#pragma once

#include "driver/command/command.h"
#include "driver/job/job.h"
#include "driver/mode/mode.h"

/* A signal that arrives before the first child starts waits for it, and then ends the run like any other. */
void command_hold_signals(void);

/* What every child of the mode runs with. Signals are held. */
struct job_settings command_settings(const struct mode_run *mode);

/* Returns the processes that run at a time: those of --jobs, else one for each core. */
unsigned command_jobs(const struct request *request);

/* Loads the lists of --known and --baseline. Returns 0, or an exit status after an error message. */
int command_load_known(const struct request *request, struct known_list *list);

/* Prints the kept findings, and writes them as JSON. Returns an exit status. */
int command_list_findings(const struct request *request);

/* Is it a form of a finding that is a program of its own? */
bool command_is_script(const char *form);
