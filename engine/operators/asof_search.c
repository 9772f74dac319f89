/*
 * engine/operators/asof_search.c - the right rows of an as-of join where a condition of both rows
 * has a say: of every left row the candidates, from the last one back or from the first one on,
 * until it holds, many left rows at once.  See asof.h.
 */
#include "engine/operators/asof.h"

#include "engine/operators/aggregate.h"

/* A left row, and the right row that is judged now: `at` of those from `first` to before `end`,
 * which are of one time; is_later: of those to before `end`. */
typedef struct Search {
    const MrAsofKey *key;
    const MrAsofLeft *left;
    uint32_t at, first, end;
    uint32_t index; /* of the answer */
} Search;

/* Goes to the last right rows before that place; false: the left row can meet none of them. */
static bool go_before(const MrAsofSpec *spec, Search *search, uint32_t place)
{
    const MrAsofRight *right = search->key->right;
    if (place == 0) {
        return false;
    }
    int64_t time_us = right[place - 1].time_us;
    if (spec->has_reach && mr_add_saturated(time_us, spec->reach_us) < search->left->time_us) {
        return false;
    }
    search->end = place;
    search->first = place - 1;
    while (search->first > 0 && right[search->first - 1].time_us == time_us) {
        search->first--;
    }
    search->at = search->first;
    return true;
}

/* is_later: whether the left row can meet the right row at that place. */
static bool go_to(const MrAsofSpec *spec, Search *search, uint32_t place)
{
    search->at = place;
    return place < search->end &&
           (!spec->has_reach || search->key->right[place].time_us <=
                                    mr_add_saturated(search->left->time_us, spec->reach_us));
}

/* To the first right row of those before `rights` that counts; false: there is none. */
static bool begin(const MrOperator *op, Search *search, uint32_t rights)
{
    const MrAsofSpec *spec = op->spec;
    const int64_t time_us = search->left->time_us;
    if (spec->is_later) {
        search->end = rights;
        return go_to(spec, search, mr_asof_later(op, search->key, time_us));
    }
    return go_before(spec, search, mr_asof_rights_until(search->key, time_us, !spec->is_strict));
}

static bool go_on(const MrAsofSpec *spec, Search *search)
{
    search->at++;
    if (spec->is_later) {
        return go_to(spec, search, search->at);
    }
    return search->at < search->end || go_before(spec, search, search->first);
}

/* One round of some searches: *passed are those (ascending) whose right row is the one. */
static MrStatus judge(MrOperator *op, const Search *searches, uint32_t count, MrBatch *batch,
                      uint32_t **passed, uint32_t *passed_count)
{
    MrAsofState *state = op->state;
    uint32_t left = op->input->column_count, columns = left + op->right->column_count;
    MrBlock block = { .row_count = count,
                      .column_count = columns,
                      .place = { .watermark_us = MR_TIME_MIN,
                                 .watermark_after_us = MR_TIME_MIN,
                                 .event_min_us = MR_TIME_MAX } };
    const MrRow **rows[2];
    mr_arena_reset(&state->scratch);
    MR_NEW_ARRAY(&state->scratch, block.columns, columns + 1, batch->err);
    MR_NEW_ARRAY(&state->scratch, rows[0], count, batch->err);
    MR_NEW_ARRAY(&state->scratch, rows[1], count, batch->err);
    for (uint32_t i = 0; i < count; i++) {
        rows[0][i] = searches[i].left->row;
        rows[1][i] = searches[i].key->right[searches[i].at].row;
    }
    for (uint32_t c = 0; c < columns; c++) {
        if (state->is_read[c]) {
            MR_TRY(c < left ? mr_asof_gather(&state->left, c, rows[0], count, &state->scratch,
                                             &block.columns[c], batch->err)
                            : mr_asof_gather(&state->right, c - left, rows[1], count,
                                             &state->scratch, &block.columns[c], batch->err));
        }
    }
    MrRowErrors errors = { .arena = batch->arena };
    MrEval eval = { .arena = &state->scratch,
                    .block = &block,
                    .zone = op->zone,
                    .now_us = batch->now_us,
                    .errors = batch->notes == NULL ? NULL : &errors,
                    .err = batch->err };
    MR_TRY(mr_expression_select(state->condition, &eval, passed, passed_count));
    return errors.count == 0 ? MR_OK : mr_operator_note_failed(op, &block, &errors, batch);
}

/* Searches that have found their row are answered; those that have another one to ask about
 * stay. */
static MrStatus go_round(MrOperator *op, Search *searches, uint32_t *count, const MrRow **answers,
                         MrBatch *batch)
{
    uint32_t stay = 0;
    for (uint32_t start = 0; start < *count; start += MR_VECTOR_ROWS) {
        uint32_t rest = *count - start, some = rest < MR_VECTOR_ROWS ? rest : MR_VECTOR_ROWS;
        uint32_t *passed, passed_count, next = 0;
        MR_TRY(judge(op, searches + start, some, batch, &passed, &passed_count));
        for (uint32_t i = 0; i < some; i++) {
            Search search = searches[start + i];
            if (next < passed_count && passed[next] == i) {
                answers[search.index] = search.key->right[search.at].row;
                next++;
            } else if (go_on(op->spec, &search)) {
                searches[stay++] = search;
            }
        }
    }
    *count = stay;
    return MR_OK;
}

MrStatus mr_asof_search(MrOperator *op, const MrAsofRange *ranges, uint32_t count, MrBatch *batch,
                        const MrRow *const **out)
{
    const MrAsofSpec *spec = op->spec;
    const MrRow **answers;
    Search *searches;
    uint32_t total = 0, index = 0, active = 0;
    *out = NULL;
    if (spec->condition == NULL) {
        return MR_OK;
    }
    for (uint32_t r = 0; r < count; r++) {
        total += ranges[r].end - ranges[r].first;
    }
    MR_NEW_ARRAY(batch->arena, answers, total + 1, batch->err);
    MR_NEW_ARRAY(batch->arena, searches, total + 1, batch->err);
    for (uint32_t r = 0; r < count; r++) {
        for (uint32_t i = ranges[r].first; i < ranges[r].end; i++, index++) {
            const MrAsofKey *key = ranges[r].key;
            Search *search = &searches[active];
            *search = (Search){ .key = key, .left = &key->left[i], .index = index };
            answers[index] = &mr_asof_nothing;
            active += begin(op, search, ranges[r].rights);
        }
    }
    while (active > 0) {
        MR_TRY(go_round(op, searches, &active, answers, batch));
    }
    *out = answers;
    return MR_OK;
}
