/*
 * tests/unit/test_log_recovery.c - torn tails at every byte, flipped bits, missing files, planted
 * bugs, retention: what a start finds after each.
 */
#include "storage/log_salvage.h"
#include "storage/segment.h"
#include "tests/unit/log_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- files as bytes ---------------------------------------------------------------------- */

typedef struct Bytes {
    uint8_t *data;
    size_t length;
} Bytes;

static Bytes file_get(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    Bytes bytes = { NULL, (size_t)ftell(file) };
    rewind(file);
    bytes.data = malloc(bytes.length + 1);
    ck_assert_uint_eq(fread(bytes.data, 1, bytes.length, file), bytes.length);
    fclose(file);
    return bytes;
}

static void file_put(const char *path, const uint8_t *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, length, file), length);
    fclose(file);
}

static void directory_clear(const Fixture *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -f '%.60s'/*", f->directory);
    ck_assert_int_eq(system(command), 0);
}

/* End of what was written: the rest of the file was only allocated. */
static size_t bytes_used(const Bytes *bytes)
{
    size_t used = bytes->length;
    while (used > 0 && bytes->data[used - 1] == 0) {
        used--;
    }
    return (used + 63) & ~(size_t)63;
}

/* Rows of the stream that can be read from the start; `error`: how it ended. */
static uint64_t rows_readable(Fixture *f, uint32_t stream_id, MrStatus *error)
{
    uint64_t bit = UINT64_C(1) << stream_id, next = 1, rows = 0;
    MrLogFilter filter = { .streams = &bit, .stream_words = 1 };
    for (;;) {
        MrLogRecord record;
        bool found;
        *error =
            mr_log_read(f->log, next, UINT64_MAX - 1, &filter, &f->arena, &record, &found, &f->err);
        if (*error != MR_OK || !found) {
            return rows;
        }
        next = record.first_sequence + record.row_count;
        if (record.kind == MR_RECORD_ROWS) {
            fixture_value(record.block, 0);
            fixture_value(record.block, record.row_count - 1);
            rows += record.row_count;
        }
        mr_log_release(&record);
        mr_arena_reset(&f->arena);
    }
}

/* ---- the tail ---------------------------------------------------------------------------- */

/* An image of the file, cut within its last frame at every third byte, in three ways. */
START_TEST(test_every_cut_of_the_last_frame)
{
    Fixture fixture, *f = &fixture;
    char path[128];
    MrStatus error;
    fixture_init(f);
    f->options.segment_bytes = 32 << 10;
    fixture_open(f);
    fixture_append_rows(f, 1, 5, 0);
    MUST(mr_log_sync(f->log, &f->err));
    fixture_segment_path(f, 1, path);
    Bytes before = file_get(path);
    fixture_append_rows(f, 1, 3, 5);
    MUST(mr_log_sync(f->log, &f->err));
    Bytes image = file_get(path);
    fixture_crash(f);
    size_t from = bytes_used(&before), to = bytes_used(&image);
    uint8_t *torn = malloc(image.length);
    for (size_t cut = from; cut <= to; cut += 3) {
        for (int kind = 0; kind < 3; kind++) {
            memcpy(torn, image.data, image.length);
            size_t length = image.length;
            if (kind == 0) {
                memset(torn + cut, 0, length - cut); /* the rest never came */
            } else if (kind == 1) {
                length = cut; /* nor did the file's size */
            } else if (cut < to) {
                memset(torn + cut, 0xa5, 1); /* one byte of it is wrong */
            }
            directory_clear(f);
            file_put(path, torn, length);
            fixture_open(f);
            uint64_t rows = rows_readable(f, 1, &error);
            ck_assert_int_eq(error, MR_OK);
            ck_assert_msg(rows == 5 || (rows == 8 && (cut + 64 > to || kind == 2)),
                          "cut %zu kind %d: %lu rows", cut, kind, (unsigned long)rows);
            ck_assert_uint_eq(mr_log_appended(f->log), rows);
            fixture_append_rows(f, 1, 1, 100);
            MUST(mr_log_sync(f->log, &f->err));
            ck_assert_uint_eq(rows_readable(f, 1, &error), rows + 1);
            fixture_close(f);
        }
    }
    free(torn);
    free(before.data);
    free(image.data);
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_target_that_is_ahead_forbids_the_cut)
{
    Fixture fixture, *f = &fixture;
    fixture_init(f);
    fixture_open(f);
    fixture_append_rows(f, 1, 5, 0);
    fixture_close(f);
    f->options.must_reach_sequence = 5;
    fixture_open(f);
    fixture_close(f);
    f->options.must_reach_sequence = 6;
    ck_assert_int_eq(fixture_try_open(f), MR_ERR_CORRUPT);
    ck_assert_ptr_null(f->log);
    fixture_fini(f);
}
END_TEST

/* ---- the middle -------------------------------------------------------------------------- */

/* Five synced transactions of streams 1, 2, 3, 1, 3; one byte of the file is wrong. */
static void flip(Fixture *f, size_t at, const Bytes *image, const char *path)
{
    uint8_t *bytes = malloc(image->length);
    memcpy(bytes, image->data, image->length);
    bytes[at] ^= 0x10;
    directory_clear(f);
    file_put(path, bytes, image->length);
    free(bytes);
}

static void line_count(void *context, const char *line)
{
    ck_assert_uint_gt(strlen(line), 10);
    ++*(unsigned *)context;
}

/* Gives up what is lost: no stream is CORRUPT then, all else is there, and rows can be added; also
 * when the log is opened again.  `rows`: at least so many are left. */
static void salvage(Fixture *f, uint64_t rows)
{
    unsigned lines = 0, gaps = 0;
    MrLogSalvage told = { .say = line_count, .context = &lines };
    MrStatus error;
    uint64_t left = 0, from, upto;
    fixture_open(f);
    MUST(mr_log_salvage(f->log, &told, &f->err));
    ck_assert_uint_gt(told.gaps, 0);
    ck_assert_uint_ge(lines, told.gaps);
    fixture_close(f);
    fixture_open(f);
    told = (MrLogSalvage){ .is_approved = true, .say = line_count, .context = &lines };
    MUST(mr_log_salvage(f->log, &told, &f->err));
    fixture_close(f);
    fixture_open(f);
    for (uint32_t id = 1; id <= 3; id++) {
        left += rows_readable(f, id, &error);
        ck_assert_msg(error == MR_OK, "stream %u: %s", id, f->err.message);
        MUST(mr_log_stream_error(f->log, id, &f->err));
        gaps += mr_log_stream_gap(f->log, id, &from, &upto);
        fixture_append_rows(f, id, 1, 0);
    }
    ck_assert_msg(left >= rows, "%lu rows of %lu", (unsigned long)left, (unsigned long)rows);
    ck_assert_uint_gt(gaps, 0);
    fixture_crash(f);
    fixture_open(f);
    for (uint32_t id = 1; id <= 3; id++) {
        MUST(mr_log_stream_error(f->log, id, &f->err));
    }
    told = (MrLogSalvage){ .say = line_count, .context = &lines };
    MUST(mr_log_salvage(f->log, &told, &f->err));
    ck_assert_uint_eq(told.gaps, 0);
    ck_assert_uint_eq(told.files, 0);
    fixture_close(f);
}

START_TEST(test_a_flipped_bit_stops_only_its_stream)
{
    bool is_sealed = _i == 1;
    Fixture fixture, *f = &fixture;
    char path[128];
    static const uint32_t streams[] = { 1, 2, 3, 1, 3 };
    fixture_init(f);
    f->options.segment_bytes = 64 << 10;
    f->options.cache_bytes = 0;
    fixture_open(f);
    for (int i = 0; i < 5; i++) {
        fixture_append_rows(f, streams[i], 10, i * 10);
        MUST(mr_log_sync(f->log, &f->err));
    }
    fixture_segment_path(f, 1, path);
    if (is_sealed) {
        fixture_close(f);
    }
    Bytes image = file_get(path);
    if (!is_sealed) {
        fixture_crash(f);
    }
    size_t used = bytes_used(&image);
    unsigned damaged = 0, several = 0, torn = 0;
    for (size_t at = 0; at < used; at += 13) {
        unsigned errors = 0;
        uint64_t rows = 0;
        flip(f, at, &image, path);
        MrStatus opened = fixture_try_open(f);
        if (opened == MR_ERR_UNSUPPORTED) {
            continue; /* the version in the header */
        }
        ck_assert_msg(opened == MR_OK, "byte %zu: %s", at, f->err.message);
        for (uint32_t id = 1; id <= 3; id++) {
            MrStatus error;
            rows += rows_readable(f, id, &error);
            errors += error != MR_OK;
            ck_assert(error == MR_OK || error == MR_ERR_CORRUPT);
            ck_assert_int_eq(error, mr_log_stream_error(f->log, id, &f->err));
            if (error != MR_OK) {
                ck_assert_ptr_nonnull(strstr(f->err.message, ".seg"));
                ck_assert_ptr_nonnull(strstr(f->err.message, "checksum"));
            }
        }
        /* Nothing is ever missing without an error, but the last synced write, which looks torn. */
        bool is_torn = errors == 0 && rows == 40 && !is_sealed;
        ck_assert_msg(errors > 0 || rows == 50 || is_torn, "byte %zu: %lu rows", at,
                      (unsigned long)rows);
        damaged += errors > 0;
        several += errors > 1;
        torn += is_torn;
        uint64_t next = mr_log_appended(f->log);
        for (uint32_t id = 1; id <= 3; id++) { /* the others go on */
            if (mr_log_stream_error(f->log, id, NULL) == MR_OK) {
                ck_assert_uint_gt(fixture_append_rows(f, id, 1, 0), next);
            }
        }
        fixture_close(f);
        if (errors > 0) {
            salvage(f, 40);
        }
    }
    ck_assert_uint_gt(damaged, 100);
    ck_assert_uint_eq(several, 0);
    fprintf(stderr, "# %u damaged, %u torn\n", damaged, torn);
    free(image.data);
    fixture_fini(f);
}
END_TEST

START_TEST(test_damage_is_known_again_at_the_next_start)
{
    Fixture fixture, *f = &fixture;
    char path[128];
    MrStatus error;
    fixture_init(f);
    fixture_open(f);
    for (int i = 0; i < 4; i++) {
        fixture_append_rows(f, 1 + i % 2, 10, i * 10);
        MUST(mr_log_sync(f->log, &f->err));
    }
    fixture_segment_path(f, 1, path);
    fixture_crash(f);
    Bytes image = file_get(path);
    image.data[4096 + 400] ^= 1; /* the first frame of rows */
    directory_clear(f);
    file_put(path, image.data, image.length);
    for (int i = 0; i < 3; i++) {
        fixture_open(f);
        ck_assert_uint_eq(rows_readable(f, 2, &error), 20 + (uint64_t)i);
        ck_assert_int_eq(error, MR_OK);
        rows_readable(f, 1, &error);
        ck_assert_int_eq(error, MR_ERR_CORRUPT);
        MrLogTransaction *transaction;
        int64_t times[] = { START_US };
        MUST(mr_log_begin(f->log, &transaction, &f->err));
        ck_assert_int_eq(mr_log_append(transaction, 1, fixture_block(f, times, 1, 0),
                                       (MrString){ NULL, 0 }, &f->err),
                         MR_ERR_CORRUPT);
        mr_log_abort(transaction);
        fixture_append_rows(f, 2, 1, 0);
        fixture_close(f);
    }
    free(image.data);
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_missing_file_is_noticed)
{
    Fixture fixture, *f = &fixture;
    char path[128];
    MrStatus error;
    fixture_init(f);
    f->options.segment_bytes = 64 << 10;
    fixture_open(f);
    fixture_append_rows(f, 1, 1000, 0);
    fixture_append_rows(f, 2, 1000, 0);
    fixture_append_rows(f, 1, 1000, 600);
    fixture_append_rows(f, 3, 1000, 600);
    fixture_close(f);
    fixture_segment_path(f, 2, path);
    ck_assert_int_eq(unlink(path), 0);
    fixture_open(f);
    rows_readable(f, 2, &error);
    ck_assert_int_eq(error, MR_ERR_CORRUPT);
    ck_assert_uint_eq(rows_readable(f, 3, &error), 1000);
    ck_assert_int_eq(error, MR_OK);
    fixture_close(f);
    salvage(f, 2000);
    fixture_fini(f);
}
END_TEST

START_TEST(test_a_newer_format_is_refused)
{
    Fixture fixture, *f = &fixture;
    char path[128];
    fixture_init(f);
    fixture_open(f);
    fixture_append_rows(f, 1, 6, 0);
    fixture_close(f);
    fixture_segment_path(f, 1, path);
    Bytes image = file_get(path);
    image.data[8] = MR_SEGMENT_VERSION + 1;
    file_put(path, image.data, image.length);
    ck_assert_int_eq(fixture_try_open(f), MR_ERR_UNSUPPORTED);
    free(image.data);
    fixture_fini(f);
}
END_TEST

START_TEST(test_the_planted_bug_ignore_crc_is_seen)
{
    Fixture fixture, *f = &fixture;
    char path[128];
    fixture_init(f);
    f->options.cache_bytes = 0;
    fixture_open(f);
    fixture_append_rows(f, 1, 100, 0);
    fixture_close(f);
    fixture_segment_path(f, 1, path);
    Bytes image = file_get(path);
    image.data[4096 + 192 + 256 + 192 + 512] ^= 1;
    file_put(path, image.data, image.length);
    for (int planted = 0; planted < 2; planted++) {
        MrLogRecord record;
        bool found;
        MUST(mr_fault_init(planted ? "plant:ignore_crc" : "", &f->err));
        fixture_open(f);
        MrStatus status = mr_log_read(f->log, 1, 9, NULL, &f->arena, &record, &found, &f->err);
        ck_assert_int_eq(status, planted ? MR_OK : MR_ERR_CORRUPT);
        mr_log_release(&record);
        MUST(mr_fault_init("", &f->err));
        fixture_close(f);
    }
    free(image.data);
    fixture_fini(f);
}
END_TEST

/* ---- retention --------------------------------------------------------------------------- */

static unsigned segment_files(const Fixture *f)
{
    char command[128], text[32] = "";
    snprintf(command, sizeof command, "ls '%.60s' | grep -c 'seg$'", f->directory);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, pipe));
    pclose(pipe);
    return (unsigned)atoi(text);
}

