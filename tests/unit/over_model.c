/*
 * tests/unit/over_model.c - the naive model: sorts all rows, and asks of each row which others are
 * in its frame.
 */
#include "tests/unit/over_model.h"

#include <stdlib.h>

char *over_datum_text(const MrDatum *datum)
{
    return datum->is_null ? mr_arena_strdup(&test_arena, "~") : test_datum_text(datum, NULL);
}

void over_output_add(Output *output, const char *text, int64_t weight)
{
    for (uint32_t i = 0; i < output->count; i++) {
        if (strcmp(output->rows[i].text, text) == 0) {
            output->rows[i].count += weight;
            return;
        }
    }
    if (output->count == output->capacity) {
        output->capacity = output->capacity == 0 ? 64 : output->capacity * 2;
        output->rows = realloc(output->rows, output->capacity * sizeof *output->rows);
    }
    output->rows[output->count++] = (Sent){ mr_arena_strdup(&test_arena, text), weight };
}

static int compare_datum(const MrDatum *a, const MrDatum *b, bool descending, bool nulls_first)
{
    char x[32] = { 0 }, y[32] = { 0 };
    if (a->is_null || b->is_null) {
        return a->is_null == b->is_null ? 0 : a->is_null == nulls_first ? -1 : 1;
    }
    mr_datum_store(a, x);
    mr_datum_store(b, y);
    int order = mr_cell_compare(a->type.id, x, y);
    return descending ? -order : order;
}

static int compare_peers(const MrOrderedSpec *spec, const Row *a, const Row *b)
{
    int order = 0;
    for (uint32_t k = 0; k < spec->order_count && order == 0; k++) {
        const MrSortKey *key = &spec->order[k];
        order = compare_datum(&a->cells[key->column], &b->cells[key->column], key->descending,
                              key->nulls_first);
    }
    return order;
}

static int compare_model(const void *a, const void *b, void *context)
{
    const MrOrderedSpec *spec = context;
    const Row *x = *(const Row *const *)a, *y = *(const Row *const *)b;
    int order = 0;
    for (uint32_t p = 0; p < spec->partition_count && order == 0; p++) {
        order = compare_datum(&x->cells[spec->partition[p]], &y->cells[spec->partition[p]], false,
                              false);
    }
    order = order != 0 ? order : compare_peers(spec, x, y);
    if (order != 0 || !spec->input_is_derived) {
        return order != 0 ? order : (x->arrival > y->arrival) - (x->arrival < y->arrival);
    }
    for (uint32_t c = 0; c < COLUMNS && order == 0; c++) {
        order = compare_datum(&x->cells[c], &y->cells[c], false, false);
    }
    return order;
}

typedef struct Part {
    const Row **rows;
    uint32_t count;
    uint32_t groups[128]; /* number of each row's peer group */
    const MrOrderedSpec *spec;
} Part;

static uint32_t peer_start(const Part *part, uint32_t at)
{
    while (at > 0 && part->groups[at - 1] == part->groups[at]) {
        at--;
    }
    return at;
}

static uint32_t peer_end(const Part *part, uint32_t at)
{
    while (at + 1 < part->count && part->groups[at] == part->groups[at + 1]) {
        at++;
    }
    return at + 1;
}

