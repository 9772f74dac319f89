/*
 * engine/operators/over_frame.c - where the frame of a row begins and ends.  Over ascending rows
 * neither bound ever goes back, so that RANGE bounds are found by going on from the last ones.
 */
#include <math.h>

#include "engine/operators/aggregate.h"
#include "engine/operators/over.h"

/* ---- RANGE -------------------------------------------------------------------------------- */

typedef enum RangeKind { RANGE_INTEGER, RANGE_REAL, RANGE_DECIMAL } RangeKind;

/* A sort key, or a bound computed from one, in a form that can be added to. */
typedef struct RangeKey {
    RangeKind kind;
    bool is_null;
    int64_t integer; /* dates as microseconds where the offset is an interval */
    double real;
    MrDecimal decimal;
} RangeKey;

static RangeKey key_of(const MrPartitions *set, const MrRow *row, const MrDatum *offset)
{
    uint32_t column = set->spec->order[0].column;
    const void *cell = mr_row_cell(&set->store, row, column);
    RangeKey key = { .is_null = mr_row_is_null(&set->store, row, column) };
    switch (set->store.in.columns[column].type.id) {
    case MR_TYPE_INT16: key.integer = *(const int16_t *)cell; break;
    case MR_TYPE_INT32: key.integer = *(const int32_t *)cell; break;
    case MR_TYPE_DATE:
        key.integer = *(const int32_t *)cell;
        if (offset->type.id == MR_TYPE_INTERVAL) {
            key.integer = key.integer * MR_US_PER_DAY; /* an int4 of days cannot overflow here */
        }
        break;
    case MR_TYPE_FLOAT32:
        key.kind = RANGE_REAL;
        key.real = (double)*(const float *)cell;
        break;
    case MR_TYPE_FLOAT64:
        key.kind = RANGE_REAL;
        key.real = *(const double *)cell;
        break;
    case MR_TYPE_NUMERIC:
        key.kind = RANGE_DECIMAL;
        memcpy(&key.decimal, cell, sizeof key.decimal);
        break;
    default: key.integer = *(const int64_t *)cell; break;
    }
    return key;
}

static int64_t add_interval(const MrPartitions *set, int64_t at, const MrDatum *offset, bool plus)
{
    MrTypeId type = set->store.in.columns[set->spec->order[0].column].type.id;
    MrInterval interval = plus ? offset->interval : mr_interval_negate(&offset->interval);
    MrError ignored = MR_ERROR_INIT;
    int64_t sum;
    if (type == MR_TYPE_TIME) { /* within the day, as PostgreSQL has it */
        return mr_add_saturated(at, interval.us);
    }
    MrStatus status =
        type == MR_TYPE_TIMESTAMPTZ
            ? mr_timestamptz_add_interval(at, &interval, set->op->zone, &sum, &ignored)
            : mr_timestamp_add_interval(at, &interval, &sum, &ignored);
    return status == MR_OK ? sum : plus ? MR_TIME_MAX : MR_TIME_MIN;
}

/* key + offset, or key - offset; saturates. */
static void key_shift(const MrPartitions *set, RangeKey *key, const MrDatum *offset, bool plus)
{
    if (key->kind == RANGE_REAL) {
        if (!(isinf(key->real) && isinf(offset->real))) { /* infinity - infinity is no number */
            key->real = plus ? key->real + offset->real : key->real - offset->real;
        }
    } else if (key->kind == RANGE_DECIMAL) {
        MrError ignored = MR_ERROR_INIT;
        MrDecimal sum;
        MrStatus status =
            plus ? mr_decimal_add(&key->decimal, &offset->decimal, &sum, &ignored)
                 : mr_decimal_subtract(&key->decimal, &offset->decimal, &sum, &ignored);
        if (status != MR_OK) {
            sum = (MrDecimal){ .kind = plus ? MR_DECIMAL_INFINITY : MR_DECIMAL_NEGATIVE_INFINITY };
        }
        key->decimal = sum;
    } else if (offset->type.id == MR_TYPE_INTERVAL) {
        key->integer = add_interval(set, key->integer, offset, plus);
    } else if (plus ? __builtin_add_overflow(key->integer, offset->integer, &key->integer)
                    : __builtin_sub_overflow(key->integer, offset->integer, &key->integer)) {
        key->integer = plus ? INT64_MAX : INT64_MIN;
    }
}

