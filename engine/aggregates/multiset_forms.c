/*
 * engine/aggregates/multiset_forms.c - the aggregates that keep their values (multiset.c): for
 * inputs that take rows back, for DISTINCT, and for ORDER BY in the call.
 */
#include <pthread.h>

#include "engine/aggregates/aggregate_table.h"
#include "engine/aggregates/multiset.h"

enum { FORMS_MAX = 192 };

/* Forms are made once, for every aggregate that needs one. */
typedef struct Forms {
    MrAggregate items[FORMS_MAX];
    uint32_t count;
} Forms;

static Forms multiset_forms, distinct_forms;
static pthread_once_t forms_once = PTHREAD_ONCE_INIT;

static void fill_form(MrAggregate *form, const MrAggregate *base, bool is_distinct)
{
    *form = *base;
    form->base = base;
    form->state_bytes = MR_MULTISET_STATE_BYTES;
    form->flags = MR_AGG_RETRACTS | MR_AGG_HEAP | (base->flags & MR_AGG_NULLS);
    form->update = mr_multiset_update;
    form->merge = mr_multiset_merge;
    form->finalize = is_distinct ? mr_multiset_distinct_finalize : mr_multiset_finalize;
    form->destroy = mr_multiset_destroy;
    form->write = mr_multiset_write;
    form->read = mr_multiset_read;
}

static void add_form(Forms *forms, const MrAggregate *base)
{
    if (forms->count < FORMS_MAX) {
        fill_form(&forms->items[forms->count++], base, forms == &distinct_forms);
    }
}

static void make_forms(void)
{
    const MrAggregate *const *all;
    uint32_t count = mr_aggregate_all(&all);
    for (uint32_t i = 0; i < count; i++) {
        if (!(all[i]->flags & (MR_AGG_RETRACTS | MR_AGG_SKETCH))) {
            add_form(&multiset_forms, all[i]);
        }
        if (all[i]->arg_count == 1) {
            add_form(&distinct_forms, all[i]);
        }
    }
}

static const MrAggregate *find_form(const Forms *forms, const MrAggregate *base)
{
    pthread_once(&forms_once, make_forms);
    for (uint32_t i = 0; i < forms->count; i++) {
        if (forms->items[i].base == base) {
            return &forms->items[i];
        }
    }
    return NULL;
}

const MrAggregate *mr_aggregate_multiset(const MrAggregate *base)
{
    return find_form(&multiset_forms, base);
}

const MrAggregate *mr_aggregate_distinct(const MrAggregate *base)
{
    return find_form(&distinct_forms, base);
}

MrStatus mr_aggregate_ordered(MrArena *arena, const MrAggregate *aggregate,
                              const MrAggregateOrder *order, uint32_t arg_count,
                              const MrAggregate **out, MrError *err)
{
    MrAggregate *form;
    MR_NEW(arena, form, err);
    fill_form(form, aggregate, order->is_distinct);
    form->flags |= MR_AGG_NULLS; /* a key may be NULL where the value is not */
    form->arg_count = (uint8_t)arg_count;
    form->order = order;
    *out = form;
    return MR_OK;
}