/* Whether row `j` is at or behind the start (at or before the end) of the frame of row `at`. */
static bool is_within(const Part *part, const MrFrame *frame, uint32_t at, uint32_t j, bool is_end)
{
    MrFrameEdge edge = is_end ? frame->end : frame->start;
    const MrDatum *offset = is_end ? &frame->end_offset : &frame->start_offset;
    if (edge == MR_EDGE_UNBOUNDED_PRECEDING || edge == MR_EDGE_UNBOUNDED_FOLLOWING) {
        return true;
    }
    int64_t sign = is_end ? -1 : 1; /* a start: distance >= bound; an end: <= */
    int64_t shift = edge == MR_EDGE_CURRENT_ROW ? 0
                    : edge == MR_EDGE_PRECEDING ? -offset->integer
                                                : offset->integer;
    if (frame->unit == MR_FRAME_UNIT_ROWS) {
        return sign * ((int64_t)j - (int64_t)at - shift) >= 0;
    }
    if (frame->unit == MR_FRAME_UNIT_GROUPS || edge == MR_EDGE_CURRENT_ROW) {
        int64_t distance = (int64_t)part->groups[j] - (int64_t)part->groups[at];
        return sign * (distance - shift) >= 0;
    }
    const MrSortKey *key = &part->spec->order[0];
    const MrDatum *mine = &part->rows[at]->cells[key->column];
    const MrDatum *other = &part->rows[j]->cells[key->column];
    if (mine->is_null || other->is_null) {
        if (mine->is_null && other->is_null) {
            return true;
        }
        bool other_is_before = other->is_null ? key->nulls_first : !key->nulls_first;
        return is_end ? other_is_before : !other_is_before;
    }
    if (offset->type.id == MR_TYPE_INTERVAL) {
        shift = edge == MR_EDGE_PRECEDING ? -offset->interval.us : offset->interval.us;
    }
    int64_t distance = other->integer - mine->integer;
    distance = key->descending ? -distance : distance;
    return sign * (distance - shift) >= 0;
}

static bool is_in_frame(const Part *part, const MrFrame *frame, uint32_t at, uint32_t j)
{
    bool is_peer = part->groups[at] == part->groups[j];
    if ((frame->hole == MR_HOLE_CURRENT_ROW && j == at) ||
        (frame->hole == MR_HOLE_GROUP && is_peer) ||
        (frame->hole == MR_HOLE_TIES && is_peer && j != at)) {
        return false;
    }
    return is_within(part, frame, at, j, false) && is_within(part, frame, at, j, true);
}

static const char *model_aggregate(const Part *part, const MrOverCall *call, uint32_t at)
{
    int64_t count = 0, sum = 0;
    const MrDatum *best = NULL;
    const char *name = call->aggregate->name;
    for (uint32_t j = 0; j < part->count; j++) {
        const Row *row = part->rows[j];
        const MrDatum *value = &row->cells[call->args[0]];
        if (!is_in_frame(part, &call->frame, at, j) ||
            (call->filter >= 0 &&
             (row->cells[call->filter].is_null || !row->cells[call->filter].boolean)) ||
            (call->aggregate->arg_count > 0 && value->is_null)) {
            continue;
        }
        count++;
        /* Of a text it means nothing, and may overflow. */
        sum = (int64_t)((uint64_t)sum + (uint64_t)value->integer);
        int order = best == NULL ? 0 : compare_datum(value, best, false, false);
        if (best == NULL || (strcmp(name, "min") == 0 ? order < 0 : order > 0)) {
            best = value;
        }
    }
    if (strcmp(name, "count") == 0) {
        return mr_arena_printf(&test_arena, "%lld", (long long)count);
    }
    if (count == 0) {
        return "~";
    }
    return strcmp(name, "sum") == 0 ? mr_arena_printf(&test_arena, "%lld", (long long)sum)
                                    : over_datum_text(best);
}

static const char *model_value(const Part *part, const MrOverCall *call, uint32_t at)
{
    const MrDatum *found = NULL;
    uint32_t seen = 0;
    switch (call->function) {
    case MR_OVER_AGGREGATE: return model_aggregate(part, call, at);
    case MR_OVER_ROW_NUMBER: return mr_arena_printf(&test_arena, "%u", at + 1);
    case MR_OVER_RANK: return mr_arena_printf(&test_arena, "%u", peer_start(part, at) + 1);
    case MR_OVER_DENSE_RANK: return mr_arena_printf(&test_arena, "%u", part->groups[at] + 1);
    case MR_OVER_PERCENT_RANK: {
        MrDatum value = { .type = mr_type(MR_TYPE_FLOAT64),
                          .real =
                              part->count < 2 ? 0 : peer_start(part, at) / (part->count - 1.0) };
        return over_datum_text(&value);
    }
    case MR_OVER_CUME_DIST: {
        MrDatum value = { .type = mr_type(MR_TYPE_FLOAT64),
                          .real = (double)peer_end(part, at) / part->count };
        return over_datum_text(&value);
    }
    case MR_OVER_NTILE: {
        uint32_t bucket = 0, left = 0, rest = part->count % (uint32_t)call->number;
        for (uint32_t j = 0; j <= at; j++) {
            if (left == 0) {
                bucket++;
                left = part->count / (uint32_t)call->number + (bucket <= rest);
            }
            left--;
        }
        return mr_arena_printf(&test_arena, "%u", bucket);
    }
    case MR_OVER_LAG: {
        int64_t from = (int64_t)at - call->number;
        if (from >= 0 && from < part->count) {
            return over_datum_text(&part->rows[from]->cells[call->args[0]]);
        }
        return call->fallback < 0 ? "~" : over_datum_text(&part->rows[at]->cells[call->fallback]);
    }
    default:
        for (uint32_t j = 0; j < part->count; j++) {
            if (is_in_frame(part, &call->frame, at, j)) {
                seen++;
                bool takes = call->function == MR_OVER_FIRST_VALUE ? seen == 1
                             : call->function == MR_OVER_LAST_VALUE
                                 ? true
                                 : seen == (uint32_t)call->number;
                found = takes ? &part->rows[j]->cells[call->args[0]] : found;
            }
        }
        return found == NULL ? "~" : over_datum_text(found);
    }
}