/* The row's key against the bound, in the direction of the sort. */
static int compare_to_bound(const MrPartitions *set, const MrRow *row, const MrDatum *offset,
                            const RangeKey *bound)
{
    const MrSortKey *sort = &set->spec->order[0];
    RangeKey key = key_of(set, row, offset);
    int order;
    if (key.is_null) {
        return sort->nulls_first ? -1 : 1;
    }
    if (key.kind == RANGE_REAL) {
        order = mr_cell_compare(MR_TYPE_FLOAT64, &key.real, &bound->real);
    } else if (key.kind == RANGE_DECIMAL) {
        order = mr_decimal_compare(&key.decimal, &bound->decimal);
    } else {
        order = (key.integer > bound->integer) - (key.integer < bound->integer);
    }
    return sort->descending ? -order : order;
}

/* First position at or after `from` whose key is not before (`behind`: is behind) the bound.  Steps
 * double, so that the next of many bounds costs little. */
static uint32_t search_bound(const MrPartitions *set, const MrPartition *partition,
                             const MrDatum *offset, const RangeKey *bound, bool behind,
                             uint32_t from)
{
    uint32_t low = from, step = 1, high;
    int least = behind ? 1 : 0;
    while (low < partition->count &&
           compare_to_bound(set, partition->rows[low], offset, bound) < least) {
        if (step >= partition->count - low) {
            break;
        }
        if (compare_to_bound(set, partition->rows[low + step], offset, bound) >= least) {
            break;
        }
        low += step;
        step *= 2;
    }
    if (low == partition->count ||
        compare_to_bound(set, partition->rows[low], offset, bound) >= least) {
        return low;
    }
    high = step >= partition->count - low ? partition->count : low + step;
    low++;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_to_bound(set, partition->rows[middle], offset, bound) >= least) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Position of the bound `offset` before (preceding) or after the row's key: the first row that is
 * in a frame which starts there, or the first behind one that ends there. */
static uint32_t range_bound(const MrPartitions *set, const MrPartition *partition, const MrRow *row,
                            const MrDatum *offset, bool preceding, bool is_end, uint32_t from)
{
    RangeKey key = key_of(set, row, offset);
    if (key.is_null) { /* NULLs have only each other in reach */
        return is_end ? mr_partition_upper(set, partition, row)
                      : mr_partition_lower(set, partition, row);
    }
    key_shift(set, &key, offset, preceding == set->spec->order[0].descending);
    return search_bound(set, partition, offset, &key, is_end, from);
}

int64_t mr_frame_reach_us(const MrDatum *offset)
{
    /* A month is at most 31 days, a day at most 25 hours where clocks are set. */
    const MrInterval *interval = &offset->interval;
    int64_t days = (int64_t)interval->months * 31 + interval->days, reach;
    if (offset->type.id != MR_TYPE_INTERVAL ||
        __builtin_mul_overflow(days, MR_US_PER_DAY / 24 * 25, &reach) ||
        __builtin_add_overflow(reach, interval->us, &reach)) {
        return MR_TIME_MAX;
    }
    return reach;
}

/* ---- Groups ------------------------------------------------------------------------------- */

