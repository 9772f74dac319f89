/*
 * server/with_changes.c - INSERT, UPDATE and DELETE in WITH, as a list of changes.
 *
 * They see the tables as they were before the statement, whatever the order.  It shows where keys
 * meet, and is PostgreSQL's: what is read comes before who reads it, and what nobody reads comes
 * behind the statement itself, the last one first.
 */
#include "server/changes.h"

typedef struct Order {
    const MrChangeList *with;
    uint32_t *numbers; /* in the order in which they run */
    bool *is_in;
    uint32_t count;
} Order;

static void order_one(Order *order, uint32_t number);

static void order_read(Order *order, const MrPlan *plan)
{
    for (uint32_t s = 0; plan != NULL && s < plan->scan_count; s++) {
        const MrRelation *relation = plan->scans[s].relation;
        if (relation != NULL && relation->returned_by > 0 &&
            relation->returned_by != MR_RETURNED_OWN) {
            order_one(order, relation->returned_by);
        }
    }
}

static void order_read_by(Order *order, const MrChangePlan *change)
{
    order_read(order, change->rows);
    order_read(order, change->conflict_rows);
    order_read(order, change->returning);
}

/* Those in WITH see only what stands before them: it ends. */
static void order_one(Order *order, uint32_t number)
{
    if (!order->is_in[number]) {
        order->is_in[number] = true;
        order_read_by(order, order->with->items[number - 1]);
        order->numbers[order->count++] = number;
    }
}

static MrStatus make_order(MrArena *arena, const MrChangeList *with, const MrPlan *query,
                           const MrChangePlan *main, Order *out, MrError *err)
{
    *out = (Order){ .with = with };
    MR_NEW_ARRAY(arena, out->numbers, with->count + 1, err);
    MR_NEW_ARRAY(arena, out->is_in, with->count + 1, err);
    if (main == NULL) {
        order_read(out, query);
    } else {
        order_read_by(out, main);
        out->numbers[out->count++] = 0;
    }
    for (uint32_t number = with->count; number > 0; number--) {
        order_one(out, number);
    }
    return MR_OK;
}

MrStatus mr_changes_of_statement(MrSession *session, MrPortal *portal, const MrChangePlan *main,
                                 MrChange **out, MrError *err)
{
    const MrChangeList *with = &portal->with;
    MrArena *arena = &portal->memory->arena;
    MrChange **last = out;
    Order order;
    *out = NULL;
    if (with->count > 0) {
        MR_NEW_ARRAY(arena, portal->returned, with->count, err);
    }
    MR_TRY(make_order(arena, with, portal->plan, main, &order, err));
    for (uint32_t i = 0; i < order.count; i++) {
        const uint32_t number = order.numbers[i];
        const MrStatus status = mr_change_create(
            session, portal, number == 0 ? main : with->items[number - 1], last, err);
        if (status != MR_OK) {
            *last = NULL;
            mr_changes_free(out);
            return status;
        }
        (*last)->number = number;
        (*last)->results = portal->returned;
        last = &(*last)->next;
    }
    return MR_OK;
}
