/*
 * server/relations/views.c - millrace.views: each name of a query, with its text.
 */
#include "parser/print.h"
#include "server/relations/rows.h"

static const MrColumn view_columns[] = {
    MR_RELATION_COLUMN("name", TEXT),
    MR_RELATION_COLUMN("definition", TEXT),
    MR_RELATION_COLUMN("comment", TEXT),
};

static MrStatus views_fill(MrServer *server, MrRows *rows, MrError *err)
{
    (void)err;
    for (uint32_t i = 0; i < mr_catalog_relation_count(server->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(server->catalog, i);
        MrBuilder text;
        if (relation->kind != MR_RELATION_VIEW) {
            continue;
        }
        mr_builder_init(&text, 0);
        mr_rows_begin(rows);
        mr_rows_text(rows, relation->name);
        if (mr_rows_wants_next(rows)) {
            mr_ast_print(&text, &relation->query->base, MR_PRINT_SHOWN);
        }
        mr_rows_text(rows, mr_builder_text(&text));
        mr_rows_text(rows, relation->comment);
        mr_builder_fini(&text);
    }
    return MR_OK;
}

const MrRelationView mr_relation_views = {
    .schema_name = "millrace",
    .name = "views",
    MR_RELATION_COLUMNS(view_columns),
    .fill = views_fill,
};
