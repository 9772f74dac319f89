/*
 * tests/fuzz/fuzz_codec.c - any bytes become rows or an error, and the same ones however the bytes
 * were cut on their way.  The first byte chooses format and columns, the second options, the third
 * the cuts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMNS_MAX 24

typedef struct Setup {
    const MrCodecClass *codec;
    MrCodecOptions options;
    MrCodecColumn columns[COLUMNS_MAX];
    MrColumn schema_columns[COLUMNS_MAX];
    MrSchema schema;
    char names[COLUMNS_MAX][12];
} Setup;

static const MrTypeId few_types[] = { MR_TYPE_INT32, MR_TYPE_TEXT };
static const MrTypeId all_types[] = {
    MR_TYPE_BOOL,    MR_TYPE_INT16,   MR_TYPE_INT32,     MR_TYPE_INT64,       MR_TYPE_FLOAT32,
    MR_TYPE_FLOAT64, MR_TYPE_NUMERIC, MR_TYPE_TEXT,      MR_TYPE_VARCHAR,     MR_TYPE_BYTEA,
    MR_TYPE_DATE,    MR_TYPE_TIME,    MR_TYPE_TIMESTAMP, MR_TYPE_TIMESTAMPTZ, MR_TYPE_INTERVAL,
    MR_TYPE_UUID,    MR_TYPE_JSON,    MR_TYPE_JSONB,
};

static void setup_make(Setup *setup, uint8_t choice, uint8_t flags)
{
    static const MrCodecClass *const codecs[] = { &mr_codec_csv, &mr_codec_text, &mr_codec_binary,
                                                  &mr_codec_json, &mr_codec_avro };
    memset(setup, 0, sizeof *setup);
    setup->codec = codecs[(choice & 8) != 0 ? 4 : choice & 3];
    bool all = (choice & 4) != 0;
    uint32_t count =
        all ? sizeof all_types / sizeof all_types[0] : sizeof few_types / sizeof few_types[0];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(setup->names[i], sizeof setup->names[i], "c%u", (unsigned)i);
        MrType type = mr_type(all ? all_types[i] : few_types[i]);
        setup->columns[i] =
            (MrCodecColumn){ .name = setup->names[i], .type = type, .target = (int32_t)i };
        setup->columns[i].force_not_null = (flags & 1) != 0;
        setup->columns[i].force_null = (flags & 2) != 0;
        setup->columns[i].not_null = (flags & 4) != 0 && i == 0;
        setup->schema_columns[i] = (MrColumn){ .name = setup->names[i], .type = type };
    }
    setup->schema = (MrSchema){ .column_count = count, .columns = setup->schema_columns };
    bool csv = setup->codec == &mr_codec_csv;
    setup->options = (MrCodecOptions){
        .columns = setup->columns,
        .column_count = count,
        .schema = &setup->schema,
        .bad_rows = (flags & 8) != 0 ? MR_BAD_ROWS_REJECT : MR_BAD_ROWS_FAIL,
        .relation = "s",
        .header = (flags & 16) != 0 && !all,
        .delimiter = csv ? ((flags & 32) != 0 ? ';' : ',') : '\t',
        .quote = '"',
        .escape = (flags & 64) != 0 ? '\\' : '"',
        .null_text = csv ? "" : "\\N",
    };
}

static void count_reject(void *context, uint64_t line, MrString raw, const MrError *reason)
{
    uint64_t *rejected = context;
    (void)line;
    (void)raw;
    if (strlen(reason->sqlstate) != 5) {
        abort();
    }
    ++*rejected;
}

/* Appends what is ready to `out`, as text. */
static MrStatus take_rows(const Setup *setup, MrDecoder *decoder, MrBuilder *out, MrError *err)
{
    MrBlock *block = NULL;
    MR_TRY(setup->codec->take(decoder, &block, err));
    if (block == NULL) {
        return MR_OK;
    }
    MrCodecOptions text = setup->options;
    text.delimiter = '\t';
    text.null_text = "\\N";
    text.header = false;
    return mr_codec_text.encode(&text, block, out, err);
}

static MrStatus decode_all(const Setup *setup, MrDecoder *decoder, const char *data, size_t size,
                           size_t cut, MrBuilder *out, MrError *err)
{
    for (size_t at = 0; at < size;) {
        size_t piece = size - at < cut ? size - at : cut;
        size_t used = 0;
        MR_TRY(setup->codec->decode(decoder, data + at, piece, &used, err));
        if (used > piece) {
            abort();
        }
        at += used;
        if (used < piece || setup->codec->is_full(decoder)) {
            MR_TRY(take_rows(setup, decoder, out, err));
        }
    }
    MR_TRY(setup->codec->finish(decoder, err));
    return take_rows(setup, decoder, out, err);
}

/* Decodes with pieces of at most `cut` bytes. */
static MrStatus run(const Setup *setup, const uint8_t *data, size_t size, size_t cut,
                    MrBuilder *out, uint64_t *rejected, MrError *err)
{
    MrDecoder *decoder = NULL;
    MR_TRY(setup->codec->decoder_create(&setup->options, count_reject, rejected, &decoder, err));
    MrStatus status = decode_all(setup, decoder, (const char *)data, size, cut, out, err);
    setup->codec->decoder_destroy(decoder);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 20) {
        return 0;
    }
    Setup setup;
    setup_make(&setup, data[0], data[1]);
    size_t cut = (size_t)data[2] % 37 + 1;
    MrBuilder whole;
    MrBuilder cut_up;
    MrError first = { 0 };
    MrError second = { 0 };
    uint64_t rejected_whole = 0;
    uint64_t rejected_cut = 0;
    mr_builder_init(&whole, 0);
    mr_builder_init(&cut_up, 0);
    MrStatus one = run(&setup, data + 3, size - 3, size, &whole, &rejected_whole, &first);
    MrStatus two = run(&setup, data + 3, size - 3, cut, &cut_up, &rejected_cut, &second);
    if (one != two || strcmp(first.sqlstate, second.sqlstate) != 0) {
        fprintf(stderr, "whole: %s %s\ncut:   %s %s\n", first.sqlstate, first.message,
                second.sqlstate, second.message);
        abort();
    }
    bool same = whole.length == cut_up.length &&
                (whole.length == 0 || memcmp(whole.data, cut_up.data, whole.length) == 0);
    if (one == MR_OK && (!same || rejected_whole != rejected_cut)) {
        fprintf(stderr,
                "cuts of %zu bytes change the rows\nwhole (%llu rejected): %.*s\n"
                "cut (%llu rejected): %.*s\n",
                cut, (unsigned long long)rejected_whole, (int)whole.length, whole.data,
                (unsigned long long)rejected_cut, (int)cut_up.length, cut_up.data);
        abort();
    }
    mr_builder_fini(&whole);
    mr_builder_fini(&cut_up);
    return 0;
}
