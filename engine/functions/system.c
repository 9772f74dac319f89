/*
 * engine/functions/system.c - identity and chance.  What is volatile is refused in
 * standing queries by the planner: no random value may reach a result except through the log.
 */
#include "common/random.h"
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
#define VOLATILE_0(NAME, R, EVAL, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 0, R, EVAL, MR_FN_VOLATILE, DOC, EXAMPLE, RETURNS, MR_TYPE_UNKNOWN)

const MrFunction mr_functions_system[] = {
    VOLATILE_0("gen_random_uuid", UUID, uuid_random, "A random identifier (version 4).",
               "length(gen_random_uuid()::text)", "36"),
    VOLATILE_0("random", FLOAT64, float8_random, "A random number, 0 <= x < 1.", "random() < 1",
               "t"),
    MR_ENTRY("mr_single_row", 1, BOOL, single_row, MR_FN_STRICT | MR_FN_FALLIBLE,
             "True; fails for a count of rows above one (of a subquery as a value).",
             "mr_single_row(1)", "t", MR_TYPE_INT64),
};
MR_FAMILY_COUNT(system);
