/*
 * tests/unit/test_log_model.c - random histories of a log, with crashes and reopening, against a model that
 * is a plain array of rows.
 */
#include "tests/unit/log_fixture.h"

static const MrString no_offset = { NULL, 0 };

enum { MODEL_ROWS_MAX = 60000 };
typedef struct ModelRow {
    uint32_t stream_id; /* 0: a record without rows */
    int64_t time, value, arrival, watermark;
} ModelRow;
typedef struct Model {
    ModelRow rows[MODEL_ROWS_MAX];
    uint64_t count, synced;
    int64_t watermarks[5];
} Model;
static Model model;

static void model_add(uint32_t stream_id, int64_t time, int64_t value, int64_t arrival)
{
    ModelRow *row = &model.rows[model.count++];
    *row = (ModelRow){ stream_id, time, value, arrival, model.watermarks[stream_id] };
    if (stream_id != 0 && time != MR_TIME_MIN && time <= arrival + 24 * 60 * MINUTE_US &&
        time - 5000000 > model.watermarks[stream_id]) {
        model.watermarks[stream_id] = time - 5000000;
    }
}

static void model_compare(Fixture *f)
{
    uint64_t next = 1;
    ck_assert_uint_eq(mr_log_appended(f->log), model.count);
    while (next <= model.count) {
        MrLogRecord record;
        bool found;
        MUST(mr_log_read(f->log, next, model.count, NULL, &f->arena, &record, &found, &f->err));
        ck_assert(found);
        ck_assert_uint_eq(record.first_sequence, next);
        for (uint32_t i = 0; record.kind == MR_RECORD_ROWS && i < record.row_count; i++) {
            const ModelRow *row = &model.rows[next - 1 + i];
            const MrPlace *place = &record.block->place;
            ck_assert_uint_eq(record.stream_id, row->stream_id);
            ck_assert_int_eq(record.arrival_us, row->arrival);
            ck_assert_int_eq(fixture_value(record.block, i), row->value);
            ck_assert_int_eq(mr_vector_is_null(&record.block->columns[0], i),
                             row->time == MR_TIME_MIN);
            if (place->watermarks != NULL) {
                ck_assert_int_eq(place->watermarks[i], row->watermark);
            } else {
                ck_assert_int_le(place->watermark_us, row->watermark);
                ck_assert(row->time == MR_TIME_MIN || row->time >= row->watermark);
            }
        }
        next += record.row_count;
        mr_log_release(&record);
        mr_arena_reset(&f->arena);
    }
    for (uint32_t id = 1; id <= 3; id++) {
        ck_assert_int_eq(mr_log_watermark(f->log, id), model.watermarks[id]);
    }
}

static void model_step(Fixture *f, MrRandom *random)
{
    MrLogTransaction *transaction;
    MrDurability durability;
    uint64_t last;
    struct {
        uint32_t stream_id, rows;
        int64_t times[700];
        int64_t first;
    } parts[4];
    uint32_t count = 1 + (uint32_t)mr_random_below(random, 4);
    MUST(mr_log_begin(f->log, &transaction, &f->err));
    for (uint32_t p = 0; p < count; p++) {
        parts[p].stream_id = 1 + (uint32_t)mr_random_below(random, 3);
        parts[p].rows =
            1 + (uint32_t)mr_random_below(random, mr_random_below(random, 5) == 0 ? 700 : 9);
        parts[p].first = (int64_t)mr_random_below(random, 1000000);
        for (uint32_t i = 0; i < parts[p].rows; i++) {
            uint64_t what = mr_random_below(random, 40);
            int64_t now = mr_clock_wall_us(f->clock);
            parts[p].times[i] =
                what == 0   ? MR_TIME_MIN
                : what == 1 ? now + 24 * 60 * MINUTE_US + (int64_t)mr_random_below(random, 2000)
                            : now - (int64_t)mr_random_below(random, 9000000);
        }
        MrBlock *block = fixture_block(f, parts[p].times, parts[p].rows, parts[p].first);
        bool is_range = mr_random_below(random, 4) == 0;
        MUST(is_range ? mr_log_append_range(transaction, parts[p].stream_id, block, NULL,
                                            fixture_range(&f->arena, block), no_offset, &f->err)
                      : mr_log_append(transaction, parts[p].stream_id, block, no_offset, &f->err));
        if (mr_random_below(random, 3) == 0) {
            MUST(mr_clock_set(f->clock,
                              mr_clock_wall_us(f->clock) + (int64_t)mr_random_below(random, 1500),
                              &f->err));
        }
    }
    if (mr_random_below(random, 5) == 0) {
        mr_log_abort(transaction);
        return;
    }
    MUST(mr_log_commit(transaction, &last, &durability, &f->err));
    for (uint32_t p = 0; p < count; p++) {
        for (uint32_t i = 0; i < parts[p].rows; i++) {
            model_add(parts[p].stream_id, parts[p].times[i], parts[p].first + i,
                      mr_clock_wall_us(f->clock));
        }
    }
    ck_assert_uint_eq(last, model.count);
}

START_TEST(test_random_histories_equal_the_model)
{
    Fixture fixture, *f = &fixture;
    MrRandom random;
    uint64_t seed = 1000 + (uint64_t)_i;
    fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
    mr_random_init(&random, seed);
    memset(&model, 0, sizeof model);
    for (int i = 0; i < 5; i++) {
        model.watermarks[i] = MR_TIME_MIN;
    }
    fixture_init(f);
    f->options.segment_bytes = 64 << 10;
    f->options.cache_bytes = mr_random_below(&random, 2) * 100000;
    fixture_open(f);
    for (int step = 0; step < 150; step++) {
        uint64_t what = mr_random_below(&random, 20);
        uint64_t sequence;
        if (what < 14) {
            model_step(f, &random);
        } else if (what == 14) {
            MUST(mr_log_append_ddl(f->log, MR_STRING("some text"), &sequence, &f->err));
            model_add(0, 0, 0, 0);
        } else if (what == 15) {
            int64_t to = model.watermarks[1] + 1000000;
            MUST(mr_log_append_watermark(f->log, MR_RECORD_HEARTBEAT, 1, to, &sequence, &f->err));
            model_add(0, 0, 0, 0);
            model.watermarks[1] = to;
        } else if (what == 16) {
            fixture_close(f);
            fixture_open(f);
        } else if (what == 17) {
            MUST(mr_log_sync(f->log, &f->err));
            ck_assert_uint_eq(mr_log_synced(f->log), model.count);
            fixture_crash(f);
            fixture_open(f);
        } else if (what == 18) {
            MUST(mr_log_write(f->log, &f->err));
        } else {
            model_compare(f);
        }
        mr_arena_reset(&f->arena);
    }
    model_compare(f);
    fixture_close(f);
    fixture_open(f);
    model_compare(f);
    fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_model");
    TCase *histories = tcase_create("histories");
    tcase_set_timeout(histories, 300);
    tcase_add_loop_test(histories, test_random_histories_equal_the_model, 0, 8);
    suite_add_tcase(suite, histories);
    return fixture_run(suite);
}
