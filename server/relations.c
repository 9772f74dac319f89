/*
 * server/relations.c - finds and reads the system views: see relations.h.
 */
#include "server/relations.h"

#include <string.h>

#include "server/pgcatalog/pgcatalog.h"
#include "server/relations/rows.h"

static const MrRelationView *const views[] = {
#define MR_RELATION_VIEW(view) &view,
#include "server/relations/relations.def"
#undef MR_RELATION_VIEW
};

enum { VIEW_COUNT = sizeof views / sizeof views[0] };

static MrSchema schema_of(const MrRelationView *view)
{
    return (MrSchema){ .column_count = view->column_count, .columns = view->columns };
}

MrStatus mr_relations_register(MrCatalog *catalog, MrError *err)
{
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        MrSchema schema = schema_of(views[i]);
        MR_TRY(mr_catalog_register_virtual(catalog, 0, views[i]->schema_name, views[i]->name,
                                           &schema, err));
    }
    return mr_pg_catalog_register(catalog, err);
}

MrStatus mr_relations_fill(MrServer *server, const MrNames *names, const char *schema_name,
                           const char *name, const MrRelationWish *wish, MrArena *arena,
                           const MrBlock *const **blocks, uint32_t *block_count, MrError *err)
{
    if (mr_pg_catalog_has(schema_name)) {
        return mr_pg_catalog_fill(server, names, schema_name, name, wish, arena, blocks,
                                  block_count, err);
    }
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        const MrRelationView *view = views[i];
        if (strcmp(view->name, name) != 0 || strcmp(view->schema_name, schema_name) != 0) {
            continue;
        }
        MrRows rows;
        MrSchema schema = schema_of(view);
        mr_rows_init(&rows, arena, &schema);
        rows.wanted = wish->columns;
        MR_TRY(view->fill(server, &rows, err));
        return mr_rows_finish(&rows, blocks, block_count, err);
    }
    return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist",
                        schema_name, name);
}