static void model_row(const Case *c, const Part *part, uint32_t at, Output *out)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        mr_builder_append_string(&text, over_datum_text(&part->rows[at]->cells[i]));
        mr_builder_append_char(&text, '|');
    }
    if (c->is_top_n) {
        const MrOverCall by = { .function = c->top.by };
        const char *number = model_value(part, &by, at);
        bool is_in = strtoull(number, NULL, 10) <= c->top.limit && at >= c->top.offset;
        if (c->top.shows_number) {
            mr_builder_append_string(&text, number);
            mr_builder_append_char(&text, '|');
        }
        if (is_in) {
            over_output_add(out, mr_builder_text(&text), 1);
        }
    } else {
        for (uint32_t i = 0; i < c->over.call_count; i++) {
            mr_builder_append_string(&text, model_value(part, &c->calls[i], at));
            mr_builder_append_char(&text, '|');
        }
        over_output_add(out, mr_builder_text(&text), 1);
    }
    mr_builder_fini(&text);
}

Output over_model(Case *c, const Row **rows, uint32_t count)
{
    Output out = { 0 };
    MrOrderedSpec *spec = c->is_top_n ? &c->top.ordered : &c->over.ordered;
    qsort_r(rows, count, sizeof *rows, compare_model, spec);
    for (uint32_t first = 0; first < count;) {
        uint32_t end = first + 1;
        while (end < count &&
               (spec->partition_count == 0 ||
                compare_datum(&rows[first]->cells[spec->partition[0]],
                              &rows[end]->cells[spec->partition[0]], false, false) == 0)) {
            end++;
        }
        Part part = { .rows = rows + first, .count = end - first, .spec = spec };
        for (uint32_t at = 1; at < part.count; at++) {
            part.groups[at] =
                part.groups[at - 1] + (compare_peers(spec, part.rows[at - 1], part.rows[at]) != 0);
        }
        for (uint32_t at = 0; at < part.count; at++) {
            model_row(c, &part, at, &out);
        }
        first = end;
    }
    return out;
}

static int64_t count_of(const Output *output, const char *text)
{
    for (uint32_t i = 0; i < output->count; i++) {
        if (strcmp(output->rows[i].text, text) == 0) {
            return output->rows[i].count;
        }
    }
    return 0;
}

void over_check_same(const Output *got, const Output *wanted, uint64_t seed, const char *when)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        ck_assert_msg(count_of(got, wanted->rows[i].text) == wanted->rows[i].count,
                      "seed %llu, %s: %s is there %lld times, not %lld", (unsigned long long)seed,
                      when, wanted->rows[i].text, (long long)count_of(got, wanted->rows[i].text),
                      (long long)wanted->rows[i].count);
    }
    for (uint32_t i = 0; i < got->count; i++) {
        ck_assert_msg(got->rows[i].count == count_of(wanted, got->rows[i].text),
                      "seed %llu, %s: %s is there %lld times", (unsigned long long)seed, when,
                      got->rows[i].text, (long long)got->rows[i].count);
    }
}
