/*
 * tests/unit/test_group_table.c - keys to groups: against a plain list, over growth, of every type; what
 * SQL calls equal is one group; memory is charged and given back.
 */
#include "engine/group_table.h"
#include "tests/unit/engine_values.h"

#include <math.h>

#include "common/hash.h"
#include "common/random.h"

MrArena test_arena;

enum { ROWS = 700 };

static MrVector vector_of(MrTypeId type, const char *const *choices, uint32_t count,
                          MrRandom *random, bool constant)
{
    MrVector vector;
    MrError err = MR_ERROR_INIT;
    if (constant) {
        const MrDatum datum = test_value(choices[mr_random_below(random, count)]);
        ck_assert_int_eq(mr_vector_init_constant(&vector, &test_arena, &datum, ROWS, &err), MR_OK);
        return vector;
    }
    ck_assert_int_eq(mr_vector_init(&vector, &test_arena, mr_type(type), ROWS, &err), MR_OK);
    for (uint32_t r = 0; r < ROWS; r++) {
        const MrDatum datum = test_value(choices[mr_random_below(random, count)]);
        char *cell = (char *)vector.data + r * mr_type_info(type)->width;
        if (datum.is_null) {
            ck_assert_int_eq(mr_vector_make_nullable(&vector, &test_arena, &err), MR_OK);
            mr_bitmap_clear(vector.validity, r);
            memset(cell, mr_type_is_text(type) ? 0 : (int)mr_random_below(random, 2),
                   mr_type_info(type)->width);
        } else {
            mr_datum_store(&datum, cell);
        }
    }
    return vector;
}

static const struct Choices {
    MrTypeId type;
    const char *values[8];
    uint32_t count, different;
} choices[] = {
    { MR_TYPE_BOOL, { "bool:t", "bool:f", "bool:NULL" }, 3, 3 },
    { MR_TYPE_INT16, { "int2:-1", "int2:0", "int2:32767", "int2:NULL" }, 4, 4 },
    { MR_TYPE_INT32, { "int4:-1", "int4:0", "int4:2147483647", "int4:NULL" }, 4, 4 },
    { MR_TYPE_INT64,
      { "int8:-1", "int8:0", "int8:9223372036854775807", "int8:-9223372036854775808" },
      4,
      4 },
    { MR_TYPE_INT64, { "int8:-1", "int8:0", "int8:NULL" }, 3, 3 },
    { MR_TYPE_FLOAT32,
      { "float4:0", "float4:-0", "float4:NaN", "float4:1.5", "float4:NULL" },
      5,
      4 },
    { MR_TYPE_FLOAT64,
      { "float8:0", "float8:-0", "float8:NaN", "float8:Infinity", "float8:0.1" },
      5,
      4 },
    { MR_TYPE_NUMERIC,
      { "numeric:1", "numeric:1.0", "numeric:1.000", "numeric:-1", "numeric:NaN", "numeric:NULL",
        "numeric:99999999999999999999999999999999999999" },
      7,
      5 },
    { MR_TYPE_TEXT,
      { "text:", "text:a", "text:exactly 12 b", "text:exactly 13 by", "text:exactly 13 bz",
        "text:NULL" },
      6,
      6 },
    { MR_TYPE_DATE, { "date:1970-01-01", "date:infinity", "date:2026-11-21" }, 3, 3 },
    { MR_TYPE_TIMESTAMP,
      { "timestamp:1970-01-01", "timestamp:2026-11-21 12:00", "timestamp:NULL" },
      3,
      3 },
    { MR_TYPE_INTERVAL,
      { "interval:1 mon", "interval:30 days", "interval:720 hours", "interval:1 day",
        "interval:NULL" },
      5,
      3 },
    { MR_TYPE_UUID,
      { "uuid:00000000-0000-0000-0000-000000000000", "uuid:00000000-0000-0000-0000-000000000001",
        "uuid:NULL" },
      3,
      3 },
    { MR_TYPE_BYTEA, { "bytea:\\x00", "bytea:\\x0000", "bytea:\\x" }, 3, 3 },
};
enum { CHOICES = sizeof choices / sizeof choices[0] };

