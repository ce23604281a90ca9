/* ftstress-child: embeds one interpreter and runs exactly one plan. The driver starts it; it also runs by hand,
 * under gdb, rr or Valgrind. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/remedy.h"
#include "child/crash/crash.h"
#include "child/crash/leaving.h"
#include "child/crash/yield.h"
#include "child/first/first.h"
#include "child/outcome/outcome.h"
#include "child/python/interp.h"
#include "detectors/common/pyversion.h"
#include "child/run/run.h"
#include "child/run/tsan.h"
#include "child/step/native.h"
#include "core/plan/perturb.h"
#include "core/wire/record.h"
#include "core/wire/status.h"
#include "detectors/common/array_api.h"
#include "detectors/common/selftest.h"
#include "detectors/table/detectors.h"
#include "detectors/watch/candidates.h"
#include "detectors/watch/spares.h"
#include "detectors/watch/watchpoint.h"
#include "detectors/leak/census.h"
#include "detectors/memory/domain_point.h"
#include "detectors/memory/guard.h"
#include "heap/site/addresses.h"

struct arguments {
    const char *plan;
    const char *python;
    int wire, board, races;
    int allow_gil, gil; /* flags of getopt */
    bool has_lengths, check;
    struct lengths lengths;
};

static const char help[] =
    "usage: ftstress-child [options] PLAN.yaml\n"
    "Runs one plan in this process and prints what the detectors find. ftstress starts it; start it by hand to run\n"
    "the plan of a finding under gdb, rr or Valgrind.\n"
    "\n"
    "  -p, --python PATH  use the packages of this interpreter or venv (default: the one it was built for)\n"
    "  --allow-gil        run even if the GIL is on\n"
    "  --gil              turn the GIL on\n"
    "  --abi              print the ABI that it was built for (" FTSTRESS_ABI
    ") and the interpreter, and exit\n"
    "  --wire FD          write records to this descriptor (the driver's)\n"
    "  --board FD         share counters through this descriptor (the driver's)\n"
    "  --lengths N,M      each thread runs the steps N times, then `new` M times; 0: until the time is over\n"
    "  --races FD         write ThreadSanitizer's reports to this descriptor (the driver's)\n"
    "  --check            check what this program assumes about the interpreter, and exit: 0, or 3 where it is false\n"
    "  --canary           show that ThreadSanitizer reports a race, and exit\n"
    "  --help             this text\n";

/* NOLINTBEGIN(concurrency-mt-unsafe): there is no other thread yet */
static void parse_lengths(const char *text, struct arguments *arguments)
{
    struct lengths *lengths = &arguments->lengths;
    arguments->has_lengths = true;
    if (sscanf(text, "%" SCNu64 ",%" SCNu64, &lengths->calls, &lengths->fresh) == 2)
        return;
    fputs("ftstress-child: --lengths needs two numbers, as in --lengths 100,10\n", stderr);
    exit(STATUS_USAGE);
}

