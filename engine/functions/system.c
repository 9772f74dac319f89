/*
 * engine/functions/system.c - identity, chance, and calls for what they do.  What is volatile is
 * refused in standing queries by the planner: no random value may reach a result except through
 * the log.
 */
#include "common/random.h"
#include "engine/effects.h"
#include "engine/functions/families.h"
#include "engine/kernel_template.h"

MR_KERNEL(uuid_random)
{
    (void)args, (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        MR_TRY(mr_random_uuid((uint8_t *)out->data + (size_t)i * 16, eval->err));
    }
    return MR_OK;
}
MR_KERNEL(float8_random)
{
    double *results = out->data;
    uint64_t seed = 0;
    MrRandom random;
    (void)args, (void)arg_count;
    MR_TRY(mr_random_bytes(&seed, sizeof seed, eval->err));
    mr_random_init(&random, seed);
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = mr_random_unit(&random);
    }
    return MR_OK;
}
/* A NULL is an empty text, as PostgreSQL has it for both arguments. */
static MrString text_at(const MrVector *vector, uint32_t row)
{
    uint32_t at = vector->is_constant ? 0 : row;
    return mr_vector_is_null(vector, at) ? MR_STRING("")
                                         : mr_text_string(&((const MrText *)vector->data)[at]);
}
MR_KERNEL(notify)
{
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        ((MrText *)out->data)[i] = mr_text_make("", 0);
        MR_TRY(
            mr_effects_add(MR_EFFECT_NOTIFY, text_at(args[0], i), text_at(args[1], i), eval->err));
    }
    return MR_OK;
}
/* The value becomes the setting's when the rows are there; NULL is its initial value. */
MR_KERNEL(set_config)
{
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        MrString value = text_at(args[1], i);
        bool is_local =
            !mr_vector_is_null(args[2], args[2]->is_constant ? 0 : i) && MR_ARG(uint8_t, 2, i) != 0;
        char *copy = mr_arena_strndup(eval->arena, value.data, value.length);
        if (copy == NULL) {
            return mr_error_no_memory(eval->err);
        }
        ((MrText *)out->data)[i] = mr_text_make(copy, (uint32_t)value.length);
        MR_TRY(mr_effects_add(is_local ? MR_EFFECT_SET_LOCAL : MR_EFFECT_SET, text_at(args[0], i),
                              value, eval->err));
    }
    return MR_OK;
}
/* Seconds as microseconds; what is no time at all is none. */
static int64_t seconds_us(double seconds)
{
    enum { SECONDS_MAX = 366 * 86400 };
    if (!(seconds > 0)) { /* NaN too */
        return 0;
    }
    return (int64_t)((seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * 1e6);
}

/* The rows are computed first; then the session sleeps for all calls together. */
MR_KERNEL(sleep_seconds)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MR_TRY(mr_effects_sleep(seconds_us(MR_ARG(double, 0, i)), eval->err));
    }
    return MR_OK;
}
MR_KERNEL(sleep_for)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrInterval *interval = &MR_ARG(MrInterval, 0, i);
        const double days = (double)interval->months * 30 + (double)interval->days;
        MR_TRY(mr_effects_sleep(seconds_us(days * 86400 + (double)interval->us / 1e6), eval->err));
    }
    return MR_OK;
}
/* A subquery as a value may give one row: its rows were counted. */
MR_KERNEL(single_row)
{
    const MrVector *counts = args[0];
    uint8_t *results = out->data;
    (void)arg_count;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = 1;
        if (((const int64_t *)counts->data)[counts->is_constant ? 0 : i] > 1) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_CARDINALITY,
                                     "more than one row returned by a subquery used as an "
                                     "expression"));
        }
    }
    return MR_OK;
}
/* LIMIT and OFFSET that a subquery gives. */
static MrStatus count_of_rows(MrEval *eval, const MrVector *counts, uint32_t rows, MrVector *out,
                              MrStatus failure, const char *what)
{
    int64_t *results = out->data;
    for (uint32_t i = 0; i < rows; i++) {
        results[i] = ((const int64_t *)counts->data)[counts->is_constant ? 0 : i];
        if (results[i] < 0) {
            MR_TRY(mr_eval_row_error(eval, out, i, failure, "%s must not be negative", what));
        }
    }
    return MR_OK;
}
MR_KERNEL(limit_rows)
{
    (void)arg_count;
    return count_of_rows(eval, args[0], rows, out, MR_ERR_INVALID_LIMIT, "LIMIT");
}
MR_KERNEL(offset_rows)
{
    (void)arg_count;
    return count_of_rows(eval, args[0], rows, out, MR_ERR_INVALID_OFFSET, "OFFSET");
}
#define VOLATILE_0(NAME, R, EVAL, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 0, R, EVAL, MR_FN_VOLATILE, DOC, EXAMPLE, RETURNS, MR_TYPE_UNKNOWN)

const MrFunction mr_functions_system[] = {
    VOLATILE_0("gen_random_uuid", UUID, uuid_random, "A random identifier (version 4).",
               "length(gen_random_uuid()::text)", "36"),
    VOLATILE_0("random", FLOAT64, float8_random, "A random number, 0 <= x < 1.", "random() < 1",
               "t"),
    MR_ENTRY("pg_notify", 2, VOID, notify, MR_FN_VOLATILE | MR_FN_FALLIBLE,
             "Notifies the sessions that LISTEN to the channel, when the transaction commits.",
             "pg_notify('news', 'a row')", "", MR_TYPE_TEXT, MR_TYPE_TEXT),
    MR_ENTRY("set_config", 3, TEXT, set_config, MR_FN_VOLATILE | MR_FN_FALLIBLE,
             "Sets a setting of the session (true: until the end of the transaction), gives it.",
             "set_config('application_name', 'mine', false)", "mine", MR_TYPE_TEXT, MR_TYPE_TEXT,
             MR_TYPE_BOOL),
    MR_ENTRY("pg_sleep", 1, VOID, sleep_seconds, MR_FN_STRICT | MR_FN_VOLATILE | MR_FN_FALLIBLE,
             "Holds the answer back for so many seconds, those of all calls together.",
             "pg_sleep(0)", "", MR_TYPE_FLOAT64),
    MR_ENTRY("pg_sleep_for", 1, VOID, sleep_for, MR_FN_STRICT | MR_FN_VOLATILE | MR_FN_FALLIBLE,
             "The same for an interval; a month is 30 days.", "pg_sleep_for('0 seconds')", "",
             MR_TYPE_INTERVAL),
    MR_ENTRY("mr_single_row", 1, BOOL, single_row, MR_FN_STRICT | MR_FN_FALLIBLE,
             "True; fails for a count of rows above one (of a subquery as a value).",
             "mr_single_row(1)", "t", MR_TYPE_INT64),
    MR_ENTRY("mr_limit", 1, INT64, limit_rows, MR_FN_STRICT | MR_FN_FALLIBLE,
             "The number; fails for one below zero (of LIMIT).", "mr_limit(1)", "1", MR_TYPE_INT64),
    MR_ENTRY("mr_offset", 1, INT64, offset_rows, MR_FN_STRICT | MR_FN_FALLIBLE,
             "The number; fails for one below zero (of OFFSET).", "mr_offset(1)", "1",
             MR_TYPE_INT64),
};
MR_FAMILY_COUNT(system);
