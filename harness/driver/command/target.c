#include "driver/command/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/path.h"
#include "driver/command/scenario_list.h"
#include "driver/report/report.h"

#define NAME_MAX_BYTES 60

static bool is_dotted(const char *text, size_t length)
{
    bool start = true;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (start ? !(isalpha(c) || c == '_') : !(isalnum(c) || c == '_' || c == '.'))
            return false;
        start = c == '.';
    }
    return length > 0 && !start;
}

/* module:function or module:function(...) or module:* */
static bool is_callable(const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon || !is_dotted(text, (size_t)(colon - text)))
        return false;
    if (strcmp(colon + 1, "*") == 0)
        return true;
    size_t name = strcspn(colon + 1, "(");
    size_t length = strlen(colon + 1);
    return is_dotted(colon + 1, name) && (colon[1 + name] == '\0' || colon[length] == ')');
}

/* The end of one argument: a comma or the end, outside brackets and quotes. */
static const char *argument_end(const char *at)
{
    int depth = 0;
    char quote = 0;
    for (; *at; at++) {
        if (quote) {
            if (*at == '\\' && at[1])
                at++;
            else if (*at == quote)
                quote = 0;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        } else if (strchr("([{", *at)) {
            depth++;
        } else if (strchr(")]}", *at)) {
            depth--;
        } else if (*at == ',' && depth == 0) {
            break;
        }
    }
    return at;
}

static char *trimmed(const char *from, const char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return strndup(from, (size_t)(to - from));
}

/* Does the text begin like a recipe, with a dtype and a bracket? Then a mistake in it is reported as one of a
 * recipe. */
static bool looks_like_recipe(const char *text)
{
    size_t i = strspn(text, "<>=|");
    if (!text[i] || !strchr("biufcSU", text[i]) || !isdigit((unsigned char)text[i + 1]))
        return false;
    i += 1 + strspn(text + i + 1, "0123456789");
    return text[i] == '[';
}

/* Adds one argument, "axis=0" or "f8[20]": a recipe becomes an input, other text is copied into the call. */
static int add_argument(struct plan *plan, const char *argument, FILE *call)
{
    const char *equals = strchr(argument, '=');
    bool keyword = equals && is_dotted(argument, (size_t)(equals - argument)) && equals[1] != '=';
    const char *value = keyword ? equals + 1 : argument;
    if (keyword)
        fprintf(call, "%.*s=", (int)(equals - argument), argument);
    if (!looks_like_recipe(value)) {
        fputs(value, call);
        return 0;
    }
    char name[16];
    snprintf(name, sizeof name, "a%u", plan->ninputs);
    fputs(name, call);
    return plan_add_input(plan, name, value);
}

static int add_arguments(struct plan *plan, const char *text, FILE *call)
{
    int result = 0;
    for (const char *at = text; *at && !result;) {
        const char *end = argument_end(at);
        cleanup_free char *argument = trimmed(at, end);
        if (at != text)
            fputs(", ", call);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
        result = argument ? add_argument(plan, argument, call) : -ENOMEM;
        at = *end ? end + 1 : end;
    }
    return result;
}

/* "numpy:linalg.norm(f8[3,3], axis=0)" imports numpy.linalg too, which may be a module. */
static int plan_of_callable(const char *text, struct plan *plan)
{
    const char *colon = strchr(text, ':'), *name = colon + 1;
    int module = (int)(colon - text), length = (int)strcspn(name, "("), result = -ENOMEM;
    char *inside = name[length] ? strndup(name + length + 1, strlen(name + length) - 2) : strdup("");
    char *call = NULL;
    size_t size;
    FILE *out = inside ? open_memstream(&call, &size) : NULL;
    if (out) {
        fprintf(out, "%.*s.%.*s(", module, text, length, name);
        result = add_arguments(plan, inside, out);
        fputc(')', out);
        bool made = fclose(out) == 0 && asprintf(&plan->setup, "import %.*s", module, text) >= 0 &&
                    asprintf(&plan->name, "%.*s.%.*s", module, text, length, name) >= 0;
        if (!result)
            result = made ? plan_add_text(&plan->steps, &plan->nsteps, call) : -ENOMEM;
    }
    free(inside);
    free(call);
    return result;
}