/* Alone, in pairs and with a constant column: as many groups as SQL sees, in order of their first row. */
START_TEST(test_types)
{
    MrRandom random;
    mr_random_init(&random, 42 + (uint64_t)_i);
    mr_arena_reset(&test_arena);
    const struct Choices *a = &choices[_i % CHOICES], *b = &choices[(uint32_t)_i * 7 % CHOICES];
    for (uint32_t columns = 1; columns <= 3; columns++) {
        const MrTypeId types[] = { a->type, b->type, MR_TYPE_TEXT };
        MrVector vectors[3] = { vector_of(a->type, a->values, a->count, &random, false),
                                vector_of(b->type, b->values, b->count, &random, columns == 3),
                                vector_of(MR_TYPE_TEXT, choices[8].values, 6, &random, true) };
        const MrVector *pointers[] = { &vectors[0], &vectors[1], &vectors[2] };
        MrKeyLayout layout;
        MrKeyBatch batch;
        MrGroupTable table;
        MrMemory memory = { 0 };
        MrError err = MR_ERROR_INIT;
        uint32_t groups[ROWS], again[ROWS];
        ck_assert_int_eq(mr_key_layout_init(&layout, types, columns, &err), MR_OK);
        mr_group_table_init(&table, &layout, 24, &memory);
        ck_assert_int_eq(mr_key_batch_encode(&layout, &test_arena, pointers, ROWS, &batch, &err),
                         MR_OK);
        ck_assert_int_eq(mr_group_table_insert(&table, &batch, NULL, ROWS, groups, &err), MR_OK);
        uint32_t next = 0, firsts[ROWS];
        for (uint32_t r = 0; r < ROWS; r++) {
            uint32_t wanted = UINT32_MAX;
            for (uint32_t g = 0; g < next && wanted == UINT32_MAX; g++) {
                bool equal = true;
                for (uint32_t c = 0; equal && c < columns; c++) {
                    const bool x = mr_vector_is_null(pointers[c], r),
                               y = mr_vector_is_null(pointers[c], firsts[g]);
                    equal = x == y && (x || mr_cell_equal(types[c], mr_vector_cell(pointers[c], r),
                                                          mr_vector_cell(pointers[c], firsts[g])));
                }
                wanted = equal ? g : wanted;
            }
            if (wanted == UINT32_MAX) {
                firsts[next] = r;
                wanted = next++;
            }
            ck_assert_uint_eq(groups[r], wanted);
            const uint32_t nulls = batch.nulls == NULL ? 0 : batch.nulls[r];
            const char *key = batch.keys + (size_t)r * layout.bytes;
            ck_assert_uint_eq(mr_key_hash(&layout, key, nulls), batch.hashes[r]);
            ck_assert_uint_eq(mr_group_table_find(&table, key, nulls, batch.hashes[r]), wanted);
        }
        ck_assert_uint_eq(table.count, next);
        if (columns == 1) {
            ck_assert_uint_eq(next, a->different);
        }
        ck_assert_int_eq(mr_group_table_insert(&table, &batch, NULL, ROWS, again, &err), MR_OK);
        ck_assert_mem_eq(groups, again, sizeof groups);
        for (uint32_t c = 0; c < columns;
             c++) { /* the key as its first row had it (floats: -0 is 0) */
            MrVector column;
            ck_assert_int_eq(mr_group_table_key_column(&table, c, mr_type(types[c]), groups, ROWS,
                                                       &test_arena, &column, &err),
                             MR_OK);
            for (uint32_t r = 0; r < ROWS; r++) {
                MrDatum is, was;
                mr_vector_get(&column, r, &is);
                mr_vector_get(pointers[c], firsts[groups[r]], &was);
                ck_assert_int_eq(is.is_null, was.is_null);
                if (types[c] == MR_TYPE_FLOAT64 || types[c] == MR_TYPE_FLOAT32) {
                    ck_assert(is.is_null || is.real == was.real ||
                              (isnan(is.real) && isnan(was.real)));
                } else {
                    ck_assert_str_eq(test_datum_text(&is, NULL), test_datum_text(&was, NULL));
                }
            }
        }
        ck_assert_int_eq(memory.used_bytes, mr_group_table_bytes(&table));
        mr_group_table_fini(&table);
        ck_assert_int_eq(memory.used_bytes, 0);
    }
}
END_TEST

