/*
 * planner/over_parts.c - expressions of window functions changed in their places: put over the
 * groups, and over the node that their subqueries were joined to.  Must not know SQL text.
 */
#include "planner/over.h"
#include "planner/subquery.h"

/* What becomes of one expression of the list. */
typedef struct PartChange {
    MrStatus (*apply)(const struct PartChange *change, MrExpr **part);
    MrBinder *b;
    const MrGrouping *grouping; /* regroup_part */
    const MrLogical *aggregate;
    MrExpr **parts; /* gather_part, put_part */
    uint32_t *count;
    MrStatus (*visit)(void *context, const MrExpr *part); /* visit_part */
    void *context;
} PartChange;

static MrStatus regroup_part(const PartChange *change, MrExpr **part)
{
    return mr_bind_regroup(change->b, change->grouping, change->aggregate, *part, part);
}

static MrStatus visit_part(const PartChange *change, MrExpr **part)
{
    return change->visit(change->context, *part);
}

static MrStatus count_part(const PartChange *change, MrExpr **part)
{
    (void)part;
    ++*change->count;
    return MR_OK;
}

static MrStatus gather_part(const PartChange *change, MrExpr **part)
{
    change->parts[(*change->count)++] = *part;
    return MR_OK;
}

static MrStatus put_part(const PartChange *change, MrExpr **part)
{
    *part = change->parts[(*change->count)++];
    return MR_OK;
}

static MrStatus change_part(const PartChange *change, MrExpr **part)
{
    return *part == NULL ? MR_OK : change->apply(change, part);
}

/* Windows of the WINDOW clause are shared by calls: each gets its own copy. */
static MrStatus change_window(const PartChange *change, MrBoundWindow *window)
{
    MrBinder *b = change->b;
    MrExpr **partition;
    MrBoundSort *order;
    MR_NEW_ARRAY(b->arena, partition, window->partition_count, b->err);
    MR_NEW_ARRAY(b->arena, order, window->order_count, b->err);
    for (uint32_t p = 0; p < window->partition_count; p++) {
        partition[p] = window->partition[p];
        MR_TRY(change_part(change, &partition[p]));
    }
    for (uint32_t k = 0; k < window->order_count; k++) {
        order[k] = window->order[k];
        MR_TRY(change_part(change, &order[k].expr));
    }
    window->partition = partition;
    window->order = order;
    return MR_OK;
}

static MrStatus change_parts(const PartChange *change, MrOverList *overs)
{
    for (uint32_t i = 0; i < overs->count; i++) {
        MrBoundOver *over = &overs->items[i];
        for (uint32_t a = 0; a < over->arg_count; a++) {
            MR_TRY(change_part(change, &over->args[a]));
        }
        MR_TRY(change_part(change, &over->filter));
        MR_TRY(change_part(change, &over->fallback));
        MR_TRY(change_window(change, &over->window));
    }
    return MR_OK;
}

MrStatus mr_regroup_overs(MrBinder *b, const MrGrouping *grouping, const MrLogical *aggregate,
                          MrOverList *overs)
{
    PartChange change = {
        .apply = regroup_part, .b = b, .grouping = grouping, .aggregate = aggregate
    };
    return change_parts(&change, overs);
}

MrStatus mr_visit_overs(MrBinder *b, MrOverList *overs,
                        MrStatus (*visit)(void *context, const MrExpr *part), void *context)
{
    PartChange change = { .apply = visit_part, .b = b, .visit = visit, .context = context };
    return change_parts(&change, overs);
}

/* All at one time: calls over one window share its subqueries, and each can be joined once only. */
MrStatus mr_attach_overs(MrBinder *b, MrOverList *overs, MrLogical **node)
{
    uint32_t count = 0;
    PartChange change = { .apply = count_part, .b = b, .count = &count };
    MR_TRY(change_parts(&change, overs));
    MR_NEW_ARRAY(b->arena, change.parts, count, b->err);
    count = 0;
    change.apply = gather_part;
    MR_TRY(change_parts(&change, overs));
    MR_TRY(mr_bind_attach(b, node, change.parts, count));
    count = 0;
    change.apply = put_part;
    return change_parts(&change, overs);
}
