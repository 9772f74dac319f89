/*
 * server/relations/operators.c - millrace.operators: the operators of each standing query, with
 * their place in its DAG, what passed through them, and the time they took.
 */
#include <stdio.h>

#include "planner/explain.h"
#include "server/relations/rows.h"
#include "server/scheduler.h"

static const MrColumn operator_columns[] = {
    MR_RELATION_COLUMN("query", TEXT),           MR_RELATION_COLUMN("operator", TEXT),
    MR_RELATION_COLUMN("operator_index", INT64), MR_RELATION_COLUMN("lane", INT64),
    MR_RELATION_COLUMN("rows_in", INT64),        MR_RELATION_COLUMN("rows_out", INT64),
    MR_RELATION_COLUMN("groups", INT64),         MR_RELATION_COLUMN("state_bytes", INT64),
    MR_RELATION_COLUMN("busy_us", INT64),        MR_RELATION_COLUMN("inputs", TEXT),
    MR_RELATION_COLUMN("detail", TEXT),
};

typedef struct OperatorRows {
    MrRows *rows;
    const char *query;
} OperatorRows;

/* What it reads, or what is special about it: the words of EXPLAIN. */
static void add_detail(MrRows *rows, const MrExplainNode *node)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_builder_append(&text, node->subject.data, node->subject.length);
    for (uint32_t p = 0; node->subject.length == 0 && p < node->property_count; p++) {
        const MrExplainProperty *property = &node->properties[p];
        mr_builder_append_format(&text, "%s%s: ", p == 0 ? "" : "; ", property->label);
        mr_builder_append(&text, property->value.data, property->value.length);
    }
    mr_rows_text(rows, text.length > 0 ? mr_builder_text(&text) : NULL);
    mr_builder_fini(&text);
}

/* Whose rows it takes, by index; NULL: it reads. */
static void add_inputs(MrRows *rows, const MrDagNode *node)
{
    char text[32];
    if (node->input < 0) {
        mr_rows_null(rows);
        return;
    }
    if (node->right < 0) {
        snprintf(text, sizeof text, "%d", node->input);
    } else {
        snprintf(text, sizeof text, "%d, %d", node->input, node->right);
    }
    mr_rows_text(rows, text);
}

static void add_operator(void *context, const MrQueryOperatorFacts *facts)
{
    OperatorRows *operators = context;
    MrRows *rows = operators->rows;
    mr_rows_begin(rows);
    mr_rows_text(rows, operators->query);
    mr_rows_text(rows, facts->name);
    mr_rows_count(rows, facts->index);
    mr_rows_count(rows, facts->lane);
    mr_rows_count(rows, facts->rows_in);
    mr_rows_count(rows, facts->rows_out);
    mr_rows_count(rows, facts->groups);
    mr_rows_int(rows, facts->state_bytes);
    mr_rows_int(rows, facts->busy_us);
    add_inputs(rows, facts->node);
    if (facts->explained != NULL) {
        add_detail(rows, facts->explained);
    }
}

static MrStatus operators_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        if (relation->standing != NULL) {
            OperatorRows operators = { .rows = rows, .query = relation->name };
            mr_scheduler_operators(server, relation->standing->id, add_operator, &operators);
        }
    }
    return MR_OK;
}

const MrRelationView mr_relation_operators = {
    .schema_name = "millrace",
    .name = "operators",
    MR_RELATION_COLUMNS(operator_columns),
    .fill = operators_fill,
};
