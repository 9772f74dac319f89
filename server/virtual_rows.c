/*
 * server/virtual_rows.c - see virtual_rows.h.
 *
 * Most relations of PostgreSQL's catalogue have no rows here, and clients join them to those that
 * have many.  What an empty relation is joined to need not be read: emptiness goes up from the
 * scans, and a scan below an empty operator gives nothing either.
 */
#include "server/virtual_rows.h"

#include "server/relations.h"

/* ---- What a view is asked for ---------------------------------------------------------------- */

static bool is_filled(const MrPlan *plan, uint32_t scan)
{
    return plan->scans[scan].spec->kind == MR_SCAN_VIRTUAL && mr_plan_is_first_scan(plan, scan);
}

/* The columns that the scans of one source read. */
static MrStatus wish_of(const MrPlan *plan, uint32_t scan, MrArena *arena, MrRelationWish *out,
                        MrError *err)
{
    const MrScanSpec *spec = plan->scans[scan].spec;
    uint64_t *columns;
    MR_NEW_ARRAY(arena, columns,
                 mr_bitmap_words(plan->scans[scan].relation->schema.column_count) + 1, err);
    for (uint32_t s = scan; s < plan->scan_count; s++) {
        const MrScanSpec *other = plan->scans[s].spec;
        for (uint32_t c = 0; other->source == spec->source && c < other->column_count; c++) {
            mr_bitmap_set(columns, other->columns[c]);
        }
    }
    *out = (MrRelationWish){ .columns = columns,
                             .look_up = spec->look_up,
                             .look_up_column = spec->look_up_column };
    return MR_OK;
}

/* ---- What need not be read ------------------------------------------------------------------- */

static bool scan_is_empty(const MrPlan *plan, const MrVirtualRows *rows, const MrScanSpec *spec)
{
    uint32_t s = 0;
    while (plan->scans[s].spec->source != spec->source) {
        s++;
    }
    for (uint32_t b = 0; b < rows[s].count; b++) {
        if (rows[s].blocks[b]->row_count > 0) {
            return false;
        }
    }
    return spec->kind == MR_SCAN_VIRTUAL;
}

static bool join_is_empty(MrJoinType type, bool left, bool right)
{
    switch (type) {
    case MR_JOIN_TYPE_INNER:
    case MR_JOIN_TYPE_SEMI: return left || right;
    case MR_JOIN_TYPE_LEFT:
    case MR_JOIN_TYPE_ANTI: return left;
    case MR_JOIN_TYPE_RIGHT: return right;
    case MR_JOIN_TYPE_FULL: return left && right;
    }
    return false;
}

/* False: it gives rows, or may (an aggregate has a row for no input). */
static bool node_is_empty(const MrPlan *plan, const MrVirtualRows *rows, const MrDagNode *node,
                          const bool *empty)
{
    switch (node->kind) {
    case MR_OPERATOR_SCAN: return scan_is_empty(plan, rows, node->spec);
    case MR_OPERATOR_FILTER:
    case MR_OPERATOR_PROJECT:
    case MR_OPERATOR_PROJECT_SET:
    case MR_OPERATOR_SORT: return empty[node->input];
    case MR_OPERATOR_UNION: return empty[node->input] && empty[node->right];
    case MR_OPERATOR_JOIN:
        return join_is_empty(((const MrJoinSpec *)node->spec)->type, empty[node->input],
                             empty[node->right]);
    default: return false;
    }
}

/* Rows of a source matter where one of its scans reaches the root without an empty operator. */
static MrStatus drop_useless(const MrPlan *plan, MrArena *arena, MrVirtualRows *rows, MrError *err)
{
    const MrDag *dag = plan->dag;
    bool *empty, *wanted;
    uint64_t sources[MR_PLAN_SOURCES_MAX / 64 + 1] = { 0 };
    MR_NEW_ARRAY(arena, empty, dag->node_count, err);
    MR_NEW_ARRAY(arena, wanted, dag->node_count, err);
    for (uint32_t n = 0; n < dag->node_count; n++) {
        empty[n] = node_is_empty(plan, rows, &dag->nodes[n], empty);
    }
    wanted[dag->node_count - 1] = true;
    for (uint32_t n = dag->node_count; n-- > 0;) {
        const MrDagNode *node = &dag->nodes[n];
        if (!wanted[n] || empty[n]) {
            continue;
        }
        if (node->kind == MR_OPERATOR_SCAN) {
            mr_bitmap_set(sources, ((const MrScanSpec *)node->spec)->source);
        }
        if (node->input >= 0) {
            wanted[node->input] = true;
        }
        if (node->right >= 0) {
            wanted[node->right] = true;
        }
    }
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        if (is_filled(plan, s) && !mr_bitmap_get(sources, plan->scans[s].spec->source)) {
            rows[s].count = 0;
        }
    }
    return MR_OK;
}

MrStatus mr_virtual_rows_fill(MrServer *server, const MrPlan *plan, MrResult *const *returned,
                              MrArena *arena, MrVirtualRows **out, MrError *err)
{
    MrVirtualRows *rows;
    MR_NEW_ARRAY(arena, rows, plan->scan_count + 1, err);
    for (uint32_t s = 0; s < plan->scan_count; s++) {
        const MrRelation *relation = plan->scans[s].relation;
        MrRelationWish wish;
        if (is_filled(plan, s) && returned != NULL && returned[s] != NULL) {
            rows[s] =
                (MrVirtualRows){ .blocks = returned[s]->blocks, .count = returned[s]->block_count };
        } else if (is_filled(plan, s)) {
            MR_TRY(wish_of(plan, s, arena, &wish, err));
            MR_TRY(mr_relations_fill(server, plan->names, relation->schema_name, relation->name,
                                     &wish, arena, &rows[s].blocks, &rows[s].count, err));
        }
    }
    *out = rows;
    return drop_useless(plan, arena, rows, err);
}
