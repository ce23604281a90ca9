/* See table.h for the contract. */
#include "child/outcome/table.h"

#include <stdlib.h>

#include "base/list.h"
#include "core/wire/record.h"

#define ROWS_MAX 1024
/* Rows of one kind that are sent. Those of no order leave room for those of orders: a finding shows both. */
#define ROWS_SENT 64

struct outcome_row *outcome_table_get(struct outcome_table *table, uint64_t key, bool *ret_new)
{
    *ret_new = false;
    for (size_t i = 0; i < table->n; i++)
        if (table->rows[i].key == key)
            return &table->rows[i];
    struct outcome_row *row = table->n < ROWS_MAX ? LIST_ADD(table->rows, table->n) : NULL;
    *ret_new = row != NULL;
    if (row)
        *row = (struct outcome_row){.key = key};
    return row;
}

void outcome_table_clear(struct outcome_table *table)
{
    free(table->rows);
    *table = (struct outcome_table){0};
}

static void send_row(const struct outcome_row *row, unsigned nroles, int wire)
{
    struct record record;
    record_begin(&record, RECORD_ROW, RECORD_MAIN);
    record.values[ROW_COUNT] = (int64_t)row->count;
    record.values[ROW_SERIAL] = row->serial;
    record.values[ROW_FAILED] = row->failed;
    record.values[ROW_ROLES] = nroles;
    record_add_text(&record, row->order);
    for (unsigned i = 0; i < nroles; i++)
        record_add_text(&record, row->texts[i]);
    record_add_text(&record, row->texts[OUTCOME_STATE]);
    record_send(&record, wire);
}

static void send_rows(const struct outcome_table *table, bool serial, unsigned nroles, int wire)
{
    unsigned sent = 0;
    for (size_t i = 0; i < table->n && sent < ROWS_SENT; i++)
        if (table->rows[i].serial == serial) {
            send_row(&table->rows[i], nroles, wire);
            sent++;
        }
}

void outcome_table_send(const struct outcome_table *table, unsigned nroles, int wire)
{
    send_rows(table, false, nroles, wire);
    send_rows(table, true, nroles, wire);
}
