#include "driver/command/command.h"

#include <limits.h>
#include <stdio.h>

static const char run_more[] =
    "A TARGET is a scenario (see `ftstress list`), a callable with array recipes, a plan file\n"
    "(plan.yaml), or a kept finding, by its id, folder or finding.json. `ftstress sweep` takes whole modules.\n"
    "Statements read as with `python -m timeit`:\n"
    "  ftstress run somersd\n"
    "  ftstress run 'numpy:repeat(f8[20], 2)' 'numpy:linalg.norm(f8[3,3].T)'\n"
    "  ftstress run -s 'import numpy as np; x = np.arange(20.)' 'np.repeat(x, 2)'\n"
    "Statements can read thread_index and iteration_index; `raise SystemExit` ends the run early. They must not\n"
    "wait for one another: the threads stop at different times.\n"
    "\n"
    "A recipe is one array: dtype, [shape], then [slices] and .T, then +offset, ~bcast(shape), @ro, @out:\n"
    "  f8[20]  i4[3,4].T  f8[40][::2]  >c16[5,1]+8  f8[20][::-1]@ro  f4[0]  f8[]  f8[8]~bcast(4,8)  f8[20]@out\n"
    "\n"
    "A run starts children, processes that each call the target from many threads. A finding is run again in trials,\n"
    "which show how often it fails and whose fault it is. The sharing level decides which threads see which inputs.\n"
    "The glossary of the documentation explains these and the other terms.\n"
    "\n"
    "Exit status: 0 clean, 1 finding, 2 usage, 3 could not test (and why), 125 the harness itself failed.\n";

static const char sweep_more[] =
    "Calls every public callable of each MODULE and its public submodules, and the methods of classes that simple\n"
    "arguments make, in many forms: dtypes, shapes, strides, negative steps, zero size, 0-d, read-only, overlapping\n"
    "and broadcast arrays, lists, scalars, strings, and keywords from signatures.\n"
    "  ftstress sweep numpy                                 with all submodules\n"
    "  ftstress sweep scipy.linalg.lapack scipy.special\n"
    "  ftstress sweep m --jobs 4 --time 5m --json sweep.json\n"
    "\n"
    "First one thread makes each call, under the detectors tripwire, invariant and guard. A call that crashes, needs\n"
    "more than 2 s of processor time (--timeout) or uses more than 2 GB of memory (--memory) costs one child, and the\n"
    "sweep goes on behind it. A call that failed is run again by itself; what it shows there is a finding. Then\n"
    "threads make the calls that returned, at the same time, on shared inputs.\n"
    "The table at the end counts the calls that returned and raised, and says which callables were never reached, and\n"
    "why. Callables that reach outside the process (they start or end processes, use the network, wait for a person)\n"
    "are not called; children run in a private temporary folder, and files that they write are small.\n"
    "A sweep that was interrupted or killed leaves its results under --out; the same command goes on from there.\n"
    "\n"
    "Exit status: 0 clean, 1 finding, 2 usage, 3 could not test (and why), 125 the harness itself failed.\n";

static const char fuzz_more[] =
    "Draws calls of the callables of each TARGET, a module or one callable, and keeps those that show something new.\n"
    "  ftstress fuzz numpy --time 10m                       with all submodules\n"
    "  ftstress fuzz numpy:repeat scipy.special --corpus nightly --time 2h\n"
    "\n"
    "Each round takes some callables and plans of the corpus, and changes arguments and arrays: dtype, shape, stride,\n"
    "negative step, zero size, read-only. One thread makes the calls first, as with `ftstress sweep`. The calls that\n"
    "returned are then run by threads, at the same time: each callable with itself, and 2 to 16 calls with one\n"
    "another, on shared or private inputs. A failure among several calls is a finding only if the plan fails again in\n"
    "fresh children. Trials show which package is to blame.\n"
    "A call with a new kind of result, and a plan with a failure or with words that several threads touched, becomes\n"
    "a small plan file in the corpus, which `ftstress run FILE` runs. The folder is read again in each round, so that\n"
    "several fuzzers can share it. Findings and plans are written at once: Ctrl-C and kill -9 lose none. After a\n"
    "kill, the same command goes on from there.\n"
    "The next run with this corpus begins with the plans that failed. With --baseline, only what is new or back again\n"
    "sets exit status 1. --shard divides the callables; `ftstress merge` unites findings and corpora.\n"
    "\n"
    "Exit status: 0 clean, 1 finding, 2 usage, 3 could not test (and why), 125 the harness itself failed.\n";

static const char merge_more[] =
    "Unites reports of `ftstress run` and of shards of a sweep: each DIR is a folder that --out named. Callables and\n"
    "findings come once, counts add up, and kept findings are copied to the folder of --out:\n"
    "  ftstress sweep numpy --shard 1/2 --out one           on one machine\n"
    "  ftstress sweep numpy --shard 2/2 --out two           on another one\n"
    "  ftstress merge one two --out all --baseline numpy.yaml --update-baseline\n"
    "A sweep or fuzzer that was killed counts with what it left. The notes name shards that are missing.\n"
    "A DIR that is the corpus of a fuzzer is added to the folder of --corpus, with the plans that show something\n"
    "which no other plan shows:\n"
    "  ftstress merge one two corpus-1 corpus-2 --out all --corpus nightly\n"
    "\n"
    "Exit status: 0 clean, 1 finding, 2 usage, 3 a report is missing or could not test, 125 the harness itself "
    "failed.\n";

