/*
 * tests/fuzz/fuzz_log.c - any bytes as the only segment of a log: opened, every record read, appended
 * to, opened again.  Checksums are not compared (a planted switch), so that the input reaches what is
 * behind them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/logging.h"
#include "storage/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const MrColumn columns[] = {
    { .name = "at", .type = { MR_TYPE_TIMESTAMP, -1 } },
    { .name = "value", .type = { MR_TYPE_INT64, -1 } },
    { .name = "name", .type = { MR_TYPE_TEXT, -1 } },
};
static const MrSchema schema = { .column_count = 3, .columns = columns };

static void read_all(MrLog *log)
{
    MrArena arena;
    uint64_t next = 1;
    mr_arena_init(&arena, 64 << 20);
    for (int i = 0; i < 1000; i++) {
        MrLogRecord record;
        bool found;
        if (mr_log_read(log, next, UINT64_MAX, NULL, &arena, &record, &found, NULL) != MR_OK ||
            !found) {
            break;
        }
        next = record.first_sequence + record.row_count;
        if (record.block != NULL) {
            const MrVector *names = &record.block->columns[2];
            uint64_t sum = 0;
            for (uint32_t row = 0; row < record.row_count; row++) {
                const MrText *text = mr_vector_cell(names, row);
                if (!mr_vector_is_null(names, row) && text->length > 0) {
                    sum += (uint8_t)mr_text_data(text)[text->length - 1];
                }
            }
            if (sum == UINT64_MAX) {
                abort();
            }
        }
        mr_log_release(&record);
        mr_arena_reset(&arena);
    }
    mr_arena_fini(&arena);
}

static void open_once(const char *directory, MrClock *clock)
{
    MrLogOptions options = {
        .directory = directory, .segment_bytes = 65536, .cache_bytes = 65536, .clock = clock
    };
    MrLogStream stream = {
        .stream_id = 1, .schema = &schema, .event_column = 0, .max_future_skew_us = INT64_MAX
    };
    MrLog *log;
    uint64_t sequence;
    if (mr_log_open(&options, &log, NULL) != MR_OK) {
        return;
    }
    for (stream.stream_id = 1; stream.stream_id < 5; stream.stream_id++) {
        (void)mr_log_set_stream(log, &stream, NULL);
    }
    read_all(log);
    (void)mr_log_append_trim(log, 1, 10, &sequence, NULL);
    (void)mr_log_free_below(log, UINT64_MAX, NULL);
    read_all(log);
    (void)mr_log_close(log, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char directory[] = "/tmp/mr-fuzz-log-XXXXXX", path[64], command[64];
    MrClock *clock = mr_clock_create_virtual(0);
    mr_logging_init(2, MR_LOG_FATAL, false, clock);
    (void)mr_fault_init("plant:ignore_crc", NULL);
    if (clock != NULL && mkdtemp(directory) != NULL) {
        snprintf(path, sizeof path, "%s/%016x.seg", directory, 1);
        FILE *file = fopen(path, "wb");
        if (file != NULL) {
            fwrite(data, 1, size, file);
            fclose(file);
            open_once(directory, clock);
            open_once(directory, clock);
        }
        snprintf(command, sizeof command, "rm -rf %s", directory);
        if (system(command) != 0) {
            abort();
        }
    }
    mr_clock_destroy(clock);
    return 0;
}
