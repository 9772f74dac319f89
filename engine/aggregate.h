/*
 * engine/aggregate.h - aggregate functions as loops over (group number, value).
 * A group's states lie side by side in one row of fixed width (engine/group_table.h); a state that
 * needs more (a set of values) holds a pointer to memory charged to the query.
 * Must not know windows, SQL or where groups come from.
 */
#ifndef MR_ENGINE_AGGREGATE_H
#define MR_ENGINE_AGGREGATE_H

#include "storage/block.h"
#include "storage/state.h"

/* Memory of one query's state: a counter with a limit, shared by its operators. */
typedef struct MrMemory {
    _Atomic int64_t used_bytes;
    int64_t limit_bytes; /* 0: none */
} MrMemory;
/* Charges (or gives back, negative) bytes; MR_ERR_OUT_OF_MEMORY beyond the limit. */
MrStatus mr_memory_charge(MrMemory *memory, int64_t bytes, MrError *err);

/* The first byte of a value of json_agg that was an array or a row: it begins a line there. */
enum { MR_JSON_LINE = 1 };

enum { MR_AGGREGATE_ARGS_MAX = 6 }; /* two of its own, and what it is ordered by */

enum {
    MR_AGG_COUNTS_ROWS = 1, /* count(*): no argument */
    MR_AGG_RETRACTS = 2,    /* takes negative weights */
    MR_AGG_HEAP = 4,        /* state holds memory: merge, write, read and destroy are set */
    MR_AGG_ORDERED = 8,     /* the result depends on the order of rows (sums of floats) */
    MR_AGG_IDEMPOTENT = 16, /* a value that comes twice changes nothing (min, max) */
    MR_AGG_NULLS = 32,      /* takes NULLs too (array_agg): arguments may have a validity */
    MR_AGG_IN_ORDER = 64,   /* shows the order of rows: panes of overlapping windows, which have
                               lost it, cannot be merged */
    MR_AGG_SKETCH = 128,    /* approximate, and cannot take rows back: refused over such inputs */
};

/* Rows to add: args are flat, NULL-free (but see MR_AGG_NULLS) and dense (`rows` values); groups[i]
 * names the group. */
typedef struct MrAggregateInput {
    const MrVector *args; /* arg_count vectors */
    uint32_t arg_count;
    const uint32_t *groups;
    const int32_t *weights; /* NULL: +1 */
    uint32_t rows;
} MrAggregateInput;

/* ORDER BY in the call: the values of the base aggregate's arguments, or further arguments. */
typedef struct MrAggregateKey {
    uint8_t arg;
    bool descending, nulls_first;
} MrAggregateKey;
typedef struct MrAggregateOrder {
    MrAggregateKey keys[MR_AGGREGATE_ARGS_MAX];
    uint32_t count;
    bool is_distinct; /* each value once */
} MrAggregateOrder;

typedef struct MrAggregate MrAggregate;
struct MrAggregate {
    const char *name;
    /* UNKNOWN: any type.  With a result of UNKNOWN or ANYARRAY it is the first argument's type, or
     * an array of it; ANYARRAY: any array. */
    MrTypeId args[MR_AGGREGATE_ARGS_MAX];
    uint8_t arg_count;
    MrTypeId result;
    /* The arguments are turned into json or jsonb first (to_json, to_jsonb); NULL: they stay. */
    const char *convert;
    /* A function that gives the first argument back, and fails on the rows that the aggregate
     * cannot take, so that they are left out as other failing rows are; NULL: it takes all. */
    const char *check;
    uint16_t state_bytes; /* multiple of 8; a fresh state is all zero */
    uint16_t flags;
    /* State of group g is at states + g * stride. */
    MrStatus (*update)(char *states, size_t stride, const MrAggregateInput *in, MrMemory *memory,
                       MrError *err);
    MrStatus (*merge)(char *into, const char *from, MrMemory *memory, MrError *err);
    /* Result of `rows` groups named by `groups` into out (flat, with a validity bitmap all
     * valid). */
    MrStatus (*finalize)(const MrAggregate *self, const char *states, size_t stride,
                         const uint32_t *groups, uint32_t rows, MrArena *arena, MrVector *out,
                         MrError *err);
    void (*destroy)(char *state, MrMemory *memory);
    void (*write)(const char *state, MrStateWriter *writer);
    MrStatus (*read)(char *state, MrStateReader *reader, MrMemory *memory, MrError *err);
    const char *doc;
    const char *example; /* over VALUES, with `returns` */
    const char *returns;
    /* Of a multiset form: the aggregate that is computed over the values. */
    const MrAggregate *base;
    const MrAggregateOrder *order; /* of an ordered form; else by the values themselves */
};

/* All overloads of a name, or 0.  `count` with no argument is count(*). */
uint32_t mr_aggregate_lookup(MrString name, const MrAggregate *const **out);
uint32_t mr_aggregate_all(const MrAggregate *const **out);
/* count(*). */
const MrAggregate *mr_aggregate_of_rows(void);
/* The type of the result over a first argument of that type. */
MrTypeId mr_aggregate_result(const MrAggregate *aggregate, MrTypeId first_argument);
/* The variant that aggregates each value of its group once, and can be merged; takes rows back.  Of
 * an aggregate of one argument. */
const MrAggregate *mr_aggregate_distinct(const MrAggregate *aggregate);
/* The variant for inputs that take rows back or whose order is not the log's: the same entry when
 * it can, its multiset form else. */
const MrAggregate *mr_aggregate_retracting(const MrAggregate *aggregate);
/* The variant that takes its values in this order, whatever the order of the rows; it has
 * `arg_count` arguments, those of the aggregate first.  In the arena; keeps `order`. */
MrStatus mr_aggregate_ordered(MrArena *arena, const MrAggregate *aggregate,
                              const MrAggregateOrder *order, uint32_t arg_count,
                              const MrAggregate **out, MrError *err);
#endif
