/*
 * bench/csv_decode.c - rate of the CSV decoder alone, on one core: bid rows of about 100 bytes made
 * from a fixed seed, decoded again and again from memory.  Prints one line per run.
 * Usage: csv_decode [rows [runs [quoted]]]
 */
#include "common/clock.h"
#include "common/random.h"
#include "storage/codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECE_BYTES = 1 << 20 };

static const MrColumn bid_columns[] = {
    { "auction", { MR_TYPE_INT64, -1 }, false, NULL },
    { "bidder", { MR_TYPE_INT64, -1 }, false, NULL },
    { "price", { MR_TYPE_INT64, -1 }, false, NULL },
    { "channel", { MR_TYPE_TEXT, -1 }, false, NULL },
    { "url", { MR_TYPE_TEXT, -1 }, false, NULL },
    { "at", { MR_TYPE_TIMESTAMP, -1 }, false, NULL },
};
enum { BID_COLUMNS = sizeof bid_columns / sizeof bid_columns[0] };

static void bids_write(MrBuilder *out, uint64_t rows, bool quoted)
{
    static const char *const channels[] = { "Google", "Facebook", "Baidu", "Apple" };
    MrRandom random;
    char at[MR_DATETIME_TEXT_MAX];
    int64_t us = INT64_C(1767225600) * MR_US_PER_SECOND;
    mr_random_init(&random, 42);
    for (uint64_t row = 0; row < rows; row++) {
        us += (int64_t)mr_random_below(&random, 20000);
        size_t length = mr_timestamp_format(us, at);
        mr_builder_append_format(out,
                                 "%u,%u,%u,%s%s%s,https://www.nexmark.com/item.htm?query=%u,%.*s\n",
                                 1000 + (unsigned)mr_random_below(&random, 100000),
                                 1000 + (unsigned)mr_random_below(&random, 1000000),
                                 (unsigned)mr_random_below(&random, 10000000), quoted ? "\"" : "",
                                 channels[mr_random_below(&random, 4)], quoted ? "\"" : "",
                                 (unsigned)mr_random_below(&random, 1000000), (int)length, at);
    }
}

/* Decodes it all; the sum keeps the compiler honest. */
static int decode_all(const MrCodecOptions *options, const MrBuilder *text, uint64_t *rows,
                      int64_t *sum)
{
    MrError err = MR_ERROR_INIT;
    MrDecoder *decoder;
    MrStatus status = mr_codec_csv.decoder_create(options, NULL, NULL, &decoder, &err);
    size_t at = 0;
    bool finished = false;
    *rows = 0;
    *sum = 0;
    while (status == MR_OK && !finished) {
        size_t used = 0;
        size_t left = text->length - at;
        if (left > 0) {
            status = mr_codec_csv.decode(decoder, text->data + at,
                                         left < PIECE_BYTES ? left : PIECE_BYTES, &used, &err);
            at += used;
        } else {
            status = mr_codec_csv.finish(decoder, &err);
            finished = true;
        }
        if (status == MR_OK && (finished || mr_codec_csv.is_full(decoder))) {
            MrBlock *block;
            status = mr_codec_csv.take(decoder, &block, &err);
            if (status == MR_OK && block != NULL) {
                *rows += block->row_count;
                *sum += ((const int64_t *)block->columns[2].data)[block->row_count - 1];
            }
        }
    }
    mr_codec_csv.decoder_destroy(decoder);
    if (status != MR_OK) {
        fprintf(stderr, "%s (%s)\n", err.message, err.detail);
    }
    return status == MR_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint64_t rows_wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    int runs = argc > 2 ? atoi(argv[2]) : 5;
    MrSchema schema = { BID_COLUMNS, bid_columns };
    MrCodecColumn columns[BID_COLUMNS] = { 0 };
    for (int i = 0; i < BID_COLUMNS; i++) {
        columns[i] = (MrCodecColumn){ .name = bid_columns[i].name,
                                      .type = bid_columns[i].type,
                                      .target = i };
    }
    MrCodecOptions options = { .columns = columns, .column_count = BID_COLUMNS, .schema = &schema };
    MrBuilder text;
    mr_builder_init(&text, 0);
    bids_write(&text, rows_wanted, argc > 3);
    MrClock *clock = mr_clock_create_real();
    if (text.failed || clock == NULL) {
        return 1;
    }
    int failed = 0;
    for (int run = 0; run < runs && failed == 0; run++) {
        uint64_t rows;
        int64_t sum;
        int64_t start = mr_clock_monotonic_us(clock);
        failed = decode_all(&options, &text, &rows, &sum);
        int64_t us = mr_clock_monotonic_us(clock) - start;
        printf("csv_decode rows=%llu bytes_per_row=%.1f ms=%.1f MB_per_s=%.0f Mrows_per_s=%.2f "
               "sum=%lld\n",
               (unsigned long long)rows, (double)text.length / (double)rows, (double)us / 1000.0,
               (double)text.length / (double)us, (double)rows / (double)us, (long long)sum);
    }
    mr_clock_destroy(clock);
    mr_builder_fini(&text);
    return failed;
}
