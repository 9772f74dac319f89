/*
 * engine/aggregates/histogram.c - histogram: every value with how often it came, exact.
 */
#include "engine/aggregates/aggregate_table.h"
#include "engine/aggregates/multiset.h"
#include "storage/jsonwalk.h"

static MrStatus member_add(void *context, MrTypeId type, const void *cell, int64_t count)
{
    MrBuilder *out = context;
    (void)type;
    if (count > 0) {
        mr_builder_append_string(out, out->length > 1 ? ", " : "");
        mr_json_append_string(out, mr_text_string(cell));
        mr_builder_append_format(out, ": %lld", (long long)count);
    }
    return MR_OK;
}

static MrStatus histogram_row(const char *state, MrBuilder *builder, MrType type, MrArena *arena,
                              MrText *out, bool *is_null, MrError *err)
{
    MrDatum normal;
    mr_builder_clear(builder);
    mr_builder_append_char(builder, '{');
    MR_TRY(mr_multiset_visit(state, member_add, builder));
    *is_null = builder->length == 1;
    mr_builder_append_char(builder, '}');
    if (builder->failed) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_datum_parse(arena, type, (MrString){ builder->data, builder->length }, NULL, &normal,
                          err));
    *out = normal.text;
    return MR_OK;
}

static MrStatus histogram_finalize(const MrAggregate *self, const char *states, size_t stride,
                                   const uint32_t *groups, uint32_t rows, MrArena *arena,
                                   MrVector *out, MrError *err)
{
    MrBuilder builder;
    MrStatus status = MR_OK;
    (void)self;
    mr_builder_init(&builder, 0);
    for (uint32_t i = 0; i < rows && status == MR_OK; i++) {
        bool is_null = true;
        status = histogram_row(states + (size_t)groups[i] * stride, &builder, out->type, arena,
                               (MrText *)out->data + i, &is_null, err);
        if (is_null) {
            mr_bitmap_clear(out->validity, i);
        }
    }
    mr_builder_fini(&builder);
    return status;
}

const MrAggregate mr_aggregates_histogram[] = {
    { .name = "histogram",
      .args = { MR_TYPE_UNKNOWN },
      .arg_count = 1,
      .result = MR_TYPE_JSONB,
      .convert = "text",
      .flags = MR_AGG_HEAP | MR_AGG_RETRACTS,
      .finalize = histogram_finalize,
      MR_MULTISET_ENTRY,
      .doc = "Every value with its number of rows, as a JSON object; exact.",
      .example = "histogram(x) FROM (VALUES ('b'), ('a'), ('b')) v(x)",
      .returns = "{\"a\": 1, \"b\": 2}" },
};
MR_AGGREGATE_TABLE_END(histogram)
