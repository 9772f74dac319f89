/*
 * tests/unit/pipeline_fixture_naive.c - a group-by that computes every answer anew from a list of rows.
 */
#include <math.h>

#include "tests/unit/pipeline_fixture.h"

void naive_fini(Naive *naive)
{
    for (uint32_t g = 0; g < naive->count; g++) {
        free(naive->groups[g].key);
        free(naive->groups[g].rows);
    }
    free(naive->groups);
    *naive = (Naive){ 0 };
}

/* NULL and equal values (1.0 and 1.00, 1 mon and 30 days) are one key: the first row's stands. */
static bool heads_equal(const MrDatum *a, const MrDatum *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char cell_a[32] = { 0 }, cell_b[32] = { 0 };
        if (a[i].is_null != b[i].is_null) {
            return false;
        }
        if (a[i].is_null) {
            continue;
        }
        mr_datum_store(&a[i], cell_a);
        mr_datum_store(&b[i], cell_b);
        if (!mr_cell_equal(a[i].type.id, cell_a, cell_b)) {
            return false;
        }
    }
    return true;
}

static void naive_add(Naive *naive, const MrDatum *head, uint32_t head_count, int64_t end_us,
                      uint32_t row)
{
    NaiveGroup *group = NULL;
    for (uint32_t g = 0; g < naive->count && group == NULL; g++) {
        if (heads_equal(naive->groups[g].head, head, head_count)) {
            group = &naive->groups[g];
        }
    }
    if (group == NULL) {
        if (naive->count == naive->capacity) {
            naive->capacity = naive->capacity == 0 ? 64 : naive->capacity * 2;
            naive->groups = realloc(naive->groups, naive->capacity * sizeof *naive->groups);
        }
        group = &naive->groups[naive->count++];
        *group = (NaiveGroup){ .key = join_datums(head, head_count),
                               .head_count = head_count,
                               .end_us = end_us };
        for (uint32_t i = 0; i < head_count; i++) {
            group->head[i] = head[i];
        }
    }
    if (row == UINT32_MAX) {
        return;
    }
    if (group->count == group->capacity) {
        group->capacity = group->capacity == 0 ? 16 : group->capacity * 2;
        group->rows = realloc(group->rows, group->capacity * sizeof *group->rows);
    }
    group->rows[group->count++] = row;
}

/* Sessions, the slow way: from every row that has none yet, all rows of its key are taken in until no
 * further one is near enough. */
static void naive_sessions(Naive *naive, const TestLog *log, uint32_t end,
                           const MrAggregateSpec *spec, bool (*keep)(const LogRow *row))
{
    enum { WAITS = 1, TAKEN = 2 };
    const int64_t gap = spec->window.size_us;
    uint8_t *states = calloc(end + 1, 1);
    for (uint32_t r = 0; r < end; r++) {
        const LogRow *row = &log->rows[r];
        const bool is_finite = row->at_us != MR_TIME_MIN && row->at_us != MR_TIME_MAX;
        if (keep != NULL && !keep(row)) {
            continue;
        }
        if (is_finite && row->at_us + spec->allowed_lateness_us >= row->watermark_us) {
            states[r] = WAITS;
            continue;
        }
        if (naive->late_rows < MR_NOTED_ROWS_MAX * 4) {
            naive->late_sequences[naive->late_rows] = r + 1;
        }
        naive->late_rows++;
    }
    for (uint32_t r = 0; r < end; r++) {
        if (states[r] != WAITS) {
            continue;
        }
        MrDatum head[16] = { 0 }, other[16] = { 0 };
        int64_t first = log->rows[r].at_us, last = first;
        for (uint32_t k = 0; k < spec->key_count; k++) {
            head[2 + k] = log->rows[r].cells[spec->keys[k]];
        }
        uint8_t *taken = calloc(end + 1, 1);
        for (bool grew = true; grew;) {
            grew = false;
            for (uint32_t o = r; o < end; o++) {
                const int64_t at = log->rows[o].at_us;
                for (uint32_t k = 0; k < spec->key_count; k++) {
                    other[k] = log->rows[o].cells[spec->keys[k]];
                }
                if (states[o] != WAITS || at <= first - gap || at >= last + gap ||
                    !heads_equal(head + 2, other, spec->key_count)) {
                    continue;
                }
                states[o] = TAKEN;
                taken[o] = 1;
                first = at < first ? at : first;
                last = at > last ? at : last;
                grew = true;
            }
        }
        head[0] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = first };
        head[1] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = last + gap };
        for (uint32_t o = r; o < end; o++) {
            if (taken[o]) {
                naive_add(naive, head, 2 + spec->key_count, last + gap, o);
            }
        }
        free(taken);
    }
    free(states);
}

