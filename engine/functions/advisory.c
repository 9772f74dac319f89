/*
 * engine/functions/advisory.c - advisory locks: numbers that applications lock.  Whoever runs the
 * query has them (engine/effects.h); a NULL locks nothing.
 */
#include "engine/effects.h"
#include "engine/functions/families.h"
#include "engine/kernel_template.h"

typedef struct Kind {
    bool is_shared, is_of_transaction;
} Kind;

static const Kind exclusive = { false, false }, shared = { true, false };
static const Kind exclusive_xact = { false, true }, shared_xact = { true, true };

/* One bigint, or two integers. */
static MrLockKey key_at(const MrVector *const *args, uint32_t arg_count, uint32_t row)
{
    if (arg_count == 1) {
        return (MrLockKey){ .number = MR_ARG(int64_t, 0, row) };
    }
    uint64_t high = (uint32_t)MR_ARG(int32_t, 0, row), low = (uint32_t)MR_ARG(int32_t, 1, row);
    return (MrLockKey){ .number = (int64_t)(high << 32 | low), .is_pair = true };
}

static MrLockWish wish_at(const MrVector *const *args, uint32_t arg_count, uint32_t row, Kind kind)
{
    return (MrLockWish){ .key = key_at(args, arg_count, row),
                         .is_shared = kind.is_shared,
                         .is_of_transaction = kind.is_of_transaction };
}

static MrStatus lock_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                          uint32_t rows, MrVector *out, Kind kind)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MrLockWish wish = wish_at(args, arg_count, i, kind);
        MR_TRY(mr_effects_lock(&wish, eval->err));
    }
    return MR_OK;
}

static MrStatus try_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                         uint32_t rows, MrVector *out, Kind kind)
{
    uint8_t *results = out->data;
    MR_EACH_ROW(i)
    {
        MrLockWish wish = wish_at(args, arg_count, i, kind);
        bool taken = false;
        MR_TRY(mr_effects_try_lock(&wish, &taken, eval->err));
        results[i] = taken;
    }
    return MR_OK;
}

static MrStatus unlock_rows(MrEval *eval, const MrVector *const *args, uint32_t arg_count,
                            uint32_t rows, MrVector *out, Kind kind)
{
    uint8_t *results = out->data;
    MR_EACH_ROW(i)
    {
        bool had = false;
        MR_TRY(mr_effects_unlock(key_at(args, arg_count, i), kind.is_shared, &had, eval->err));
        results[i] = had;
    }
    return MR_OK;
}

#define LOCKING(NAME, ROWS, KIND)                              \
    MR_KERNEL(NAME)                                            \
    {                                                          \
        return ROWS(eval, args, arg_count, rows, out, (KIND)); \
    }
LOCKING(lock, lock_rows, exclusive)
LOCKING(lock_shared, lock_rows, shared)
LOCKING(lock_xact, lock_rows, exclusive_xact)
LOCKING(lock_xact_shared, lock_rows, shared_xact)
LOCKING(try_lock, try_rows, exclusive)
LOCKING(try_shared, try_rows, shared)
LOCKING(try_xact, try_rows, exclusive_xact)
LOCKING(try_xact_shared, try_rows, shared_xact)
LOCKING(unlock, unlock_rows, exclusive)
LOCKING(unlock_shared, unlock_rows, shared)

MR_KERNEL(unlock_all)
{
    (void)args, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        MR_TRY(mr_effects_unlock_all(eval->err));
    }
    return MR_OK;
}

#define FLAGS (MR_FN_STRICT | MR_FN_VOLATILE | MR_FN_FALLIBLE)
/* Both forms of one function. */
#define LOCK(NAME, R, EVAL, KEY, RETURNS, DOC)                                              \
    MR_ENTRY(NAME, 1, R, EVAL, FLAGS, DOC, NAME "(" KEY ")", RETURNS, MR_TYPE_INT64),       \
        MR_ENTRY(NAME, 2, R, EVAL, FLAGS, "The same of two integers.", NAME "(" KEY ", 2)", \
                 RETURNS, MR_TYPE_INT32, MR_TYPE_INT32)

const MrFunction mr_functions_advisory[] = {
    LOCK("pg_advisory_lock", VOID, lock, "42", "",
         "Waits until the session has the lock; it has it as often as it took it."),
    LOCK("pg_advisory_lock_shared", VOID, lock_shared, "42", "",
         "The same of a lock that several sessions can share."),
    LOCK("pg_advisory_xact_lock", VOID, lock_xact, "42", "",
         "Waits until the transaction has the lock, which goes with its end."),
    LOCK("pg_advisory_xact_lock_shared", VOID, lock_xact_shared, "42", "",
         "The same of a lock that several sessions can share."),
    LOCK("pg_try_advisory_lock", BOOL, try_lock, "42", "t",
         "Takes the lock if it can be had now, for the session."),
    LOCK("pg_try_advisory_lock_shared", BOOL, try_shared, "42", "t",
         "The same of a lock that several sessions can share."),
    LOCK("pg_try_advisory_xact_lock", BOOL, try_xact, "42", "t",
         "Takes the lock if it can be had now, until the transaction ends."),
    LOCK("pg_try_advisory_xact_lock_shared", BOOL, try_xact_shared, "42", "t",
         "The same of a lock that several sessions can share."),
    LOCK("pg_advisory_unlock", BOOL, unlock, "7", "f",
         "Gives the session's lock back once; false with a WARNING if it has none."),
    LOCK("pg_advisory_unlock_shared", BOOL, unlock_shared, "7", "f",
         "The same of a lock that several sessions can share."),
    MR_ENTRY("pg_advisory_unlock_all", 0, VOID, unlock_all, MR_FN_VOLATILE | MR_FN_FALLIBLE,
             "Gives back all locks that the session took for itself.", "pg_advisory_unlock_all()",
             "", MR_TYPE_UNKNOWN),
};
MR_FAMILY_COUNT(advisory);