/* Growth while rows are inserted: numbers stay, states stay. */
START_TEST(test_growth)
{
    mr_arena_reset(&test_arena);
    const MrTypeId type = MR_TYPE_INT64;
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    MrRandom random;
    mr_random_init(&random, 9);
    ck_assert_int_eq(mr_key_layout_init(&layout, &type, 1, &err), MR_OK);
    mr_group_table_init(&table, &layout, 8, &memory);
    enum { BATCH = 5000, BATCHES = 40, KEYS = 60000 };
    static int64_t counts[KEYS];
    static uint32_t groups[BATCH], rows[BATCH];
    memset(counts, 0, sizeof counts);
    for (uint32_t b = 0; b < BATCHES; b++) {
        MrVector vector;
        const MrVector *pointer = &vector;
        MrKeyBatch batch;
        ck_assert_int_eq(mr_vector_init(&vector, &test_arena, mr_type(type), BATCH, &err), MR_OK);
        for (uint32_t r = 0; r < BATCH; r++) {
            ((int64_t *)vector.data)[r] = (int64_t)mr_random_below(&random, KEYS);
            rows[r] = BATCH - 1 - r;
        }
        ck_assert_int_eq(mr_key_batch_encode(&layout, &test_arena, &pointer, BATCH, &batch, &err),
                         MR_OK);
        ck_assert_int_eq(
            mr_group_table_insert(&table, &batch, b % 2 == 0 ? NULL : rows, BATCH, groups, &err),
            MR_OK);
        for (uint32_t r = 0; r < BATCH; r++) {
            const int64_t key = ((const int64_t *)vector.data)[b % 2 == 0 ? r : rows[r]];
            int64_t *state = (int64_t *)mr_group_state(&table, groups[r]);
            ck_assert_int_eq(*(const int64_t *)mr_group_key(&table, groups[r]), key);
            ck_assert_int_eq(*state, counts[key]);
            *state += 1;
            counts[key]++;
        }
        ck_assert_int_eq(memory.used_bytes, mr_group_table_bytes(&table));
    }
    mr_group_table_fini(&table);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

/* Keys that an array finds, come near to its ends, leave it or never had one: key = base + step x
 * random, and in every round the base moves on. */
static const struct DirectCase {
    const char *what;
    int64_t base, move;
    uint64_t keys, step;
    bool nulls, clears, has_array;
} direct_cases[] = {
    { "ids", 1000, 0, 3000, 1, false, false, true },
    { "around zero", -1500, 0, 3000, 1, true, false, true },
    { "every fifth", 7, 0, 3000, 5, false, false, true },
    { "at the greatest", INT64_MAX - 2999, 0, 3000, 1, false, false, true },
    { "at the least", INT64_MIN, 0, 3000, 1, true, false, true },
    { "far apart", 0, 0, 3000, 1000003, false, false, false },
    { "growing ids", 5, 2500, 3000, 1, false, false, true },
    { "other ids after each window", 5, 100000, 3000, 1, false, true, true },
    { "two clusters", 0, INT64_C(1) << 40, 3000, 1, false, false, false },
    { "few", 1, 0, 10, 1, true, false, true },
    { "too few", 1, 0, 3, 1, false, false, false },
    { "few far apart", 1, 0, 10, 100, false, false, false },
};

static MrVector direct_keys(const struct DirectCase *c, int64_t base, MrRandom *random)
{
    MrVector vector;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_vector_init(&vector, &test_arena, mr_type(MR_TYPE_INT64), ROWS, &err),
                     MR_OK);
    if (c->nulls) {
        ck_assert_int_eq(mr_vector_make_nullable(&vector, &test_arena, &err), MR_OK);
    }
    for (uint32_t r = 0; r < ROWS; r++) {
        ((int64_t *)vector.data)[r] = base + (int64_t)(mr_random_below(random, c->keys) * c->step);
        if (c->nulls && mr_random_below(random, 10) == 0) {
            mr_bitmap_clear(vector.validity, r);
        }
    }
    return vector;
}

/* The groups that the array knows come in the order of their keys; with it come all that have one. */
static void check_order(const MrGroupTable *table, bool nulls, const char *what)
{
    uint32_t *groups = mr_arena_alloc(&test_arena, (table->count + 1) * sizeof *groups);
    const uint32_t count = mr_group_direct_list(table, groups);
    int64_t before = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        int64_t key;
        memcpy(&key, mr_group_key(table, groups[i]), sizeof key);
        ck_assert_uint_eq(mr_group_header(table, groups[i])->nulls, 0);
        ck_assert_msg(i == 0 || key > before, "%s", what);
        before = key;
    }
    const bool is_whole = table->direct.groups != NULL && !table->direct.has_outside;
    ck_assert_msg(count <= table->count && (!is_whole || nulls || count == table->count), "%s",
                  what);
    ck_assert_msg(table->direct.groups != NULL || count == 0, "%s", what);
}