/* Windows of rows, counted for each key. */
static void naive_count_windows(Naive *naive, const TestLog *log, uint32_t end,
                                const MrAggregateSpec *spec, bool (*keep)(const LogRow *row))
{
    const uint32_t size = (uint32_t)spec->window.size_us, slide = (uint32_t)spec->window.slide_us;
    uint8_t *taken = calloc(end + 1, 1);
    uint32_t *rows = calloc(end + 1, sizeof *rows);
    for (uint32_t r = 0; r < end; r++) {
        MrDatum head[16] = { 0 }, other[16] = { 0 };
        uint32_t count = 0;
        for (uint32_t k = 0; k < spec->key_count; k++) {
            head[k] = log->rows[r].cells[spec->keys[k]];
        }
        for (uint32_t o = r; o < end && !taken[r]; o++) {
            for (uint32_t k = 0; k < spec->key_count; k++) {
                other[k] = log->rows[o].cells[spec->keys[k]];
            }
            if (!taken[o] && (keep == NULL || keep(&log->rows[o])) &&
                heads_equal(head, other, spec->key_count)) {
                rows[count++] = o;
            }
        }
        for (uint32_t first = 0; first < count; first += slide) {
            int64_t least = MR_TIME_MAX, greatest = MR_TIME_MIN;
            const uint32_t some = count - first < size ? count - first : size;
            for (uint32_t i = first; i < first + some; i++) {
                const int64_t at = log->rows[rows[i]].at_us;
                least = at < least ? at : least;
                greatest = at > greatest ? at : greatest;
            }
            MrDatum whole[16] = { 0 };
            whole[0] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = least };
            whole[1] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = greatest };
            for (uint32_t k = 0; k < spec->key_count; k++) {
                whole[2 + k] = log->rows[rows[first]].cells[spec->keys[k]];
            }
            for (uint32_t i = first; i < first + some; i++) {
                /* A window closes with its last row: that is its end for EMIT ON WINDOW CLOSE. */
                naive_add(naive, whole, 2 + spec->key_count,
                          some == size ? MR_TIME_MIN : MR_TIME_MAX - spec->allowed_lateness_us,
                          rows[i]);
            }
        }
        for (uint32_t i = 0; i < count; i++) {
            taken[rows[i]] = 1;
        }
    }
    free(taken);
    free(rows);
}

Naive naive_group(const TestLog *log, uint32_t end, const MrAggregateSpec *spec,
                  bool (*keep)(const LogRow *row))
{
    Naive naive = { 0 };
    if (spec->window_kind == MR_GROUP_WINDOW_NONE && spec->key_count == 0) {
        naive_add(&naive, NULL, 0, MR_TIME_MAX, UINT32_MAX);
    }
    if (spec->window_kind == MR_GROUP_WINDOW_SESSION) {
        naive_sessions(&naive, log, end, spec, keep);
        return naive;
    }
    if (spec->window_kind == MR_GROUP_WINDOW_COUNT) {
        naive_count_windows(&naive, log, end, spec, keep);
        return naive;
    }
    for (uint32_t r = 0; r < end; r++) {
        const LogRow *row = &log->rows[r];
        MrDatum head[16] = { 0 };
        uint32_t base = 0;
        if (keep != NULL && !keep(row)) {
            continue;
        }
        if (spec->window_kind != MR_GROUP_WINDOW_NONE) {
            base = 2;
        }
        for (uint32_t k = 0; k < spec->key_count; k++) {
            head[base + k] = row->cells[spec->keys[k]];
        }
        if (base == 0) {
            naive_add(&naive, head, spec->key_count, MR_TIME_MAX, r);
            continue;
        }
        bool counted = false, belongs = row->at_us == MR_TIME_MIN || row->at_us == MR_TIME_MAX;
        int64_t anchor = mr_window_start(&spec->window, row->at_us);
        do {
            const int64_t stop = mr_window_end(&spec->window, anchor);
            if (stop <= row->at_us) {
                break;
            }
            belongs = true;
            if (row->watermark_us < stop + spec->allowed_lateness_us) {
                const int64_t start = mr_window_shown_start(&spec->window, anchor);
                head[0] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = start };
                head[1] = (MrDatum){ .type = mr_type(MR_TYPE_TIMESTAMP), .integer = stop };
                naive_add(&naive, head, base + spec->key_count, stop, r);
                counted = true;
            }
        } while (spec->window_kind == MR_GROUP_WINDOW_HOP &&
                 mr_window_other(&spec->window, row->at_us, &anchor));
        if (belongs && !counted) {
            if (naive.late_rows < MR_NOTED_ROWS_MAX * 4) {
                naive.late_sequences[naive.late_rows] = r + 1;
            }
            naive.late_rows++;
        }
    }
    return naive;
}

