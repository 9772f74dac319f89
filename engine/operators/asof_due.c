/*
 * engine/operators/asof_due.c - what W makes final of an as-of join, and which key is the next that
 * it makes something final of: see asof.h.
 */
#include "engine/operators/asof.h"

#include "engine/operators/aggregate.h"

/* ---- Left rows ------------------------------------------------------------------------------- */

/* W that has passed the time, so that no row of it can come any more.  Rows that count as earlier
 * than they are come so much behind W. */
static int64_t due_us_of(const MrOperator *op, int64_t time_us)
{
    const MrAsofSpec *spec = op->spec;
    int64_t due_us = mr_add_saturated(mr_add_saturated(time_us, spec->late_us), spec->behind_us);
    due_us = mr_add_saturated(due_us, 1);
    return due_us < MR_TIME_MAX ? due_us : MR_TIME_MAX - 1; /* 'infinity' passes at the end */
}

/* A row that looks for a later one by a condition: as far as that reaches, or until W has passed
 * the one that it has found. */
static int64_t found_us(const MrOperator *op, const MrAsofLeft *left)
{
    const MrAsofSpec *spec = op->spec;
    const int64_t open_us = due_us_of(
        op, spec->has_reach ? mr_add_saturated(left->time_us, spec->reach_us) : MR_TIME_MAX);
    if (left->shown == NULL || left->shown == &mr_asof_nothing) {
        return open_us;
    }
    const int64_t passed_us = due_us_of(op, mr_asof_right_time(op, left->shown));
    return passed_us < open_us ? passed_us : open_us;
}

int64_t mr_asof_final_us(const MrOperator *op, const MrAsofKey *key, uint32_t place)
{
    const MrAsofSpec *spec = op->spec;
    int64_t time_us = key->left[place].time_us;
    if (!spec->is_later || spec->right_stays) {
        return due_us_of(op, time_us);
    }
    if (spec->condition != NULL) {
        return found_us(op, &key->left[place]);
    }
    uint32_t right = mr_asof_later(op, key, time_us);
    return due_us_of(op, right < key->right_count ? key->right[right].time_us : MR_TIME_MAX);
}

bool mr_asof_is_final(const MrOperator *op, const MrAsofKey *key, uint32_t place,
                      int64_t watermark_us)
{
    return watermark_us == MR_TIME_MAX || mr_asof_final_us(op, key, place) <= watermark_us;
}

uint32_t mr_asof_passed_lefts(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    uint32_t count = 0;
    while (count < key->left_count && (watermark_us == MR_TIME_MAX ||
                                       due_us_of(op, key->left[count].time_us) <= watermark_us)) {
        count++;
    }
    return count;
}

/* ---- Right rows ------------------------------------------------------------------------------ */

/* W at which no later left row can meet a right row that stands before one of this time; is_later:
 * that is at this time. */
static int64_t passed_us(const MrOperator *op, int64_t time_us)
{
    const MrAsofSpec *spec = op->spec;
    int64_t due_us = due_us_of(op, time_us);
    if (spec->is_later) {
        return due_us;
    }
    return spec->is_strict ? due_us : mr_add_saturated(due_us, -1);
}

/* W at which the condition does not reach back to a right row any more. */
static int64_t unreached_us(const MrOperator *op, const MrAsofRight *right)
{
    const MrAsofSpec *spec = op->spec;
    return spec->has_reach ? due_us_of(op, mr_add_saturated(right->time_us, spec->reach_us))
                           : MR_TIME_MAX;
}

/* W at which no later left row can meet the first right row of the key; MR_TIME_MAX: with a
 * condition that reaches back for ever, none.  is_later: those that wait have judged it then. */
static int64_t first_passed_us(const MrOperator *op, const MrAsofKey *key)
{
    const MrAsofSpec *spec = op->spec;
    if (key->right_count == 0 || spec->right_stays) {
        return MR_TIME_MAX;
    }
    if (spec->is_later) {
        return passed_us(op, key->right[0].time_us);
    }
    if (spec->condition != NULL) {
        return unreached_us(op, &key->right[0]);
    }
    uint32_t next = mr_asof_rights_until(key, key->right[0].time_us, true);
    return next < key->right_count ? passed_us(op, key->right[next].time_us) : MR_TIME_MAX;
}

/* The key's row was deleted: once W has passed all that it had, nothing of it counts again. */
static bool is_gone(const MrOperator *op, const MrAsofKey *key)
{
    const MrAsofSpec *spec = op->spec;
    return spec->keeps_replaced && key->live <= 0 && key->right_count > 0;
}

static int64_t gone_us(const MrOperator *op, const MrAsofKey *key)
{
    int64_t last_us = key->right[key->right_count - 1].time_us;
    return passed_us(op, last_us > key->hidden_from_us ? last_us : key->hidden_from_us);
}

/* With a condition: those that it does not reach back to. */
static uint32_t unreached_rights(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t gone = 0;
    while (spec->has_reach && gone < key->right_count &&
           unreached_us(op, &key->right[gone]) <= watermark_us) {
        gone++;
    }
    return gone;
}

uint32_t mr_asof_passed_rights(const MrOperator *op, const MrAsofKey *key, int64_t watermark_us)
{
    const MrAsofSpec *spec = op->spec;
    uint32_t gone = 0, stays = spec->is_later ? 0 : 1;
    if (spec->right_stays || watermark_us == MR_TIME_MIN) {
        return 0; /* before any W a left row of '-infinity' may still come */
    }
    if (spec->condition != NULL && !spec->is_later) {
        return unreached_rights(op, key, watermark_us);
    }
    if (is_gone(op, key) && gone_us(op, key) <= watermark_us) {
        return key->right_count;
    }
    while (gone + stays < key->right_count &&
           passed_us(op, key->right[gone + stays].time_us) <= watermark_us) {
        gone++;
    }
    /* Rows of the same time stand together: the first of them is the one that counts. */
    while (stays > 0 && gone > 0 && key->right[gone - 1].time_us == key->right[gone].time_us) {
        gone--;
    }
    return gone;
}

/* ---- The next key ---------------------------------------------------------------------------- */

void mr_asof_forget_due(MrOperator *op, MrAsofKey *key)
{
    MrAsofState *state = op->state;
    (void)mr_due_heap_set(&state->due, &key->due, MR_TIME_MAX, op->memory, NULL);
}

MrStatus mr_asof_set_due(MrOperator *op, MrAsofKey *key, MrError *err)
{
    const MrAsofSpec *spec = op->spec;
    MrAsofState *state = op->state;
    int64_t due_us = MR_TIME_MAX;
    if (!spec->is_timed) {
        return MR_OK;
    }
    if (key->left_count > 0) { /* of those that are final by what they found, a right row tells */
        due_us = mr_asof_final_us(op, key, 0);
    }
    int64_t first_us = first_passed_us(op, key);
    due_us = first_us < due_us ? first_us : due_us;
    if (is_gone(op, key)) {
        int64_t passed = gone_us(op, key);
        due_us = passed < due_us ? passed : due_us;
    }
    return mr_due_heap_set(&state->due, &key->due, due_us, op->memory, err);
}

MrAsofKey *mr_asof_take_due(MrAsofState *state, int64_t watermark_us)
{
    return (MrAsofKey *)mr_due_heap_take(&state->due, watermark_us);
}