static void parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int option;
    const struct option options[] = {
        {"python", required_argument, NULL, 'p'},
        {"wire", required_argument, NULL, 'w'},
        {"board", required_argument, NULL, 'b'},
        {"allow-gil", no_argument, &arguments->allow_gil, true},
        {"gil", no_argument, &arguments->gil, true},
        {"abi", no_argument, NULL, 'a'},
        {"races", required_argument, NULL, 'r'},
        {"check", no_argument, NULL, 's'},
        {"canary", no_argument, NULL, 'c'},
        {"lengths", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *arguments = (struct arguments){.python = FTSTRESS_PYTHON, .wire = -1, .board = -1, .races = -1};
    while ((option = getopt_long(argc, argv, "p:", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            arguments->python = optarg;
            break;
        case 'w':
            arguments->wire = atoi(optarg);
            break;
        case 'b':
            arguments->board = atoi(optarg);
            break;
        case 'r':
            arguments->races = atoi(optarg);
            break;
        case 'l':
            parse_lengths(optarg, arguments);
            break;
        case 'a':
            printf("%s %s\n", FTSTRESS_ABI, FTSTRESS_PYTHON);
            exit(0);
        case 's':
            arguments->check = true;
            break;
        case 'c':
            tsan_canary(-1);
            exit(0);
        case 'h':
            fputs(help, stdout);
            exit(0);
        case 0: /* a flag */
            break;
        default:
            exit(STATUS_USAGE);
        }
    }
    if (arguments->check)
        return;
    if (optind + 1 != argc) {
        fputs("ftstress-child: give one plan; see --help\n", stderr);
        exit(STATUS_USAGE);
    }
    arguments->plan = argv[optind];
    arguments->allow_gil |= arguments->gil;
}
/* NOLINTEND(concurrency-mt-unsafe) */

static const struct ft_scenario *find_native(const char *name, char *error, size_t size)
{
    if (strchr(name, '/'))
        return native_load(name, error, size);
    for (unsigned i = 0; ft_scenarios[i]; i++)
        if (strcmp(ft_scenarios[i]->name, name) == 0)
            return ft_scenarios[i];
    snprintf(error, size, "this child has no such native scenario; `ftstress list` shows all");
    return NULL;
}

/* Compiles steps or roles to bodies. On failure `error` is one sentence. */
static int compile_program(const struct plan *plan, struct program *program, char *error, size_t size)
{
    int result = 0;
    if (plan->nsteps > 0)
        result = program_add(program, plan->steps, plan->nsteps, error, size);
    for (unsigned i = 0; i < plan->nroles && !result; i++)
        result = program_add(program, &plan->roles[i], 1, error, size);
    if (!result)
        program_finish(program);
    return result;
}

/* The scenarios of the tree use the array interface of this program. */
static int import_numpy(const struct run *run)
{
    char reason[256];
    const char *native = run->plan->native;
    bool uses_ours = run->native && native && !strchr(native, '/');
    if ((run->plan->ninputs == 0 && !uses_ours) || array_api_import() == 0)
        return 0;
    return run_cannot(
        run, STATUS_UNTESTED,
        "the plan's inputs are NumPy arrays, and NumPy cannot be imported (%s); install it in the environment that -p "
        "names, or make the inputs with -s",
        space_exception_text(reason, sizeof reason));
}

/* One thread makes no race. */
static bool is_first(const struct plan *plan)
{
    return plan->perturb & PERTURB_FIRST && plan->threads > 1;
}

/* Runs the plan between the start of Python and its end. */
static int run_in_python(struct run *run)
{
    char error[640];
    struct program program = {.leave_out = run->plan->leave_out, .nleave_out = run->plan->nleave_out};
    struct program fresh = {0};
    struct space_maker maker;
    struct recipe recipes[PLAN_INPUTS_MAX];
    if (run->plan->native && !(run->native = find_native(run->plan->native, error, sizeof error)))
        return run_cannot(run, STATUS_USAGE, "%s", error);
    if (!run->native && compile_program(run->plan, &program, error, sizeof error))
        return run_cannot(run, STATUS_USAGE, "%s", error);
    if (run->plan->fresh && program_add(&fresh, &run->plan->fresh, 1, error, sizeof error) < 0)
        return run_cannot(run, STATUS_USAGE, "%s", error);
    program_finish(&fresh);
    for (unsigned i = 0; i < run->plan->ninputs; i++)
        recipe_parse(run->plan->inputs[i].recipe, &recipes[i], error, sizeof error);
    int result = space_maker_init(&maker, run->plan, recipes, error, sizeof error);
    if (result)
        return run_cannot(run, STATUS_USAGE, "%s", error);
    int status = import_numpy(run);
    guard_take_arrays();
    spares_start(run->wire);
    detectors_select(run->plan->detect, run->wire);
    run->program = maker.program = run->native ? NULL : &program;
    run->fresh = run->plan->fresh ? &fresh : NULL;
    run->maker = &maker;
    if (!status)
        status = run->plan->outcome ? outcome_run(run) : is_first(run->plan) ? first_run(run) : run_plan(run);
    run->program = run->fresh = NULL;
    run->maker = NULL;
    space_maker_clear(&maker);
    program_clear(&program);
    program_clear(&fresh);
    return status;
}

/* Returns the name of the assumption about the interpreter that is false, with a fault in `test`, or NULL. */
static const char *check_interpreter(struct selftest *test, FILE *out)
{
    const struct pyobject_layout layout = pyversion_layout();
    *test = (struct selftest){.layout = &layout};
    return selftest_run(test, out);
}

/* --check */
static int print_check(const char *python)
{
    char error[512];
    struct selftest test;
    if (interp_start(python, false, false, error, sizeof error) == 0)
        return check_interpreter(&test, stdout) ? STATUS_UNTESTED : STATUS_CLEAN;
    fprintf(stderr, "ftstress-child: %s\n", error);
    return STATUS_UNTESTED;
}

/* A child that stops at its first finding leaves the end of Python out, which takes 10 ms and more. */
static bool leaves_end_out(const struct run *run)
{
    return run->plan->stop_on_first && (atomic_load(&run->findings) || guard_has_found());
}

static int run_child(struct run *run, const struct arguments *arguments)
{
    char error[512];
    bool counts = run->plan->detect & DETECTOR_COUNTERS;
    bool hooks = !counts && run->plan->detect & DETECTOR_BIT(DETECTOR_PYHEAP);
    if (!pyversion_is_free_threaded() && !arguments->allow_gil)
        return run_cannot(run, STATUS_UNTESTED,
                          "this ftstress-child embeds a CPython with the GIL; " REMEDY_GIL
                          ", or pass --allow-gil");
    census_enable(counts);
    candidates_start();
    guard_take_domains();
    domain_point_take(counts ? 0 : run->plan->perturb);
    if (interp_start(arguments->python, arguments->gil, hooks, error, sizeof error) < 0)
        return run_cannot(run, STATUS_UNTESTED, "%s", error);
    struct selftest test;
    const char *name = check_interpreter(&test, NULL);
    if (name)
        return run_cannot(
            run, STATUS_UNTESTED,
            "CPython %.*s is not what ftstress assumes: %s (%s); use a version that README names, and see "
            "ftstress doctor",
            (int)strcspn(Py_GetVersion(), " "), Py_GetVersion(), test.fault, name);
    if (counts)
        census_mortal = pyversion_keep_mortal();
    int status = run_in_python(run);
    if (status != STATUS_CLEAN)
        return status;
    if (leaves_end_out(run)) {
        interp_flush();
        return STATUS_CLEAN;
    }
    addresses_set_epoch(EPOCH_END);
    status = Py_FinalizeEx() < 0 ? STATUS_HARNESS : STATUS_CLEAN;
    detectors_after_end(run->wire);
    return status;
}

/* The driver passes its plan as an open file. */
static void close_plan(const char *path)
{
    int fd;
    if (sscanf(path, "/proc/self/fd/%d", &fd) == 1)
        fd_close(&fd);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct plan plan;
    char error[640];
    parse_arguments(argc, argv, &arguments);
    if (arguments.check)
        return print_check(arguments.python);
    fd_make_room(STDERR_FILENO);
    struct run run = {.plan = &plan, .wire = fd_move_high(arguments.wire), .iteration_time = 1};

    /* Crash handlers come first. */
    signal(SIGPIPE, SIG_IGN);
    if (board_open(arguments.board, &run.board) < 0 || crash_install(run.wire, run.board) < 0) {
        fputs("ftstress-child: cannot map the board or install signal handlers\n", stderr);
        return STATUS_HARNESS;
    }
    leaving_start(run.board);
    yield_start(run.board);
    record_guard(run.wire, &run.board->wire_lost);
    fd_close(&arguments.board);

    /* If this race is not reported, the absence of other reports proves nothing. */
    if (arguments.races >= 0)
        tsan_canary(fd_move_high(arguments.races));

    plan_init(&plan);
    if (plan_load(arguments.plan, &plan, error, sizeof error) < 0)
        return run_cannot(&run, STATUS_USAGE, "%s", error);
    close_plan(arguments.plan);
    if (is_first(&plan))
        plan.detect &= PERTURB_FIRST_DETECTORS;

    /* The guard answers malloc from here on. */
    int guard = guard_begin(&plan, run.wire);
    if (guard == -ENOTSUP)
        return run_cannot(
            &run, STATUS_UNTESTED,
            "this child is built with a sanitizer, which replaces the guard; leave guard out of --detect");
    if (guard < 0)
        return run_cannot(
            &run, STATUS_UNTESTED,
            "the guard finds no address space; raise the limit (ulimit -v), or leave guard out of --detect");

    if (plan.detect & DETECTOR_BIT(DETECTOR_WATCH))
        watchpoint_begin_try();

    run.allow_gil = arguments.allow_gil;
    run.lengths = arguments.has_lengths ? &arguments.lengths : NULL;
    int status = run_child(&run, &arguments);
    fflush(NULL);
    if (leaves_end_out(&run))
        _exit(status);
    return status;
}
