/*
 * planner/lower_scan.c - scans, and filters: the condition of one may name the rows that a scan has
 * to read.  Must not know SQL text.
 */
#include "planner/key_filter.h"
#include "planner/lower_internal.h"

#include <string.h>

/* Scans of one relation have one number, unless one reads its rows and one its changes. */
static uint32_t source_of(MrLowering *lowering, const MrLogical *node)
{
    const MrRelation *relation = node->relation;
    for (uint32_t i = 0; i < lowering->scan_count && relation != NULL; i++) {
        if (lowering->scans[i].relation == relation && lowering->scans[i].spec->look_up == NULL &&
            lowering->scans[i].spec->reads_history == node->reads_history) {
            return lowering->scans[i].spec->source;
        }
    }
    return lowering->source_count++;
}

MrStatus mr_lower_scan(MrLowering *lowering, const MrLogical *node)
{
    MrScanSpec *spec;
    MrSchema schema;
    const MrRelation *relation = node->relation;
    MR_NEW(lowering->arena, spec, lowering->err);
    *spec = (MrScanSpec){
        .kind = node->scan,
        .relation = relation != NULL             ? relation->name
                    : node->scan == MR_SCAN_STEP ? "the last step"
                                                 : "VALUES",
        .column_count = node->column_count,
        .columns = node->scan_columns,
        .event_column = -1,
        .values = node->values,
        .source = source_of(lowering, node),
        .reads_history = node->reads_history,
        .has_watermark = node->scan == MR_SCAN_STREAM,
    };
    if (node->scan == MR_SCAN_STREAM) {
        spec->stream_id = relation->stream->id;
        spec->event_column = relation->stream->event_column;
        spec->by_arrival = node->by_arrival;
        spec->delay_us = relation->stream->delay_us;
        spec->max_future_skew_us = relation->stream->max_future_skew_us;
    } else if (node->scan == MR_SCAN_TABLE) {
        spec->stream_id = relation->stream->id;
    } else if (node->scan == MR_SCAN_STEP) {
        spec->stream_id = node->recursion;
    } else if (node->scan == MR_SCAN_RESULT) {
        memcpy(spec->query, relation->standing->id, sizeof spec->query);
    }
    lowering->scans[lowering->scan_count++] = (MrPlanScan){ .spec = spec, .relation = relation };
    if (lowering->source_count > MR_PLAN_SOURCES_MAX) {
        return mr_error_set(lowering->err, MR_ERR_PROGRAM_LIMIT,
                            "a query can read at most %d relations", MR_PLAN_SOURCES_MAX);
    }
    MR_TRY(mr_lowering_schema(lowering, node, &schema));
    /* A standing query gets a table's changes, an ad-hoc one its rows. */
    bool retracts =
        node->scan == MR_SCAN_TABLE && (lowering->options->is_standing || node->reads_history);
    return mr_lowering_push(lowering, MR_OPERATOR_SCAN, spec, -1, -1, &schema, retracts);
}

/* A filter that names the whole key of a table below it: one row is enough, found by its key. */
static MrStatus find_key(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate)
{
    const MrTableDef *table = scan->relation->table;
    MrDatum *values;
    MR_NEW_ARRAY(lowering->arena, values, table->key_count, lowering->err);
    for (uint32_t k = 0; k < table->key_count; k++) {
        bool is_given = false;
        for (uint32_t i = 0; i < scan->column_count && !is_given; i++) {
            is_given = scan->scan_columns[i] == table->keys[k] &&
                       mr_filter_equals(predicate, i, scan->columns[i].type.id, &values[k]);
        }
        if (!is_given) {
            return MR_OK;
        }
    }
    ((MrScanSpec *)(uintptr_t)lowering->scans[lowering->scan_count - 1].spec)->key_values = values;
    return MR_OK;
}

static const MrScanSpec *scan_before(const MrLowering *lowering)
{
    return lowering->scans[lowering->scan_count - 1].spec;
}

/* A filter over a system view that names one number or name: the view need not give all its rows.
 * It reads by itself then, as the others of the relation want other rows. */
static MrStatus find_look_up(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate)
{
    MrScanSpec *spec = (MrScanSpec *)(uintptr_t)scan_before(lowering); /* made just now */
    MrDatum value, *kept;
    uint32_t column;
    if (lowering->source_count >= MR_PLAN_SOURCES_MAX ||
        !mr_filter_looks_up(scan, predicate, &column, &value)) {
        return MR_OK;
    }
    MR_NEW(lowering->arena, kept, lowering->err);
    *kept = value;
    spec->look_up = kept;
    spec->look_up_column = scan->scan_columns[column];
    spec->source = lowering->source_count++;
    return MR_OK;
}

MrStatus mr_lower_filter(MrLowering *lowering, const MrLogical *node)
{
    MrFilterSpec *spec;
    MR_NEW(lowering->arena, spec, lowering->err);
    spec->predicate = node->predicate;
    if (node->input->kind == MR_LOGICAL_SCAN && node->input->scan == MR_SCAN_TABLE &&
        !lowering->options->is_standing) {
        MR_TRY(find_key(lowering, node->input, node->predicate));
    }
    if (node->input->kind == MR_LOGICAL_SCAN && node->input->scan == MR_SCAN_VIRTUAL) {
        MR_TRY(find_look_up(lowering, node->input, node->predicate));
    }
    return mr_lowering_append(lowering, MR_OPERATOR_FILTER, spec,
                              &mr_lowering_top(lowering)->schema,
                              mr_lowering_top(lowering)->retracts);
}
