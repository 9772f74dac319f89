/*
 * planner/value_range.h - what values a number can have, and whether arithmetic on such values can
 * fail: intervals, digits behind the point, distance from zero.  All bounds are on the safe side.
 * Must not know expressions or plans.
 */
#ifndef MR_PLANNER_VALUE_RANGE_H
#define MR_PLANNER_VALUE_RANGE_H

#include "common/decimal.h"
#include "storage/types.h"

/* The values of a group that one argument takes from the rows that one filter lets pass. */
typedef struct MrRangeRows {
    uint32_t group;   /* which operator's groups, from 1; 0: of no rows that are known */
    int32_t argument; /* its input column; MR_RANGE_ALL: the rows, NULL or not */
    int32_t filter;   /* its input column; MR_RANGE_ALL: every row of the group */
} MrRangeRows;
enum { MR_RANGE_ALL = -1 };

/* Of the values that are not NULL.  For types that are no numbers only `is_near` says something. */
typedef struct MrRange {
    MrInt128 low, high; /* finite values lie between; whole numbers, within ±10^38 */
    int16_t scale;      /* numeric: at most so many digits behind the point */
    int16_t digits;     /* numeric: at most so many in all; 0: what the bounds and the scale say */
    int16_t least;      /* a value other than 0 is at least 10^least away from it */
    bool is_nonzero;
    bool is_special; /* NaN or an infinity may be among them */
    bool is_wide;    /* float: `low`, `high` and `least` say nothing */
    bool is_near;    /* a moment in the window of its row; an interval that 64 bits of µs hold */
    MrRangeRows made_of; /* it is NULL where these are none */
    MrRangeRows counted; /* it is 0 only where these are none */
} MrRange;

typedef enum MrRangeOp {
    MR_RANGE_ADD,
    MR_RANGE_SUBTRACT,
    MR_RANGE_MULTIPLY,
    MR_RANGE_DIVIDE,
    MR_RANGE_MODULO
} MrRangeOp;

bool mr_range_is_integer(MrTypeId type);
bool mr_range_is_float(MrTypeId type);
/* Integer, float or numeric. */
bool mr_range_is_number(MrTypeId type);
/* 10^38, which no bound is beyond. */
MrInt128 mr_range_limit(void);
/* All values of the type; of numeric(p, s) those that its typmod lets pass. */
MrRange mr_range_of_type(MrType type);
MrRange mr_range_between(MrInt128 low, MrInt128 high);
/* The one value of a constant that is not NULL. */
MrRange mr_range_of_datum(const MrDatum *value);
/* What is in one or the other. */
MrRange mr_range_hull(const MrRange *a, const MrRange *b);
/* Whether `a` is NULL wherever `b`, of the same row, is 0: sum(x) beside count(x). */
bool mr_range_is_null_at_zero(const MrRange *a, const MrRange *b);
/* Forgets which rows it is of: it is another row's value, or not the value itself. */
void mr_range_forget_rows(MrRange *range);
/* Whether 0 is not among them. */
bool mr_range_excludes_zero(const MrRange *a);
/* Whether magnitude · 10^power has at most 38 digits. */
bool mr_range_fits(MrInt128 magnitude, int power);
MrInt128 mr_range_magnitude(const MrRange *a);

/* The operation on values of a number type, as the engine's kernels and common/decimal_arith.c
 * compute it: *out has the results.  False: it may fail for some of the values, and *out has those
 * of the others. */
bool mr_range_operate(MrRangeOp op, MrTypeId result, const MrRange *a, const MrRange *b,
                      MrRange *out);
bool mr_range_negate(MrTypeId result, const MrRange *a, MrRange *out);
bool mr_range_absolute(MrTypeId result, const MrRange *a, MrRange *out);
/* round() and trunc() of a numeric to so many digits behind the point. */
bool mr_range_round(const MrRange *a, int digits, MrRange *out);
/* A cast from one number type to another, with the typmod of numeric(p, s). */
bool mr_range_cast(MrTypeId from, MrType to, const MrRange *a, MrRange *out);
/* Sum of up to `count` values (at least one) of the type, as the aggregate's result. */
MrRange mr_range_sum(MrTypeId from, MrTypeId result, const MrRange *a, MrInt128 count);

#endif
