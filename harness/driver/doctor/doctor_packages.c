/* Do the compiled packages of an interpreter import, and does the GIL stay off? Each is imported in a process of its
 * own. */
#include "driver/doctor/doctor_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "driver/tool/probe_run.h"

#define IMPORT_LIMIT (60 * CLOCK_SECOND)

/* Lists packages on sys.path outside the standard library: site-packages, and what .pth files add. */
static const char list_code[] =
    "import importlib.machinery, os, sys, sysconfig\n"
    "suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)\n"
    "standard = [sysconfig.get_path('stdlib'), os.path.join(sysconfig.get_path('stdlib'), 'lib-dynload')]\n"
    "def is_compiled(path):\n"
    "    for folder, below, files in os.walk(path):\n"
    "        below[:] = [name for name in below if name.isidentifier()]\n"
    "        if any(name.endswith(suffixes) for name in files):\n"
    "            return True\n"
    "    return False\n"
    "names = set()\n"
    "for folder in sys.path:\n"
    "    if folder in standard or not os.path.isdir(folder):\n"
    "        continue\n"
    "    for entry in os.scandir(folder):\n"
    "        name = entry.name if entry.is_dir() else entry.name.split('.')[0]\n"
    "        if name.isidentifier() and (is_compiled(entry.path) if entry.is_dir() else "
    "entry.name.endswith(suffixes)):\n"
    "            names.add(name)\n"
    "print('\\nftstress\\tnames\\t' + ' '.join(sorted(names)))\n";

/* A warning of the interpreter names the module that turns the GIL on. os._exit: an error in the package's clean-up
 * does not matter here. */
static const char import_code[] =
    "import importlib, os, re, sys, warnings\n"
    "name = sys.argv[1]\n"
    "def say(key, value):\n"
    "    line = '\\nftstress\\t%s\\t%s\\n' % (key, ' '.join(value.split()))\n"
    "    sys.__stdout__.buffer.write(line.encode('utf-8', 'replace'))\n"
    "try:\n"
    "    with warnings.catch_warnings(record=True) as seen:\n"
    "        warnings.simplefilter('always')\n"
    "        module = importlib.import_module(name)\n"
    "except BaseException as error:\n"
    "    while error.__cause__:\n"
    "        error = error.__cause__\n"
    "    lines = [line for line in str(error).splitlines() if line.strip()]\n"
    "    say('failed', ': '.join([type(error).__name__] + lines[:1])[:160])\n"
    "else:\n"
    "    version = getattr(module, '__version__', None)\n"
    "    say('imported', '%s %s' % (name, version) if isinstance(version, str) else name)\n"
    "    if sys._is_gil_enabled():\n"
    "        hits = [re.search(r\"GIL.* to load module '([^']+)'\", str(w.message)) for w in seen]\n"
    "        say('guilty', ([hit[1] for hit in hits if hit] or [name])[0])\n"
    "sys.__stdout__.flush()\n"
    "os._exit(0)\n";

static const char numpy_code[] = "import numpy, numpy._core._multiarray_umath as core\n"
                                 "print('\\nftstress\\tversion\\t' + numpy.__version__)\n"
                                 "print('ftstress\\tfile\\t' + core.__file__)\n";

/* Kinds of packages, each listed on a line of its own. */
enum { GROUP_OFF, GROUP_ON, GROUP_FAILED, GROUPS };

/* argv of one import; `end` stays NULL. */
struct command {
    char *python, *isolated, *option, *code, *name, *end;
};

/* On success *ret_job has the output. */
static int run_code(const struct probe *probe, const char *code, struct probe_job *ret_job)
{
    struct command command = {probe->executable, "-I", "-c", (char *)code, NULL, NULL};
    *ret_job = (struct probe_job){.argv = &command.python, .limit = IMPORT_LIMIT};
    probe_run(ret_job, 1);
    ret_job->argv = NULL;
    return ret_job->error;
}