/* A second key column that is always the same makes a table without an array: both must number the
 * groups alike. */
START_TEST(test_direct)
{
    const struct DirectCase *c = &direct_cases[_i];
    const MrTypeId types[2] = { MR_TYPE_INT64, MR_TYPE_INT64 };
    MrKeyLayout layouts[2];
    MrGroupTable tables[2];
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    MrRandom random;
    static uint32_t groups[2][ROWS], rows[ROWS], found[ROWS];
    mr_random_init(&random, 77);
    for (uint32_t t = 0; t < 2; t++) {
        ck_assert_int_eq(mr_key_layout_init(&layouts[t], types, t + 1, &err), MR_OK);
        mr_group_table_init(&tables[t], &layouts[t], 8, &memory);
    }
    for (uint32_t b = 0; b < 60; b++) {
        mr_arena_reset(&test_arena);
        /* Without NULLs first: the array must be there before they come. */
        struct DirectCase round = *c;
        round.nulls = c->nulls && b % 2 == 1;
        MrVector keys = direct_keys(&round, c->base + (int64_t)(b / 20) * c->move, &random);
        MrVector same;
        const MrVector *columns[2] = { &keys, &same };
        const MrDatum zero = { .type = mr_type(MR_TYPE_INT64) };
        ck_assert_int_eq(mr_vector_init_constant(&same, &test_arena, &zero, ROWS, &err), MR_OK);
        for (uint32_t r = 0; r < ROWS; r++) {
            rows[r] = ROWS - 1 - r;
        }
        for (uint32_t t = 0; t < 2; t++) {
            MrKeyBatch batch;
            if (c->clears && b % 20 == 0) {
                mr_group_table_clear(&tables[t]);
            }
            ck_assert_int_eq(
                mr_key_batch_encode(&layouts[t], &test_arena, columns, ROWS, &batch, &err), MR_OK);
            MrKeyBatch bare = batch; /* an array of keys asks for no hashes */
            bare.hashes = mr_group_table_is_direct(&tables[t], &batch) ? NULL : batch.hashes;
            ck_assert_int_eq(mr_group_table_insert(&tables[t], &bare, b % 3 == 0 ? NULL : rows,
                                                   ROWS, groups[t], &err),
                             MR_OK);
            mr_group_table_look_up(&tables[t], &batch, found);
            for (uint32_t i = 0; i < ROWS; i++) {
                ck_assert_uint_eq(found[b % 3 == 0 ? i : rows[i]], groups[t][i]);
            }
        }
        ck_assert_msg(memcmp(groups[0], groups[1], sizeof groups[0]) == 0, "%s", c->what);
        ck_assert_uint_eq(tables[0].count, tables[1].count);
        check_order(&tables[0], c->nulls, c->what);
        ck_assert_int_eq(memory.used_bytes,
                         mr_group_table_bytes(&tables[0]) + mr_group_table_bytes(&tables[1]));
    }
    ck_assert_msg((tables[0].direct.groups != NULL) == c->has_array, "%s", c->what);
    ck_assert_ptr_null(tables[1].direct.groups);
    mr_group_table_fini(&tables[0]);
    mr_group_table_fini(&tables[1]);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

/* An array that does not fit the query's memory is done without. */
START_TEST(test_direct_without_memory)
{
    const MrTypeId type = MR_TYPE_INT64;
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    uint32_t group;
    ck_assert_int_eq(mr_key_layout_init(&layout, &type, 1, &err), MR_OK);
    mr_group_table_init(&table, &layout, 8, &memory);
    for (int64_t key = 0; key < 1000; key++) {
        const uint64_t hash = mr_key_hash(&layout, (const char *)&key, 0);
        ck_assert_int_eq(
            mr_group_table_insert_one(&table, (const char *)&key, 0, hash, &group, &err), MR_OK);
    }
    memory.limit_bytes = memory.used_bytes + 100;
    mr_group_direct_choose(&table);
    ck_assert_ptr_null(table.direct.groups);
    memory.limit_bytes = 0;
    mr_group_direct_choose(&table);
    ck_assert_ptr_nonnull(table.direct.groups);
    mr_group_table_fini(&table);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_keys_of_all_groups)
{
    mr_arena_reset(&test_arena);
    const MrTypeId types[2] = { MR_TYPE_INT64, MR_TYPE_TEXT };
    MrRandom random;
    MrKeyLayout layout;
    MrKeyBatch batch, keys;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    static uint32_t groups[ROWS];
    mr_random_init(&random, 5);
    MrVector vectors[2] = { vector_of(types[0], choices[4].values, 3, &random, false),
                            vector_of(types[1], choices[8].values, 6, &random, false) };
    const MrVector *columns[2] = { &vectors[0], &vectors[1] };
    ck_assert_int_eq(mr_key_layout_init(&layout, types, 2, &err), MR_OK);
    mr_group_table_init(&table, &layout, 8, &memory);
    ck_assert_int_eq(mr_group_table_reserve(&table, 1000, &err), MR_OK);
    const int64_t reserved = mr_group_table_bytes(&table);
    ck_assert_int_eq(mr_key_batch_encode(&layout, &test_arena, columns, ROWS, &batch, &err), MR_OK);
    ck_assert_int_eq(mr_group_table_insert(&table, &batch, NULL, ROWS, groups, &err), MR_OK);
    ck_assert_uint_eq(table.count, 18);
    ck_assert_int_eq(mr_group_table_bytes(&table) - (int64_t)table.text_charged, reserved);
    ck_assert_int_eq(mr_group_table_keys(&table, 0, table.count, &test_arena, &keys, &err), MR_OK);
    ck_assert_uint_eq(keys.rows, table.count);
    for (uint32_t r = 0; r < ROWS; r++) {
        const uint32_t g = groups[r];
        ck_assert_uint_eq(keys.hashes[g], batch.hashes[r]);
        ck_assert_uint_eq(keys.nulls[g], batch.nulls[r]);
        ck_assert(mr_key_equal(&layout, keys.keys + (size_t)g * layout.bytes,
                               batch.keys + (size_t)r * layout.bytes));
    }
    ck_assert_int_eq(mr_group_table_keys(&table, 7, 5, &test_arena, &keys, &err), MR_OK);
    mr_group_table_look_up(&table, &keys, groups);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(groups[i], 7 + i);
    }
    mr_group_table_clear(&table);
    mr_group_table_look_up(&table, &keys, groups);
    ck_assert_uint_eq(groups[0], MR_NO_GROUP);
    mr_group_table_fini(&table);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

START_TEST(test_without_columns)
{
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    MrKeyBatch batch;
    uint32_t groups[10];
    ck_assert_int_eq(mr_key_layout_init(&layout, NULL, 0, &err), MR_OK);
    mr_group_table_init(&table, &layout, 16, &memory);
    ck_assert_uint_eq(mr_group_table_find(&table, "", 0, 0), MR_NO_GROUP);
    ck_assert_int_eq(mr_key_batch_encode(&layout, &test_arena, NULL, 10, &batch, &err), MR_OK);
    ck_assert_int_eq(mr_group_table_insert(&table, &batch, NULL, 10, groups, &err), MR_OK);
    ck_assert_uint_eq(table.count, 1);
    ck_assert_uint_eq(groups[9], 0);
    mr_group_table_fini(&table);
    ck_assert_int_eq(memory.used_bytes, 0);
}
END_TEST

/* At the limit the table stands as it was, and everything comes back. */
START_TEST(test_limit)
{
    const MrTypeId type = MR_TYPE_TEXT;
    MrKeyLayout layout;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_key_layout_init(&layout, &type, 1, &err), MR_OK);
    for (int64_t limit = 100; limit < 50000; limit += 777) {
        MrGroupTable table;
        MrMemory memory = { .limit_bytes = limit };
        MrStatus status = MR_OK;
        mr_group_table_init(&table, &layout, 8, &memory);
        for (uint32_t i = 0; status == MR_OK; i++) {
            char text[64];
            uint32_t group;
            snprintf(text, sizeof text, "a text that lives on the heap %u", i);
            const MrText key = mr_text_make(text, (uint32_t)strlen(text));
            status = mr_group_table_insert_one(&table, (const char *)&key, 0,
                                               mr_key_hash(&layout, (const char *)&key, 0), &group,
                                               &err);
        }
        ck_assert_int_eq(status, MR_ERR_OUT_OF_MEMORY);
        ck_assert_int_eq(memory.used_bytes, mr_group_table_bytes(&table));
        ck_assert_int_le(memory.used_bytes, limit);
        mr_group_table_fini(&table);
        ck_assert_int_eq(memory.used_bytes, 0);
    }
}
END_TEST

