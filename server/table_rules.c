/*
 * server/table_rules.c - what rows of a table must be by now, whatever a statement was planned by:
 * see tables.h.
 */
#include "server/tables_internal.h"

void mr_tables_expect(MrServer *server, uint32_t stream_id, MrCatalog *catalog,
                      const MrRelation *relation)
{
    TableEntry *entry = mr_tables_entry(server->tables, stream_id);
    if (entry == NULL) {
        return;
    }
    if (entry->expected_catalog != NULL) {
        mr_catalog_unref(entry->expected_catalog);
    }
    entry->expected_catalog = catalog == NULL ? NULL : mr_catalog_ref(catalog);
    entry->expected = relation;
}

/* By its stream's number: it may have another name by now. */
static const MrRelation *find_renamed(const MrCatalog *catalog, uint32_t stream_id)
{
    for (uint32_t r = 0; r < mr_catalog_relation_count(catalog); r++) {
        const MrRelation *relation = mr_catalog_relation(catalog, r);
        if (relation->table != NULL && relation->stream->id == stream_id) {
            return relation;
        }
    }
    return NULL;
}

const MrRelation *mr_tables_rules(const MrServer *server, const MrRelation *planned,
                                  MrCatalog **held)
{
    const uint32_t id = planned->stream->id;
    const TableEntry *entry = mr_tables_entry(server->tables, id);
    const bool is_expected = entry != NULL && entry->expected != NULL;
    MrCatalog *catalog = is_expected ? entry->expected_catalog : server->catalog;
    const MrRelation *found = is_expected
                                  ? entry->expected
                                  : mr_catalog_find(catalog, planned->schema_name, planned->name);
    if (found == NULL || found->table == NULL || found->stream->id != id) {
        found = find_renamed(catalog, id);
    }
    if (held != NULL) {
        *held = found == NULL ? NULL : mr_catalog_ref(catalog);
    }
    return found == NULL ? planned : found;
}

bool mr_tables_is_touched(MrServer *server, uint32_t stream_id)
{
    const TableEntry *entry = mr_tables_entry(server->tables, stream_id);
    return entry != NULL && entry->is_touched;
}