/* Loads the plan that was kept beside a finding. Returns -ENOENT where the text names none. */
static int plan_of_finding(const char *out, const char *text, struct plan *plan, char *error, size_t size)
{
    cleanup_free char *finding = NULL, *path = NULL;
    int result = report_find(out, text, &finding);
    if (result || strcmp(path_base(finding), "finding.json") != 0)
        return result ? result : -ENOENT;
    if (asprintf(&path, "%.*splan.yaml", (int)(path_base(finding) - finding), finding) < 0)
        return -ENOMEM;
    result = plan_load(path, plan, error, size);
    return result == -ENOENT ? -EINVAL : result;
}

static int plan_of_target(const char *out, const char *text, struct plan *plan, char *error, size_t size)
{
    cleanup_free char *path = NULL;
    int result = 0;
    const char *dot = strrchr(text, '.');
    bool callable = is_callable(text);
    if (callable && strcmp(strchr(text, ':'), ":*") == 0)
        return fail(-EINVAL, error, size, "'%.100s' names a whole module; write `ftstress sweep %.*s`", text,
                    (int)(strchr(text, ':') - text), text);
    if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        return plan_load(text, plan, error, size);
    if (callable)
        return plan_of_callable(text, plan);
    if (scenario_find(text, &path) == 0)
        result = plan_load(path, plan, error, size);
    else if ((result = plan_of_finding(out, text, plan, error, size)) == -ENOENT)
        return fail(
            -EINVAL, error, size,
            "'%.100s' is neither a scenario (see `ftstress list`), nor a plan file (.yaml), nor a kept "
            "finding, nor module:callable(args); for a statement give its setup with -s, '' will do",
            text);
    return result;
}

/* The name of the run: the first line, cut to NAME_MAX_BYTES at a whole character. */
static char *name_of(const char *code)
{
    code += strspn(code, " \t\r\n");
    size_t length = strcspn(code, "\r\n");
    if (length > NAME_MAX_BYTES) {
        length = NAME_MAX_BYTES;
        while (length > 0 && ((unsigned char)code[length] & 0xc0) == 0x80)
            length--;
    }
    return length > 0 ? strndup(code, length) : strdup("statements");
}

static int plan_of_statements(const struct request *request, struct plan *plan)
{
    const struct plan *asked = &request->plan;
    int result = 0;
    plan->setup = asked->setup ? strdup(asked->setup) : NULL;
    plan->thread_setup = asked->thread_setup ? strdup(asked->thread_setup) : NULL;
    for (unsigned i = 0; i < asked->ninputs && !result; i++)
        result = plan_add_input(plan, asked->inputs[i].name, asked->inputs[i].recipe);
    for (unsigned i = 0; i < asked->nroles && !result; i++)
        result = plan_add_text(&plan->roles, &plan->nroles, asked->roles[i]);
    for (unsigned i = 0; i < request->npositionals && !result; i++)
        result = plan_add_text(&plan->steps, &plan->nsteps, request->positionals[i]);
    const char *first = request->npositionals > 0 ? request->positionals[0]
                        : asked->nroles           ? asked->roles[0]
                                                  : "";
    plan->name = name_of(first);
    return result;
}

static int add_target(const struct request *request, size_t i, struct target_list *list, char *error,
                      size_t size)
{
    struct plan *plan = LIST_ADD(list->plans, list->n);
    if (!plan)
        return -ENOMEM;
    plan_init(plan);
    int result = request->has_code ? plan_of_statements(request, plan)
                                   : plan_of_target(request->out, request->positionals[i], plan, error, size);
    if (!result)
        result = request_apply(request, plan);
    if (!result)
        result = plan_settle_outcome(plan, REQUEST_GAVE(request, plan.threads), error, size);
    if (result == -E2BIG)
        snprintf(error, size, "there are too many inputs, steps or roles; leave some out");
    return result ? result : plan_check(plan, error, size);
}

int target_resolve(const struct request *request, struct target_list *list, char *error, size_t error_size)
{
    size_t wanted = request->has_code ? 1 : request->npositionals;
    int result = 0;
    *list = (struct target_list){0};
    snprintf(error, error_size, "out of memory");
    if (wanted == 0)
        return fail(-EINVAL, error, error_size,
                    "say what to run: a scenario (see `ftstress list`), module:callable(args), a plan file, "
                    "or -s SETUP STMT");
    for (size_t i = 0; i < wanted && !result; i++)
        result = add_target(request, i, list, error, error_size);
    return result;
}

void target_list_clear(struct target_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        plan_clear(&list->plans[i]);
    free(list->plans);
    *list = (struct target_list){0};
}
