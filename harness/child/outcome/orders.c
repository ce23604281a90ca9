/* See orders.h for the contract. */
#include "child/outcome/orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/list.h"
#include "base/text.h"
#include "child/outcome/sets.h"
#include "core/wire/status.h"
#include "detectors/common/stir.h"

static const struct body *body_of_role(const struct run *run, unsigned role)
{
    return &run->program->bodies[role % run->program->nbodies];
}

/* Appends every order that begins with the first `at` roles of `order`. Returns false where there are too many. */
static bool add_orders(struct orders *orders, struct order *order, unsigned at, unsigned *rest)
{
    if (at == orders->length) {
        struct order *item = orders->n < ORDERS_MAX ? LIST_ADD(orders->items, orders->n) : NULL;
        if (item)
            *item = *order;
        return item != NULL;
    }
    bool fits = true;
    for (unsigned role = 0; role < role_stage.nroles && fits; role++) {
        if (rest[role] == 0)
            continue;
        rest[role]--;
        order->roles[at] = (uint8_t)role;
        fits = add_orders(orders, order, at + 1, rest);
        rest[role]++;
    }
    return fits;
}

int orders_init(struct orders *orders, char *error, size_t size)
{
    unsigned rest[ROLES_MAX] = {0};
    struct order order = {0};
    bool fits = true;
    for (unsigned role = 0; role < role_stage.nroles; role++) {
        rest[role] = body_of_role(orders->run, role)->nsteps;
        orders->length += rest[role];
        fits &= rest[role] <= ROLE_STEPS_MAX;
    }
    if (fits && add_orders(orders, &order, 0, rest))
        return 0;
    return fail(-E2BIG, error, size,
                "the roles have %u statements, which is more than %d orders; give them fewer statements",
                orders->length, ORDERS_MAX);
}

void orders_forget(struct orders *orders)
{
    outcome_table_clear(orders->table);
    for (size_t i = 0; i < orders->n; i++)
        orders->items[i].known = false;
    orders->changes = false;
}

void orders_clear(struct orders *orders)
{
    stir_end();
    free(orders->items);
    orders->items = NULL;
}

/* The order of the k-th set. */
static struct order *order_of(const struct orders *orders, size_t k, bool reverse)
{
    k %= orders->n;
    return &orders->items[reverse ? orders->n - 1 - k : k];
}

/* Sets are independent, so the statements of several sets alternate: a role runs one over many sets before another role
 * has its turn, because that takes a while on a busy machine. */
static void fill_turns(const struct orders *orders, size_t first, bool reverse)
{
    role_stage.nturns = 0;
    for (unsigned i = 0; i < orders->length; i++)
        for (size_t from = 0; from < orders->n; from++)
            for (size_t set = from; set < role_stage.nsets; set += orders->n) {
                const struct order *order = order_of(orders, first + set, reverse);
                role_stage.turns[role_stage.nturns++] = (struct turn){(uint16_t)set, order->roles[i]};
            }
}

static void print_order(const struct orders *orders, const struct order *order, char *text, size_t size)
{
    *text = '\0';
    for (unsigned i = 0; i < orders->length; i++)
        text_add(text, size, " ", "%u", order->roles[i] + 1);
}

/* Leaves out the parts that differ from the first run of this order. */
static void compare_parts(struct orders *orders, const struct order *order, const uint64_t *parts,
                          unsigned set)
{
    struct observer *observer = orders->observer;
    struct outcome_row now = {0};
    for (unsigned i = 0; i < OUTCOME_PARTS; i++) {
        if (observer->left_out[i] || parts[i] == order->parts[i])
            continue;
        observe_print(observer, set, &now);
        snprintf(observer->why[i], sizeof observer->why[i],
                 "on one thread, the same order gives another one each time, such as %.120s", now.texts[i]);
        observer->left_out[i] = true;
        orders->changes = true;
    }
}

static bool fail_check(const struct orders *orders, const struct order *order, const char *why)
{
    char text[64];
    print_order(orders, order, text, sizeof text);
    run_cannot(orders->run, STATUS_UNTESTED,
               "--check '%.200s' %.300s after the order %s on one thread, where it must be true; correct it",
               orders->run->plan->check, why, text);
    return false;
}

static bool take_set(struct orders *orders, struct order *order, unsigned set)
{
    uint64_t parts[OUTCOME_PARTS];
    char why[320];
    bool is_new;
    observe_parts(orders->observer, set, parts);
    orders->writes_arrays |= observe_arrays(orders->observer, set) != orders->arrays;
    if (order->known)
        compare_parts(orders, order, parts, set);
    else
        memcpy(order->parts, parts, sizeof parts);
    order->known = true;
    struct outcome_row *row = outcome_table_get(orders->table, observe_key(parts), &is_new);
    if (row && !row->serial) {
        row->serial = true;
        print_order(orders, order, row->order, sizeof row->order);
        observe_print(orders->observer, set, row);
    }
    return observe_check(orders->observer, set, why, sizeof why) || fail_check(orders, order, why);
}

/* The statement that does not return is the main thread's now, and the threads are lost: the process ends. */
static void give_up(const struct orders *orders)
{
    unsigned role = role_stage.turns[role_stage.turn].role;
    const struct body *body = body_of_role(orders->run, role);
    _exit(run_cannot(
        orders->run, STATUS_UNTESTED,
        "%s does not return while the other roles wait, so there are no orders to compare with; let each "
        "role return by itself",
        body->steps[role_stage.roles[role].results[role_stage.turns[role_stage.turn].set].n].source));
}

bool orders_run(struct orders *orders, bool reverse, unsigned sets)
{
    size_t all = sets > orders->n ? sets / orders->n * orders->n : orders->n;
    stir_memory(++orders->stirs);
    stir_process(orders->stirs, NULL, false);
    for (size_t first = 0; first < all; first += role_stage.nsets) {
        size_t left = all - first;
        if (!sets_make(left < SETS_MAX ? (unsigned)left : SETS_MAX))
            return false;
        fill_turns(orders, first, reverse);
        if (!role_run(TASK_ORDERS))
            give_up(orders);
        if (atomic_load(&orders->run->failed))
            return false;
        atomic_fetch_add(&orders->run->board->rounds, 1);
        for (unsigned set = 0; set < role_stage.nsets; set++) {
            if (!take_set(orders, order_of(orders, first + set, reverse), set))
                return false;
        }
    }
    return true;
}