static double datum_number(const MrDatum *datum)
{
    char text[64];
    switch (datum->type.id) {
    case MR_TYPE_FLOAT64: return datum->real;
    case MR_TYPE_NUMERIC: {
        MrBuilder builder;
        mr_builder_init(&builder, 0);
        mr_datum_format(datum, NULL, &builder);
        snprintf(text, sizeof text, "%s", mr_builder_text(&builder));
        mr_builder_fini(&builder);
        return strtod(text, NULL);
    }
    default: return (double)datum->integer;
    }
}

static int compare_datums(const MrDatum *a, const MrDatum *b)
{
    char cell_a[32] = { 0 }, cell_b[32] = { 0 };
    mr_datum_store(a, cell_a);
    mr_datum_store(b, cell_b);
    return mr_cell_compare(a->type.id, cell_a, cell_b);
}

/* One aggregate over its values, as text. */
static char *naive_call(const char *name, const MrDatum **values, uint32_t count)
{
    if (strcmp(name, "count") == 0) {
        return mr_arena_printf(&test_arena, "%u", count);
    }
    if (count == 0) {
        return mr_arena_strdup(&test_arena, "~");
    }
    const MrDatum *best = values[0];
    MrInt128 whole = 0;
    double sum = 0, squares = 0;
    bool all = true, any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(name, "min") == 0) {
            best = compare_datums(values[i], best) < 0 ? values[i] : best;
        } else if (strcmp(name, "max") == 0) {
            best = compare_datums(values[i], best) > 0 ? values[i] : best;
        } else if (values[i]->type.id == MR_TYPE_BOOL) {
            all &= values[i]->boolean;
            any |= values[i]->boolean;
        } else {
            whole += values[i]->type.id == MR_TYPE_INT64 || values[i]->type.id == MR_TYPE_INT32
                         ? values[i]->integer
                         : 0;
            sum += datum_number(values[i]);
        }
    }
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
        return test_datum_text(best, NULL);
    }
    if (strncmp(name, "bool", 4) == 0) {
        return mr_arena_strdup(&test_arena,
                               (strcmp(name, "bool_and") == 0 ? all : any) ? "t" : "f");
    }
    if (strcmp(name, "avg") == 0) {
        return mr_arena_printf(&test_arena, "%.17g", sum / count);
    }
    if (strncmp(name, "stddev", 6) == 0) {
        for (uint32_t i = 0; i < count; i++) {
            const double distance = datum_number(values[i]) - sum / count;
            squares += distance * distance;
        }
        const bool pop = strcmp(name, "stddev_pop") == 0;
        return count == 1 && !pop ? mr_arena_strdup(&test_arena, "~")
                                  : mr_arena_printf(&test_arena, "%.17g",
                                                    sqrt(squares / (pop ? count : count - 1)));
    }
    if (values[0]->type.id == MR_TYPE_INT64 || values[0]->type.id == MR_TYPE_INT32) {
        char digits[48];
        uint32_t at = sizeof digits;
        unsigned __int128 rest = whole < 0 ? -(unsigned __int128)whole : (unsigned __int128)whole;
        digits[--at] = '\0';
        do {
            digits[--at] = (char)('0' + (int)(rest % 10));
            rest /= 10;
        } while (rest > 0);
        return mr_arena_printf(&test_arena, "%s%s", whole < 0 ? "-" : "", digits + at);
    }
    return mr_arena_printf(&test_arena, "%.17g", sum);
}

char *naive_row(const TestLog *log, const NaiveGroup *group, const TestCall *calls,
                uint32_t call_count)
{
    MrBuilder text;
    const MrDatum **values = malloc((group->count + 1) * sizeof *values);
    mr_builder_init(&text, 0);
    mr_builder_append_string(&text, group->key);
    for (uint32_t c = 0; c < call_count; c++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < group->count; i++) {
            const LogRow *row = &log->rows[group->rows[i]];
            const MrDatum *value =
                calls[c].column < 0 ? &row->cells[0] : &row->cells[calls[c].column];
            const MrDatum *filter = calls[c].filter < 0 ? NULL : &row->cells[calls[c].filter];
            bool is_in =
                !value->is_null && (filter == NULL || (!filter->is_null && filter->boolean));
            for (uint32_t v = 0; calls[c].is_distinct && is_in && v < count; v++) {
                is_in = compare_datums(values[v], value) != 0;
            }
            if (is_in) {
                values[count++] = value;
            }
        }
        mr_builder_append_string(&text, naive_call(calls[c].name, values, count));
        mr_builder_append_char(&text, '|');
    }
    char *copy = strdup(mr_builder_text(&text));
    mr_builder_fini(&text);
    free(values);
    return copy;
}