enum doctor_level doctor_numpy(struct doctor *doctor)
{
    char reason[320];
    struct probe_job job;
    const struct probe *probe = &doctor->probe;
    int error = run_code(probe, numpy_code, &job);
    cleanup_free char *version = error ? NULL : probe_value(job.out, "version");
    cleanup_free char *file = error ? NULL : probe_value(job.out, "file");
    bool missing = job.err && strstr(job.err, "No module named 'numpy'");
    probe_reason(&job, reason, sizeof reason);
    probe_job_clear(&job);
    if (version && file)
        return doctor_say(doctor, DOCTOR_OK, NULL, "NumPy %s imports%s", version,
                          doctor_has_symbols(file) ? ""
                                                   : "; it is stripped: stacks name only exported functions");
    fprintf(doctor->remedy, "%s -m pip install numpy (only array inputs, -i, need it)", probe->executable);
    return doctor_say(doctor, DOCTOR_WARN, NULL, "NumPy %s%s",
                      missing ? "is not installed" : "does not import: ", missing ? "" : reason);
}

static void add_result(char **groups, const char *name, const struct probe_job *job)
{
    char reason[320];
    cleanup_free char *imported = probe_value(job->out, "imported"),
                      *failed = probe_value(job->out, "failed"), *guilty = probe_value(job->out, "guilty"),
                      *text = NULL;
    bool is_other = guilty && strcmp(guilty, name) != 0;
    probe_reason(job, reason, sizeof reason);
    int n = imported ? asprintf(&text, "%s%s%s%s", imported, is_other ? " (by " : "", is_other ? guilty : "",
                                is_other ? ")" : "")
                     : asprintf(&text, "%s (%s)", name, failed ? failed : reason);
    if (n >= 0)
        text_join(&groups[!imported ? GROUP_FAILED : guilty ? GROUP_ON : GROUP_OFF], ", ", text);
}

/* Cuts names at their blanks, in place. */
static void import_all(const struct probe *probe, char *names, char **groups)
{
    size_t n = 0, most = strlen(names) / 2 + 1;
    char *rest = NULL;
    cleanup_free struct command *commands = calloc(most, sizeof *commands);
    cleanup_free struct probe_job *jobs = calloc(most, sizeof *jobs);
    for (char *name = strtok_r(names, " ", &rest); commands && jobs && name;
         name = strtok_r(NULL, " ", &rest)) {
        commands[n] = (struct command){probe->executable, "-I", "-c", (char *)import_code, name, NULL};
        jobs[n] = (struct probe_job){.argv = &commands[n].python, .limit = IMPORT_LIMIT};
        n++;
    }
    if (n > 0)
        probe_run(jobs, n);
    for (size_t i = 0; i < n; i++) {
        add_result(groups, commands[i].name, &jobs[i]);
        probe_job_clear(&jobs[i]);
    }
} /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */

static enum doctor_level print_groups(struct doctor *doctor, char *const *groups)
{
    static const char *const titles[GROUPS] = {"import with the GIL off", "turn the GIL on", "do not import"};
    for (size_t i = 0; i < GROUPS; i++)
        if (groups[i])
            fprintf(doctor->text, "%s%s: %s", ftell(doctor->text) > 0 ? "\n" : "", titles[i], groups[i]);
    if (ftell(doctor->text) == 0)
        return doctor_say(doctor, DOCTOR_OK, NULL, "no compiled package is installed");
    if (groups[GROUP_ON])
        fputs(
            "runs that import a package that turns the GIL on end with status 3: install a newer release, or keep "
            "the GIL off with PYTHON_GIL=0",
            doctor->remedy);
    if (groups[GROUP_FAILED])
        fprintf(doctor->remedy,
                "%sreinstall packages that do not import: %s -m pip install --force-reinstall NAME",
                groups[GROUP_ON] ? "\n" : "", doctor->probe.executable);
    return groups[GROUP_ON] || groups[GROUP_FAILED] ? DOCTOR_WARN : DOCTOR_OK;
}

char *doctor_package_names(const struct probe *probe, char *reason, size_t size)
{
    struct probe_job job;
    run_code(probe, list_code, &job);
    char *names = probe_value(job.out, "names");
    probe_reason(&job, reason, size);
    probe_job_clear(&job);
    return names;
}

enum doctor_level doctor_packages(struct doctor *doctor)
{
    char reason[320], *groups[GROUPS] = {NULL};
    cleanup_free char *names = doctor_package_names(&doctor->probe, reason, sizeof reason);
    if (!names)
        return doctor_say(doctor, DOCTOR_WARN, "check that site-packages can be read",
                          "the packages cannot be listed: %s", reason);
    import_all(&doctor->probe, names, groups);
    enum doctor_level level = print_groups(doctor, groups);
    for (size_t i = 0; i < GROUPS; i++)
        free(groups[i]);
    return level;
}