static const char reproduce_more[] =
    "Runs the plan of a kept finding in fresh children, until the same failure came three times, or --trials\n"
    "children did, or the time is over. FINDING is an id of `ftstress list findings`, or a folder of a finding.\n"
    "Without -p it runs in the interpreter of the finding, with the same versions; -p names another one, for example\n"
    "with a newer release:\n"
    "  ftstress reproduce F898e712\n"
    "  ftstress reproduce F898e712 -p venv-with-the-fix --trials 50\n"
    "\n"
    "Exit status: 0 does not fail, 1 fails again, 2 usage, 3 could not test, such as where versions differ (and\n"
    "which), 125 the harness itself failed.\n";

static const char minimize_more[] =
    "Leaves out statements and inputs, then threads, perturbations and detectors, then parts of recipes and\n"
    "expressions, as long as the plan fails in the same way and as often in a second. Failures are random, so that\n"
    "each candidate runs until a sequential test has decided. The state is kept beside the finding after each\n"
    "candidate: the same command goes on after Ctrl-C or when the time was over.\n"
    "\n"
    "Exit status: 1 the smallest plan fails, 2 usage, 3 the finding does not fail here, 125 the harness itself\n"
    "failed.\n";

static const char bisect_more[] =
    "Runs the plan of a kept finding with releases of one package, in venvs that are kept in the cache, and halves\n"
    "the range until two neighbours differ. The other packages keep their versions. pip lists and installs wheels\n"
    "from the index that it is configured for; releases without a wheel are listed. Without a range: from the\n"
    "finding's version to the newest.\n"
    "  ftstress bisect F898e712 numpy 2.2.0..2.2.6\n"
    "\n"
    "Exit status: 0 found, 2 usage, 3 not found, 125 the harness itself failed.\n";

static const char list_more[] =
    "The default is scenarios. Findings are those kept under --out: how often they were seen in how many runs (UTC),\n"
    "and in how many of the trials they failed again.\n"
    "\n"
    "Exit status: 0 listed, 2 usage, 125 the list could not be read.\n";

static const char show_more[] =
    "FINDING is an id of `ftstress list findings`, or a folder of a finding.\n"
    "\n"
    "Exit status: 0 printed, 2 usage, 3 there is no such finding, 125 it could not be printed.\n";

static const char report_more[] =
    "Without a name: the last run that was kept under --out. FINDING is an id of `ftstress list findings`:\n"
    "  ftstress report                                     the last run\n"
    "  ftstress report --as html -o report.html            the last run as a page to read or to send\n"
    "  ftstress report F898e712 --as github                one finding as a bug report to paste into a tracker\n"
    "  ftstress report old/report.json --as html -o old.html\n"
    "\n"
    "--output - is standard output. A finding of an earlier run is reported from the files that were kept with it.\n"
    "\n"
    "Exit status: 0 written, 2 usage, 3 there is nothing to report, 125 it could not be written.\n";

static const char doctor_more[] =
    "Checks the machine, the interpreter and the packages, and says for each thing that is missing how to get it.\n"
    "PATH is an interpreter or a venv, as -p names it.\n"
    "\n"
    "Exit status: 0 ready, 2 usage, 3 something that is needed is missing, 125 the harness itself failed.\n";

const struct command commands[] = {
    {OPTION_RUN, "TARGET... | [-s SETUP]... [-i NAME=RECIPE]... [--role STMT]... STMT...",
     "stress something and report what breaks", run_more, UINT_MAX, command_run},
    {OPTION_SWEEP, "MODULE... [-p PYTHON] [--jobs N] [--time TIME] [--out DIR]",
     "call every public callable of modules, and report what breaks", sweep_more, UINT_MAX, command_sweep},
    {OPTION_FUZZ, "TARGET... [-p PYTHON] [--corpus DIR] [--time TIME] [--out DIR]",
     "draw calls of modules for hours, and report what breaks", fuzz_more, UINT_MAX, command_fuzz},
    {OPTION_MERGE, "DIR... [--out DIR]", "unite the reports of several runs, or of the shards of a sweep",
     merge_more, UINT_MAX, command_merge},
    {OPTION_REPRODUCE, "FINDING [-p PYTHON] [--trials N] [--time TIME] [--out DIR]",
     "run a finding again, and say how often it fails", reproduce_more, 1, command_reproduce},
    {OPTION_MINIMIZE, "FINDING [-p PYTHON] [--time TIME] [--out DIR]",
     "find the smallest plan that fails in the same way", minimize_more, 1, command_minimize},
    {OPTION_BISECT, "FINDING PACKAGE [A..B] [-p PYTHON] [--time TIME] [--out DIR]",
     "find the release of a package in which a finding comes or goes", bisect_more, 3, command_bisect},
    {OPTION_LIST, "[scenarios|detectors|findings] [--out DIR]", "list scenarios, detectors or kept findings",
     list_more, 1, command_list},
    {OPTION_SHOW, "FINDING", "print everything about one kept finding", show_more, 1, command_show},
    {OPTION_REPORT, "[FINDING|DIR|FILE.json] [--as FORM] [--output FILE] [--out DIR]",
     "report the last run, or one finding, for a person, a CI server or a tracker", report_more, 1,
     command_report_any},
    {OPTION_DOCTOR, "[PATH]",
     "check whether this machine and interpreter can be tested, and by which detectors", doctor_more, 1,
     command_doctor},
};
const size_t command_count = sizeof commands / sizeof *commands;

void command_help_all(void)
{
    printf("usage: ftstress COMMAND ...\n"
           "Finds races, heap corruption, hidden writes and deadlocks of compiled Python packages on "
           "free-threaded CPython,\n"
           "and reports whose fault they are.\n\n");
    for (size_t i = 0; i < command_count; i++)
        printf("  ftstress %-9s %s\n            %s\n", option_command_names[commands[i].id],
               commands[i].usage, commands[i].about);
    printf(
        "\nSee `ftstress COMMAND --help`. To begin: ftstress doctor; ftstress list; ftstress run somersd\n");
}
