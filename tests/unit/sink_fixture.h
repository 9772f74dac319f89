/*
 * tests/unit/sink_fixture.h - blocks from text, tables to text, and epochs, for tests of targets.
 * A row is "1|abc|~": cells in PostgreSQL's text, `~` is NULL.
 */
#ifndef MR_TESTS_UNIT_SINK_FIXTURE_H
#define MR_TESTS_UNIT_SINK_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/timezone.h"
#include "storage/sink.h"

#define MUST(call)                                                                              \
    do {                                                                                        \
        MrStatus must_ = (call);                                                                \
        ck_assert_msg(must_ == MR_OK, "%s: %s %s", #call, test_err.sqlstate, test_err.message); \
    } while (0)
#define MUST_FAIL(call, state)                                                   \
    do {                                                                         \
        mr_error_clear(&test_err);                                               \
        ck_assert_msg((call) != MR_OK, "%s did not fail", #call);                \
        ck_assert_msg(strcmp(test_err.sqlstate, state) == 0, "%s: %s %s", #call, \
                      test_err.sqlstate, test_err.message);                      \
    } while (0)

static MrError test_err = MR_ERROR_INIT;
static MrArena test_arena;

static const uint8_t query_a[16] = {
    0xaa, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 15
};
static const uint8_t query_b[16]
    __attribute__((unused)) = { 0xbb, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 15 };
static const uint8_t nonce_1[16] = { 1, 1 };
static const uint8_t nonce_2[16] __attribute__((unused)) = { 2, 2 };

/* Every type there is. */
static const MrColumn all_columns[] = {
    { "id", { MR_TYPE_INT64, -1 }, true, NULL },
    { "b", { MR_TYPE_BOOL, -1 }, false, NULL },
    { "i2", { MR_TYPE_INT16, -1 }, false, NULL },
    { "i4", { MR_TYPE_INT32, -1 }, false, NULL },
    { "i8", { MR_TYPE_INT64, -1 }, false, NULL },
    { "f4", { MR_TYPE_FLOAT32, -1 }, false, NULL },
    { "f8", { MR_TYPE_FLOAT64, -1 }, false, NULL },
    { "n", { MR_TYPE_NUMERIC, -1 }, false, NULL },
    { "n2", { MR_TYPE_NUMERIC, ((12 << 16) | 2) + 4 }, false, NULL },
    { "n0", { MR_TYPE_NUMERIC, (30 << 16) + 4 }, false, NULL },
    { "t", { MR_TYPE_TEXT, -1 }, false, NULL },
    { "v", { MR_TYPE_VARCHAR, 40 + 4 }, false, NULL },
    { "y", { MR_TYPE_BYTEA, -1 }, false, NULL },
    { "d", { MR_TYPE_DATE, -1 }, false, NULL },
    { "tm", { MR_TYPE_TIME, -1 }, false, NULL },
    { "ts", { MR_TYPE_TIMESTAMP, -1 }, false, NULL },
    { "tz", { MR_TYPE_TIMESTAMPTZ, -1 }, false, NULL },
    { "iv", { MR_TYPE_INTERVAL, -1 }, false, NULL },
    { "u", { MR_TYPE_UUID, -1 }, false, NULL },
    { "j", { MR_TYPE_JSON, -1 }, false, NULL },
    { "jb", { MR_TYPE_JSONB, -1 }, false, NULL },
};
static const uint32_t first_column[] = { 0 };
static const MrSinkTable all_table __attribute__((unused)) = {
    .name = "all \"types\"",
    .schema = { 21, all_columns },
    .key_columns = first_column,
    .key_count = 1,
};
static const char *const all_rows[] __attribute__((unused)) = {
    "1|t|-32768|-2147483648|-9223372036854775808|1.5|2.5|12.345|-1.10|123456789012|Grüße \"'\\|abc|"
    "\\x00ff10|2024-02-29|23:59:59.999999|2024-02-29 12:34:56.789|2024-02-29 12:34:56+00|"
    "1 year 2 mons 3 days 04:05:06.7|0123abcd-0000-4000-8000-00000000ffff|{\"a\": [1,  2]}|{\"b\":"
    " 1, \"a\": null}",
    "2|f|32767|2147483647|9223372036854775807|0.1|0.1|-0.5|99999.99|-7|a long text of more than"
    " twelve bytes||"
    "\\x|0001-01-01|00:00:00|1970-01-01 00:00:00|1969-12-31 23:59:59.999999+00|-00:00:01|"
    "00000000-0000-0000-0000-000000000000|null|\"x\"",
    "3|~|~|~|~|NaN|NaN|NaN|NaN|0||x|~|infinity|12:00:00|infinity|-infinity|00:00:00|~|~|~",
    "4|~|0|0|0|Infinity|-Infinity|0|0.00|0|~|~|~|~|~|~|~|~|~|[]|{}",
};

/* A key with a column that takes NULL, and one that is all key. */
static const MrColumn busy_columns[] = {
    { "window_start", { MR_TYPE_TIMESTAMPTZ, -1 }, true, NULL },
    { "page", { MR_TYPE_TEXT, -1 }, false, NULL },
    { "edits", { MR_TYPE_INT64, -1 }, false, NULL },
};
static const uint32_t busy_key[] = { 0, 1 };
static const MrSinkTable busy_table __attribute__((unused)) = {
    .name = "busy",
    .schema = { 3, busy_columns },
    .key_columns = busy_key,
    .key_count = 2,
};
static const MrSinkTable append_table
    __attribute__((unused)) = { .name = "seen", .schema = { 3, busy_columns } };

static inline MrBlock *rows_to_block(const MrSchema *schema, const char *const *rows,
                                     uint32_t count)
{
    MrBlock *block = NULL;
    MUST(mr_block_create(&test_arena, schema, count, &block, &test_err));
    for (uint32_t r = 0; r < count; r++) {
        const char *at = rows[r];
        for (uint32_t c = 0; c < schema->column_count; c++) {
            size_t length = strcspn(at, "|");
            MrVector *vector = &block->columns[c];
            MrTypeId type = schema->columns[c].type.id;
            MrDatum datum = { .type = schema->columns[c].type,
                              .is_null = length == 1 && *at == '~' };
            if (datum.is_null) {
                MUST(mr_vector_make_nullable(vector, &test_arena, &test_err));
                mr_bitmap_clear(vector->validity, r);
            } else {
                char *copy = mr_arena_strndup(&test_arena, at, length);
                MUST(mr_datum_parse(&test_arena, datum.type, (MrString){ copy, length },
                                    mr_timezone_utc(), &datum, &test_err));
            }
            mr_datum_store(&datum, (char *)vector->data + (size_t)r * mr_type_info(type)->width);
            at += length + (at[length] == '|');
        }
    }
    return block;
}

typedef struct Lines {
    char *lines[20000];
    uint32_t count, blocks, rows_max;
} Lines;

static inline MrStatus lines_add(void *context, const MrBlock *block, MrError *err)
{
    Lines *out = context;
    (void)err;
    out->blocks++;
    out->rows_max = block->row_count > out->rows_max ? block->row_count : out->rows_max;
    for (uint32_t r = 0; r < block->row_count; r++) {
        MrBuilder line;
        mr_builder_init(&line, 0);
        for (uint32_t c = 0; c < block->column_count; c++) {
            if (c > 0) {
                mr_builder_append_char(&line, '|');
            }
            if (mr_vector_is_null(&block->columns[c], r)) {
                mr_builder_append_char(&line, '~');
            } else {
                mr_cell_format(block->columns[c].type.id, mr_vector_cell(&block->columns[c], r),
                               mr_timezone_utc(), &line);
            }
        }
        ck_assert_uint_lt(out->count, 20000);
        out->lines[out->count++] = strdup(mr_builder_text(&line));
        mr_builder_fini(&line);
    }
    return MR_OK;
}

static inline int lines_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The table's rows, sorted, one a line. */
static inline const char *table_text(const MrSinkClass *sink_class, MrSink *sink,
                                     const MrSinkTable *table)
{
    static Lines lines;
    MrBuilder all;
    lines = (Lines){ .count = 0 };
    MUST(sink_class->scan(sink, table, &test_arena, lines_add, &lines, &test_err));
    qsort(lines.lines, lines.count, sizeof lines.lines[0], lines_compare);
    mr_builder_init(&all, 0);
    for (uint32_t i = 0; i < lines.count; i++) {
        mr_builder_append_string(&all, lines.lines[i]);
        mr_builder_append_char(&all, '\n');
        free(lines.lines[i]);
    }
    char *text = mr_arena_strdup(&test_arena, mr_builder_text(&all));
    mr_builder_fini(&all);
    return text;
}

/* An epoch of at most one block of each kind. */
typedef struct TestEpoch {
    MrEpoch epoch;
    const MrBlock *upserts[1], *deletes[1];
} TestEpoch;

static inline MrEpoch *epoch_of(TestEpoch *out, const uint8_t query[16], const MrSinkTable *table,
                                int64_t number, const char *const *upserts, uint32_t upsert_count,
                                const char *const *deletes, uint32_t delete_count)
{
    *out = (TestEpoch){ .epoch = { .generation = 1,
                                   .epoch = number,
                                   .sequence = (uint64_t)number * 10,
                                   .watermark_us = 1000000,
                                   .plan_hash = 7,
                                   .table = table } };
    memcpy(out->epoch.query, query, 16);
    if (upsert_count > 0) {
        out->upserts[0] = rows_to_block(&table->schema, upserts, upsert_count);
        out->epoch.changes.upserts = out->upserts;
        out->epoch.changes.upsert_blocks = 1;
    }
    if (delete_count > 0) {
        out->deletes[0] = rows_to_block(&table->schema, deletes, delete_count);
        out->epoch.changes.deletes = out->deletes;
        out->epoch.changes.delete_blocks = 1;
    }
    return &out->epoch;
}

static inline MrStatus commit_one(const MrSinkClass *sink_class, MrSink *sink, const MrEpoch *epoch)
{
    bool unknown;
    int32_t culprit;
    mr_error_clear(&test_err);
    MrStatus status = sink_class->commit(sink, &epoch, 1, &unknown, &culprit, &test_err);
    ck_assert(!unknown);
    return status;
}

#endif