enum { MANY = 400000 };

static void open_words(MrGroupTable *table, MrKeyLayout *layout, uint32_t state_bytes,
                       MrMemory *memory)
{
    const MrTypeId type = MR_TYPE_INT64;
    MrError err = MR_ERROR_INIT;
    ck_assert_int_eq(mr_key_layout_init(layout, &type, 1, &err), MR_OK);
    mr_group_table_init(table, layout, state_bytes, memory);
}

static void close_words(MrGroupTable *table, const MrMemory *memory)
{
    mr_group_table_fini(table);
    ck_assert_int_eq(memory->used_bytes, 0);
}

/* Blocks of new and known keys, each number two blocks later again; group g is the g-th new key. */
static void insert_many(MrGroupTable *table, const MrKeyLayout *layout, MrMemory *memory)
{
    static uint64_t keys[MR_VECTOR_ROWS], hashes[MR_VECTOR_ROWS];
    static uint32_t groups[MR_VECTOR_ROWS];
    MrError err = MR_ERROR_INIT;
    for (uint64_t first = 0; first < MANY; first += MR_VECTOR_ROWS / 2) {
        for (uint32_t i = 0; i < MR_VECTOR_ROWS; i++) {
            keys[i] = mr_hash_u64(first + i);
        }
        const MrKeyBatch batch = { .rows = MR_VECTOR_ROWS, .keys = (char *)keys, .hashes = hashes };
        mr_key_batch_hash(layout, batch.keys, NULL, MR_VECTOR_ROWS, hashes);
        ck_assert_int_eq(mr_group_table_insert(table, &batch, NULL, MR_VECTOR_ROWS, groups, &err),
                         MR_OK);
        for (uint32_t i = 0; i < MR_VECTOR_ROWS; i++) {
            ck_assert_uint_eq(groups[i], first + i);
        }
        ck_assert_int_eq(memory->used_bytes, mr_group_table_bytes(table));
    }
}