/* Stream 1 is trimmed, stream 2 is kept; `together`: both in transactions of several parts. */
START_TEST(test_freed_segments_leave_the_rows_that_are_kept)
{
    bool together = _i % 2 == 1, crash = _i >= 2;
    Fixture fixture, *f = &fixture;
    uint64_t sequence, kept = 0;
    MrStatus error;
    fixture_init(f);
    f->options.segment_bytes = 128 << 10;
    f->options.cache_bytes = _i == 3 ? 50000 : 0;
    fixture_open(f);
    for (int i = 0; i < 40; i++) {
        int64_t times[400];
        for (int j = 0; j < 400; j++) {
            times[j] = START_US + i * 1000 + j;
        }
        if (together) {
            MrLogTransaction *transaction;
            MrDurability durability;
            MUST(mr_log_begin(f->log, &transaction, &f->err));
            MUST(mr_log_append(transaction, 2, fixture_block(f, times, 10, (int64_t)kept),
                               (MrString){ NULL, 0 }, &f->err));
            MUST(mr_log_append(transaction, 1, fixture_block(f, times, 400, 0),
                               (MrString){ NULL, 0 }, &f->err));
            MUST(mr_log_commit(transaction, &sequence, &durability, &f->err));
        } else {
            fixture_append(f, 2, fixture_block(f, times, 10, (int64_t)kept));
            fixture_append(f, 1, fixture_block(f, times, 400, 0));
        }
        kept += 10;
    }
    MUST(mr_log_sync(f->log, &f->err));
    uint64_t bytes = mr_log_bytes(f->log), last = mr_log_appended(f->log);
    unsigned files = segment_files(f);
    MUST(mr_log_free_below(f->log, last, &f->err));
    ck_assert_uint_eq(mr_log_bytes(f->log), bytes); /* all rows are visible */
    MUST(mr_log_append_trim(f->log, 1, last + 1, &sequence, &f->err));
    fixture_append_rows(f, 1, 1, 0);
    MUST(mr_log_sync(f->log, &f->err));
    MUST(mr_log_free_below(f->log, 1, &f->err));
    ck_assert_uint_ge(mr_log_bytes(f->log), bytes); /* somebody needs all from 1 on */
    MUST(mr_log_free_below(f->log, last + 1, &f->err));
    ck_assert_uint_lt(mr_log_bytes(f->log), bytes / 2);
    for (int again = 0; again < 3; again++) {
        ck_assert_uint_eq(rows_readable(f, 2, &error), kept);
        ck_assert_int_eq(error, MR_OK);
        MrLogStreamFacts facts;
        ck_assert(mr_log_stream_facts(f->log, 1, &facts));
        ck_assert_uint_eq(facts.rows, 1);
        ck_assert_uint_eq(facts.first_sequence, last + 1);
        ck_assert_int_eq(mr_log_stream_error(f->log, 1, &f->err), MR_OK);
        if (crash && again == 0) {
            fixture_crash(f);
        } else {
            fixture_close(f);
        }
        fixture_open(f);
    }
    /* Nothing of stream 2 is wanted any more either. */
    mr_log_forget_stream(f->log, 2);
    MUST(mr_log_sync(f->log, &f->err));
    MUST(mr_log_free_below(f->log, mr_log_appended(f->log), &f->err));
    ck_assert_uint_lt(segment_files(f), files);
    ck_assert_uint_le(segment_files(f), 4);
    fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log_recovery");
    TCase *tail = tcase_create("tail");
    tcase_set_timeout(tail, 300);
    tcase_add_test(tail, test_every_cut_of_the_last_frame);
    tcase_add_test(tail, test_a_target_that_is_ahead_forbids_the_cut);
    suite_add_tcase(suite, tail);
    TCase *middle = tcase_create("middle");
    tcase_set_timeout(middle, 300);
    tcase_add_loop_test(middle, test_a_flipped_bit_stops_only_its_stream, 0, 2);
    tcase_add_test(middle, test_damage_is_known_again_at_the_next_start);
    tcase_add_test(middle, test_a_missing_file_is_noticed);
    tcase_add_test(middle, test_a_newer_format_is_refused);
    tcase_add_test(middle, test_the_planted_bug_ignore_crc_is_seen);
    suite_add_tcase(suite, middle);
    TCase *retention = tcase_create("retention");
    tcase_set_timeout(retention, 120);
    tcase_add_loop_test(retention, test_freed_segments_leave_the_rows_that_are_kept, 0, 4);
    suite_add_tcase(suite, retention);
    return fixture_run(suite);
}
