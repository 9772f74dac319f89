/*
 * tests/unit/pipeline_fixture_table.c - a model of the target table.
 */
#include <math.h>

#include "tests/unit/pipeline_fixture.h"

void table_fini(Table *table)
{
    for (uint32_t r = 0; r < table->count; r++) {
        free(table->rows[r].key);
        free(table->rows[r].row);
    }
    free(table->rows);
    *table = (Table){ 0 };
}

static TableRow *table_find(const Table *table, const char *key)
{
    for (uint32_t r = 0; r < table->count; r++) {
        if (!table->rows[r].gone && strcmp(table->rows[r].key, key) == 0) {
            return &table->rows[r];
        }
    }
    return NULL;
}

void table_add(Table *table, char *key, char *row)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        table->rows = realloc(table->rows, table->capacity * sizeof *table->rows);
    }
    table->rows[table->count++] = (TableRow){ .key = key, .row = row };
}

char *join_datums(const MrDatum *datums, uint32_t count)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; i < count; i++) {
        if (datums[i].is_null) {
            mr_builder_append_string(&text, "~");
        } else {
            mr_datum_format(&datums[i], NULL, &text);
        }
        mr_builder_append_char(&text, '|');
    }
    char *copy = strdup(mr_builder_text(&text));
    mr_builder_fini(&text);
    return copy;
}

static char *block_row_text(const MrBlock *block, uint32_t row, uint32_t columns)
{
    MrDatum datums[24];
    for (uint32_t c = 0; c < columns; c++) {
        mr_vector_get(&block->columns[c], row, &datums[c]);
        datums[c].is_null = mr_vector_is_null(&block->columns[c], row);
    }
    return join_datums(datums, columns);
}

void table_apply(Table *table, const MrChangeSet *changes, uint32_t keys)
{
    Table seen = { 0 };
    for (uint32_t b = 0; b < changes->delete_blocks + changes->upsert_blocks; b++) {
        const bool deletes = b < changes->delete_blocks;
        const MrBlock *block =
            deletes ? changes->deletes[b] : changes->upserts[b - changes->delete_blocks];
        for (uint32_t r = 0; r < block->row_count; r++) {
            char *key = block_row_text(block, r, keys == 0 ? block->column_count : keys);
            char *row = block_row_text(block, r, block->column_count);
            if (keys == 0) {
                ck_assert(!deletes);
                table_add(table, key, row);
                continue;
            }
            ck_assert_msg(table_find(&seen, key) == NULL, "a key came twice: %s", key);
            table_add(&seen, strdup(key), strdup(""));
            TableRow *old = table_find(table, key);
            if (deletes) {
                if (old != NULL) {
                    old->gone = true;
                }
                free(key);
                free(row);
            } else if (old != NULL) {
                free(old->row);
                old->row = row;
                free(key);
            } else {
                table_add(table, key, row);
            }
        }
    }
    table_fini(&seen);
}

static int compare_table_rows(const void *a, const void *b)
{
    const TableRow *x = a, *y = b;
    if (x->gone != y->gone) {
        return x->gone - y->gone;
    }
    const int order = strcmp(x->key, y->key);
    return order != 0 ? order : strcmp(x->row, y->row);
}

/* Alike cell by cell; numbers to nine digits unless `exact`. */
static bool rows_alike(const char *a, const char *b, bool exact)
{
    if (exact || strcmp(a, b) == 0) {
        return strcmp(a, b) == 0;
    }
    while (*a != '\0' && *b != '\0') {
        const size_t length_a = strcspn(a, "|"), length_b = strcspn(b, "|");
        if (length_a != length_b || strncmp(a, b, length_a) != 0) {
            char *end_a, *end_b;
            const double x = strtod(a, &end_a), y = strtod(b, &end_b);
            if (end_a != a + length_a || end_b != b + length_b || length_a == 0 || length_b == 0 ||
                fabs(x - y) > 1e-9 * (fabs(x) + fabs(y)) + 1e-12) {
                return false;
            }
        }
        a += length_a + 1;
        b += length_b + 1;
    }
    return *a == *b;
}

void tables_equal(Table *a, Table *b, bool exact, const char *where)
{
    uint32_t count_a = 0, count_b = 0;
    if (a->count > 0) {
        qsort(a->rows, a->count, sizeof *a->rows, compare_table_rows);
    }
    if (b->count > 0) {
        qsort(b->rows, b->count, sizeof *b->rows, compare_table_rows);
    }
    while (count_a < a->count && !a->rows[count_a].gone) {
        count_a++;
    }
    while (count_b < b->count && !b->rows[count_b].gone) {
        count_b++;
    }
    for (uint32_t r = 0; r < count_a && r < count_b; r++) {
        ck_assert_msg(strcmp(a->rows[r].key, b->rows[r].key) == 0 &&
                          rows_alike(a->rows[r].row, b->rows[r].row, exact),
                      "%s, row %u: is %s, should be %s", where, r, a->rows[r].row, b->rows[r].row);
    }
    ck_assert_msg(count_a == count_b, "%s: %u rows, should be %u", where, count_a, count_b);
}