/* Past 2^17 groups the slots are in parts: in the middle of a block, at once by a reservation, and
 * still so after the table was cleared. */
START_TEST(test_parts)
{
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    open_words(&table, &layout, 24, &memory);
    if (_i == 1) {
        ck_assert_int_eq(mr_group_table_reserve(&table, MANY, &err), MR_OK);
        ck_assert(mr_slots_are_split(&table.slots));
    }
    for (uint32_t round = 0; round < 2; round++) {
        insert_many(&table, &layout, &memory);
        ck_assert(mr_slots_are_split(&table.slots));
        for (uint64_t i = 0; i < MANY; i += 97) {
            uint64_t key = mr_hash_u64(i), other = mr_hash_u64(i + 10 * MANY);
            ck_assert_uint_eq(mr_group_table_find(&table, (const char *)&key, 0,
                                                  mr_key_hash(&layout, (const char *)&key, 0)),
                              i);
            ck_assert_uint_eq(mr_group_table_find(&table, (const char *)&other, 0,
                                                  mr_key_hash(&layout, (const char *)&other, 0)),
                              MR_NO_GROUP);
        }
        mr_group_table_clear(&table);
    }
    close_words(&table, &memory);
}
END_TEST

/* All hashes in one of the parts, which are made for a 256th of them. */
START_TEST(test_one_part_of_many)
{
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    open_words(&table, &layout, 8, &memory);
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < MANY; i++) {
            uint64_t hash = UINT64_C(7) << 56 | mr_hash_u64(i) >> 8;
            uint32_t group;
            ck_assert_int_eq(
                mr_group_table_insert_one(&table, (const char *)&i, 0, hash, &group, &err), MR_OK);
            ck_assert_uint_eq(group, i);
        }
    }
    ck_assert_int_eq(memory.used_bytes, mr_group_table_bytes(&table));
    close_words(&table, &memory);
}
END_TEST