/* First position whose peer group has at least this number. */
static uint32_t group_lower(const MrPartition *partition, uint64_t group)
{
    uint32_t low = 0, high = partition->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (partition->rows[middle]->group >= group) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static uint64_t add_groups(uint64_t group, int64_t more)
{
    uint64_t sum;
    return __builtin_add_overflow(group, (uint64_t)more, &sum) ? UINT64_MAX : sum;
}

/* ---- Frames ------------------------------------------------------------------------------- */

void mr_frame_walk_init(MrFrameWalk *walk, const MrOperator *op, const MrPartition *partition,
                        const MrOverCall *call)
{
    *walk = (MrFrameWalk){ .op = op, .partition = partition, .call = call };
}

static const MrPartitions *set_of(const MrOperator *op)
{
    return &((const MrOverState *)op->state)->set;
}

void mr_frame_peers(MrFrameWalk *walk, uint32_t at)
{
    if (at >= walk->peer_end || at < walk->peer_start) {
        const MrPartitions *set = set_of(walk->op);
        walk->peer_start = mr_partition_peer_start(set, walk->partition, at);
        walk->peer_end = mr_partition_peer_end(set, walk->partition, at);
    }
}

static uint32_t clamp_row(const MrFrameWalk *walk, int64_t row)
{
    return row < 0 ? 0 : row > walk->partition->count ? walk->partition->count : (uint32_t)row;
}

static uint32_t rows_edge(const MrFrameWalk *walk, uint32_t at, int64_t count, bool preceding,
                          bool is_end)
{
    int64_t most = walk->partition->count;
    count = count > most ? most + 1 : count; /* beyond the partition is beyond it */
    return clamp_row(walk, (preceding ? (int64_t)at - count : (int64_t)at + count) + is_end);
}

static uint32_t groups_edge(const MrFrameWalk *walk, uint32_t at, int64_t count, bool preceding,
                            bool is_end)
{
    uint64_t group = walk->partition->rows[at]->group;
    if (preceding && (uint64_t)count > group) {
        return 0;
    }
    group = preceding ? group - (uint64_t)count : add_groups(group, count);
    return group_lower(walk->partition, is_end ? add_groups(group, 1) : group);
}

static uint32_t edge_at(MrFrameWalk *walk, uint32_t at, MrFrameEdge edge, const MrDatum *offset,
                        bool is_end)
{
    const MrFrame *frame = &walk->call->frame;
    bool preceding = edge == MR_EDGE_PRECEDING;
    switch (edge) {
    case MR_EDGE_UNBOUNDED_PRECEDING: return 0;
    case MR_EDGE_UNBOUNDED_FOLLOWING: return walk->partition->count;
    case MR_EDGE_CURRENT_ROW:
        if (frame->unit == MR_FRAME_UNIT_ROWS) {
            return at + is_end;
        }
        mr_frame_peers(walk, at);
        return is_end ? walk->peer_end : walk->peer_start;
    case MR_EDGE_PRECEDING:
    case MR_EDGE_FOLLOWING: break;
    }
    switch (frame->unit) {
    case MR_FRAME_UNIT_ROWS: return rows_edge(walk, at, offset->integer, preceding, is_end);
    case MR_FRAME_UNIT_GROUPS: return groups_edge(walk, at, offset->integer, preceding, is_end);
    case MR_FRAME_UNIT_RANGE: break;
    }
    uint32_t from = !walk->has_bounds ? 0 : is_end ? walk->high : walk->low;
    uint32_t found = range_bound(set_of(walk->op), walk->partition, walk->partition->rows[at],
                                 offset, preceding, is_end, from);
    *(is_end ? &walk->high : &walk->low) = found;
    return found;
}

void mr_frame_at(MrFrameWalk *walk, uint32_t at, uint32_t *first, uint32_t *end)
{
    const MrFrame *frame = &walk->call->frame;
    *first = edge_at(walk, at, frame->start, &frame->start_offset, false);
    *end = edge_at(walk, at, frame->end, &frame->end_offset, true);
    walk->has_bounds = true;
    *end = *end < *first ? *first : *end;
}

void mr_frame_hole(MrFrameWalk *walk, uint32_t at, uint32_t *first, uint32_t *end)
{
    if (walk->call->frame.hole == MR_HOLE_CURRENT_ROW) {
        *first = at;
        *end = at + 1;
        return;
    }
    mr_frame_peers(walk, at);
    *first = walk->peer_start;
    *end = walk->peer_end;
}

/* ---- What a change touches ----------------------------------------------------------------- */

static uint32_t less(uint32_t at, int64_t count)
{
    return count >= at ? 0 : at - (uint32_t)count;
}

static uint32_t more(const MrPartition *partition, uint32_t at, int64_t count)
{
    return count >= partition->count - at ? partition->count : at + (uint32_t)count;
}

/* Rows behind the change whose frame begins before it. */
static uint32_t affected_end(const MrPartitions *set, const MrPartition *partition,
                             const MrFrame *frame, const MrMerge *merge)
{
    uint32_t peers = mr_partition_upper(set, partition, merge->greatest);
    uint32_t end = merge->end > peers ? merge->end : peers;
    switch (frame->start) {
    case MR_EDGE_UNBOUNDED_PRECEDING: return partition->count;
    case MR_EDGE_PRECEDING: break;
    default: return end;
    }
    switch (frame->unit) {
    case MR_FRAME_UNIT_ROWS: return more(partition, merge->end, frame->start_offset.integer);
    case MR_FRAME_UNIT_RANGE: break;
    case MR_FRAME_UNIT_GROUPS: {
        uint64_t group = end == 0 ? partition->freed_groups : partition->rows[end - 1]->group;
        return group_lower(partition,
                           add_groups(add_groups(group, frame->start_offset.integer), 2));
    }
    }
    uint32_t found =
        range_bound(set, partition, merge->greatest, &frame->start_offset, false, true, 0);
    return found > end ? found : end;
}

/* Rows before the change whose frame ends behind it. */
static uint32_t affected_start(const MrPartitions *set, const MrPartition *partition,
                               const MrFrame *frame, const MrMerge *merge)
{
    uint32_t peers = mr_partition_lower(set, partition, merge->least);
    uint32_t first = merge->first < peers ? merge->first : peers;
    switch (frame->end) {
    case MR_EDGE_UNBOUNDED_FOLLOWING: return 0;
    case MR_EDGE_FOLLOWING: break;
    default: return first;
    }
    switch (frame->unit) {
    case MR_FRAME_UNIT_ROWS: {
        uint32_t reached = less(merge->first, frame->end_offset.integer);
        return reached < first ? reached : first;
    }
    case MR_FRAME_UNIT_RANGE: break;
    case MR_FRAME_UNIT_GROUPS: {
        uint64_t group = first == 0 ? partition->freed_groups : partition->rows[first - 1]->group;
        uint64_t count = (uint64_t)frame->end_offset.integer;
        return count >= group ? 0 : group_lower(partition, group - count);
    }
    }
    uint32_t found = range_bound(set, partition, merge->least, &frame->end_offset, true, false, 0);
    return found < first ? found : first;
}

/* Adding months and taking them off are not each other's reverse, nor are days where clocks are
 * set: a few rows more are looked at. */
static void widen(const MrPartitions *set, const MrPartition *partition, const MrFrame *frame,
                  uint32_t *low, uint32_t *high)
{
    const MrDatum days = { .type = mr_type(MR_TYPE_INTERVAL), .interval = { .days = 5 } };
    bool is_calendar =
        frame->unit == MR_FRAME_UNIT_RANGE &&
        ((frame->start_offset.type.id == MR_TYPE_INTERVAL &&
          (frame->start_offset.interval.months | frame->start_offset.interval.days)) ||
         (frame->end_offset.type.id == MR_TYPE_INTERVAL &&
          (frame->end_offset.interval.months | frame->end_offset.interval.days)));
    if (!is_calendar || *low >= *high) {
        return;
    }
    *low = range_bound(set, partition, partition->rows[*low], &days, true, false, 0);
    *high = range_bound(set, partition, partition->rows[*high - 1], &days, false, true, 0);
}

void mr_frame_affected(const MrOperator *op, const MrPartition *partition, const MrOverCall *call,
                       const MrMerge *merge, uint32_t *low, uint32_t *high)
{
    const MrPartitions *set = set_of(op);
    switch (call->function) {
    case MR_OVER_ROW_NUMBER:
    case MR_OVER_RANK:
    case MR_OVER_DENSE_RANK:
        *low = merge->first;
        *high = partition->count;
        return;
    case MR_OVER_PERCENT_RANK:
    case MR_OVER_CUME_DIST:
    case MR_OVER_NTILE:
        *low = 0;
        *high = partition->count;
        return;
    case MR_OVER_SESSION_START:
    case MR_OVER_SESSION_END: mr_session_affected(op, partition, merge, low, high); return;
    case MR_OVER_LAG:
        *low = call->number < 0 ? less(merge->first, -call->number) : merge->first;
        *high = call->number > 0 ? more(partition, merge->end, call->number) : merge->end;
        return;
    default:
        *low = affected_start(set, partition, &call->frame, merge);
        *high = affected_end(set, partition, &call->frame, merge);
        widen(set, partition, &call->frame, low, high);
    }
}
