/*
 * tests/unit/codec_fixture.h - runs text through a decoder in cuts of any size and shows the rows.
 */
#ifndef MR_TESTS_CODEC_FIXTURE_H
#define MR_TESTS_CODEC_FIXTURE_H

#include "storage/codec.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIXTURE_COLUMNS_MAX = 32 };

typedef struct Fixture {
    MrColumn schema_columns[FIXTURE_COLUMNS_MAX];
    MrSchema schema;
    MrCodecColumn columns[FIXTURE_COLUMNS_MAX];
    MrCodecOptions options;
    const MrCodecClass *codec;
    MrBuilder shown;    /* rows decoded, as pipe-separated text; NULL as ~ */
    MrBuilder rejected; /* "line: message" of each, one a line */
    MrError err;
    MrDecoderCounts counts;
} Fixture;

/* Columns named a, b, c … of the types. */
static inline void fixture_init(Fixture *f, const MrCodecClass *codec, const MrTypeId *types,
                                uint32_t count)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
                                         "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                         "s", "t", "u", "v", "w", "x", "y", "z" };
    memset(f, 0, sizeof *f);
    f->codec = codec;
    for (uint32_t i = 0; i < count; i++) {
        f->schema_columns[i] = (MrColumn){ .name = names[i], .type = mr_type(types[i]) };
        f->columns[i] =
            (MrCodecColumn){ .name = names[i], .type = mr_type(types[i]), .target = (int32_t)i };
    }
    f->schema = (MrSchema){ count, f->schema_columns };
    f->options = (MrCodecOptions){
        .columns = f->columns, .column_count = count, .schema = &f->schema, .relation = "edits"
    };
    mr_builder_init(&f->shown, 0);
    mr_builder_init(&f->rejected, 0);
}

static inline void fixture_fini(Fixture *f)
{
    mr_builder_fini(&f->shown);
    mr_builder_fini(&f->rejected);
}

static inline void block_show(const MrBlock *block, MrBuilder *out)
{
    for (uint32_t row = 0; row < block->row_count; row++) {
        for (uint32_t i = 0; i < block->column_count; i++) {
            const MrVector *vector = &block->columns[i];
            if (i > 0) {
                mr_builder_append_char(out, '|');
            }
            if (mr_vector_is_null(vector, row)) {
                mr_builder_append_char(out, '~');
            } else {
                mr_cell_format(vector->type.id, mr_vector_cell(vector, row), NULL, out);
            }
        }
        mr_builder_append_char(out, '\n');
    }
}

static inline void fixture_reject(void *context, uint64_t line, MrString raw, const MrError *reason)
{
    Fixture *f = context;
    mr_builder_append_format(&f->rejected, "%llu: %s [%.*s]\n", (unsigned long long)line,
                             reason->message, (int)(raw.length < 60 ? raw.length : 60), raw.data);
}

static inline MrStatus fixture_take(Fixture *f, MrDecoder *decoder)
{
    MrBlock *block;
    MR_TRY(f->codec->take(decoder, &block, &f->err));
    if (block != NULL) {
        block_show(block, &f->shown);
    }
    return MR_OK;
}

/* Decodes all of `data` in pieces of `cut` bytes, each in memory of exactly its size. */
static inline MrStatus fixture_decode(Fixture *f, const char *data, size_t length, size_t cut)
{
    MrDecoder *decoder;
    mr_builder_clear(&f->shown);
    mr_builder_clear(&f->rejected);
    f->err = (MrError)MR_ERROR_INIT;
    MrStatus status = f->codec->decoder_create(&f->options, fixture_reject, f, &decoder, &f->err);
    for (size_t at = 0; status == MR_OK && at < length;) {
        size_t part = length - at < cut ? length - at : cut;
        char *piece = malloc(part);
        ck_assert_ptr_nonnull(piece);
        memcpy(piece, data + at, part);
        size_t used = 0;
        status = f->codec->decode(decoder, piece, part, &used, &f->err);
        free(piece);
        at += used;
        if (status == MR_OK && (f->codec->is_full(decoder) || used == 0)) {
            status = fixture_take(f, decoder);
        }
    }
    if (status == MR_OK) {
        status = f->codec->finish(decoder, &f->err);
    }
    if (status == MR_OK) {
        status = fixture_take(f, decoder);
    }
    if (decoder != NULL) {
        mr_decoder_counts(decoder, &f->counts);
        f->codec->decoder_destroy(decoder);
    }
    return status;
}

/* The rows that come of `input`, alike for every cut. */
static inline void fixture_expect(Fixture *f, const char *input, const char *rows)
{
    static const size_t cuts[] = { 1000000, 1, 2, 3, 7, 64 };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        MrStatus status = fixture_decode(f, input, strlen(input), cuts[i]);
        ck_assert_msg(status == MR_OK, "%s: %s (cut %zu)", input, f->err.message, cuts[i]);
        ck_assert_msg(strcmp(mr_builder_text(&f->shown), rows) == 0, "cut %zu: got\n%s\nnot\n%s",
                      cuts[i], mr_builder_text(&f->shown), rows);
    }
}

/* The error that comes of `input`, alike for every cut. */
static inline void fixture_expect_error(Fixture *f, const char *input, MrStatus code,
                                        const char *message, const char *detail)
{
    static const size_t cuts[] = { 1000000, 1, 3, 64 };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        MrStatus status = fixture_decode(f, input, strlen(input), cuts[i]);
        ck_assert_msg(status == code, "%s: status %s %s", input, mr_status_name(status),
                      f->err.message);
        ck_assert_str_eq(f->err.message, message);
        if (detail != NULL) {
            ck_assert_str_eq(f->err.detail, detail);
        }
    }
}

#endif