/* Wherever the memory ends, what was in the table is found, and with more memory it goes on. */
START_TEST(test_parts_without_memory)
{
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { .limit_bytes = 1 };
    MrError err = MR_ERROR_INIT;
    uint32_t refused = 0;
    open_words(&table, &layout, 8, &memory);
    for (uint64_t i = 0; i < MANY / 2; i++) {
        uint64_t key = i * 1000; /* too far apart for an array */
        uint64_t hash = mr_key_hash(&layout, (const char *)&key, 0);
        uint32_t group;
        while (mr_group_table_insert_one(&table, (const char *)&key, 0, hash, &group, &err) !=
               MR_OK) {
            ck_assert_int_eq(memory.used_bytes, mr_group_table_bytes(&table));
            ck_assert_uint_eq(table.count, i);
            memory.limit_bytes += 1 + memory.limit_bytes / 3;
            refused++;
        }
        ck_assert_uint_eq(group, i);
    }
    ck_assert_uint_gt(refused, 20);
    ck_assert(mr_slots_are_split(&table.slots));
    for (uint64_t i = 0; i < MANY / 2; i++) {
        uint64_t key = i * 1000;
        ck_assert_uint_eq(mr_group_table_find(&table, (const char *)&key, 0,
                                              mr_key_hash(&layout, (const char *)&key, 0)),
                          i);
    }
    close_words(&table, &memory);
}
END_TEST

/* Ids that rise: the array is made longer, and knows those that came meanwhile. */
START_TEST(test_direct_upwards)
{
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    static uint32_t listed[MANY];
    open_words(&table, &layout, 8, &memory);
    int64_t first = _i == 0 ? 1000 : _i == 1 ? INT64_MIN : INT64_MAX - 20000;
    for (uint32_t i = 0; i < 20000; i += 100) {
        int64_t keys[100];
        uint64_t hashes[100];
        uint32_t groups[100];
        const MrKeyBatch batch = { .rows = 100, .keys = (char *)keys, .hashes = hashes };
        for (uint32_t k = 0; k < 100; k++) {
            keys[k] = first + (int64_t)i + k;
        }
        mr_key_batch_hash(&layout, batch.keys, NULL, 100, hashes);
        ck_assert_int_eq(mr_group_table_insert(&table, &batch, NULL, 100, groups, &err), MR_OK);
        for (uint32_t k = 0; k < 100; k++) {
            ck_assert_uint_eq(groups[k], i + k);
        }
        ck_assert_int_eq(memory.used_bytes, mr_group_table_bytes(&table));
    }
    mr_group_direct_choose(&table);
    ck_assert_uint_eq(mr_group_direct_list(&table, listed), 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        ck_assert_uint_eq(listed[i], i);
    }
    close_words(&table, &memory);
}
END_TEST

START_TEST(test_too_many_columns)
{
    MrTypeId types[MR_KEYS_MAX + 1];
    MrKeyLayout layout;
    MrError err = MR_ERROR_INIT;
    for (uint32_t i = 0; i <= MR_KEYS_MAX; i++) {
        types[i] = MR_TYPE_INT64;
    }
    ck_assert_int_eq(mr_key_layout_init(&layout, types, MR_KEYS_MAX, &err), MR_OK);
    ck_assert_int_eq(mr_key_layout_init(&layout, types, MR_KEYS_MAX + 1, &err),
                     MR_ERR_TOO_MANY_COLUMNS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group_table");
    TCase *tests = tcase_create("group_table");
    mr_arena_init(&test_arena, 0);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_types, 0, 2 * CHOICES);
    tcase_add_test(tests, test_growth);
    tcase_add_loop_test(tests, test_direct, 0, sizeof direct_cases / sizeof direct_cases[0]);
    tcase_add_test(tests, test_direct_without_memory);
    tcase_add_test(tests, test_keys_of_all_groups);
    tcase_add_test(tests, test_without_columns);
    tcase_add_test(tests, test_limit);
    tcase_add_loop_test(tests, test_parts, 0, 2);
    tcase_add_test(tests, test_one_part_of_many);
    tcase_add_test(tests, test_parts_without_memory);
    tcase_add_loop_test(tests, test_direct_upwards, 0, 3);
    tcase_add_test(tests, test_too_many_columns);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    mr_arena_fini(&test_arena);
    return failed == 0 ? 0 : 1;
}
