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
#define VOLATILE_0(NAME, R, EVAL, DOC, EXAMPLE, RETURNS) \
    MR_ENTRY(NAME, 0, R, EVAL, MR_FN_VOLATILE, DOC, EXAMPLE, RETURNS, MR_TYPE_UNKNOWN)

const MrFunction mr_functions_system[] = {
    VOLATILE_0("gen_random_uuid", UUID, uuid_random, "A random identifier (version 4).",
               "length(gen_random_uuid()::text)", "36"),
    VOLATILE_0("random", FLOAT64, float8_random, "A random number, 0 <= x < 1.", "random() < 1",
               "t"),
};
MR_FAMILY_COUNT(system);
