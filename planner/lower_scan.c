/*
 * planner/lower_scan.c - scans, and filters: the condition of one may name the rows that a scan has
 * to read.  Must not know SQL text.
 */
#include "planner/index.h"
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
        (node->scan == MR_SCAN_TABLE && (lowering->options->is_standing || node->reads_history)) ||
        (node->scan == MR_SCAN_STEP && lowering->steps_retract);
    return mr_lowering_push(lowering, MR_OPERATOR_SCAN, spec, -1, -1, &schema, retracts);
}

/* Columns of a table whose values find rows. */
typedef struct Finder {
    const uint32_t *columns;
    uint32_t count;
} Finder;

enum { LOOKED_UP_MAX = 1000 }; /* more values of a list than that: all rows are read */

/* Where the relation's column stands in the scan's output; -1: it is not read. */
static int32_t column_of_scan(const MrLogical *scan, uint32_t column)
{
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (scan->scan_columns[i] == column) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* The values of all the columns that the predicate wants, one or, of a single column, several. */
static bool finds(const MrLogical *scan, const MrExpr *predicate, const Finder *finder,
                  MrDatum *values, uint32_t most, uint32_t *value_count)
{
    *value_count = 1;
    for (uint32_t k = 0; k < finder->count; k++) {
        const int32_t at = column_of_scan(scan, finder->columns[k]);
        if (at < 0) {
            return false;
        }
        const MrTypeId type = scan->columns[at].type.id;
        if (!mr_filter_equals(predicate, (uint32_t)at, type, &values[k]) &&
            (finder->count > 1 ||
             !mr_filter_is_one_of(predicate, (uint32_t)at, type, values, most, value_count))) {
            return false;
        }
    }
    return true;
}

static MrStatus try_finder(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate,
                           const Finder *finder, bool *found)
{
    MrScanSpec *spec =
        (MrScanSpec *)(uintptr_t)lowering->scans[lowering->scan_count - 1].spec; /* made just now */
    uint32_t count, most = mr_filter_longest_list(predicate);
    MrDatum *values;
    most = most > LOOKED_UP_MAX ? LOOKED_UP_MAX : most;
    MR_NEW_ARRAY(lowering->arena, values, (size_t)finder->count + most, lowering->err);
    *found = finds(scan, predicate, finder, values, most, &count);
    if (*found) {
        spec->key_values = values;
        spec->key_value_count = count;
    }
    return MR_OK;
}

static MrStatus try_index(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate,
                          const MrIndexDef *index, bool *found)
{
    MrScanSpec *spec = (MrScanSpec *)(uintptr_t)lowering->scans[lowering->scan_count - 1].spec;
    uint32_t *columns;
    *found = false;
    if (!mr_index_is_plain(index)) {
        return MR_OK;
    }
    MR_NEW_ARRAY(lowering->arena, columns, index->column_count, lowering->err);
    for (uint32_t c = 0; c < index->column_count; c++) {
        columns[c] = (uint32_t)index->columns[c].column;
    }
    const Finder finder = { columns, index->column_count };
    MR_TRY(try_finder(lowering, scan, predicate, &finder, found));
    spec->index_id = *found ? index->oid : 0;
    spec->index_name = *found ? index->name : NULL;
    return MR_OK;
}

/* A filter that names the whole key of a table below it, or all columns of an index: rows are found
 * by that.  The key first, then unique indexes, then the one that was made first. */
static MrStatus find_key(MrLowering *lowering, const MrLogical *scan, const MrExpr *predicate)
{
    const MrRelation *relation = scan->relation;
    const Finder key = { relation->table->keys, relation->table->key_count };
    bool found;
    MR_TRY(try_finder(lowering, scan, predicate, &key, &found));
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < relation->index_count && !found; i++) {
            if (relation->indexes[i].is_unique == (pass == 0)) {
                MR_TRY(try_index(lowering, scan, predicate, &relation->indexes[i], &found));
            }
        }
    }
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
