/*
 * server/pgcatalog/version.c - one version of the catalogue: its relations by number, its rows once
 * they are asked for.
 */
#include "server/pgcatalog/version.h"

#include <stdlib.h>

#include "common/hash.h"
#include "server/pgcatalog/functions.h"
#include "server/session.h"
#include "storage/array.h"
#include "server/statement.h"

/* ---- Relations by number --------------------------------------------------------------------- */

uint32_t mr_pg_key(const MrRelation *relation, const uint32_t **columns)
{
    if (relation->table != NULL && relation->table->number_column < 0) {
        *columns = relation->table->keys;
        return relation->table->key_count;
    }
    const MrStandingQuery *standing = relation->standing;
    if (relation->kind != MR_RELATION_QUERY || standing == NULL || standing->append_only) {
        return 0;
    }
    for (uint32_t k = 0; k < standing->key_count; k++) {
        if (standing->keys[k] >= relation->schema.column_count) {
            return 0; /* told apart by a column that nobody sees */
        }
    }
    *columns = standing->keys;
    return standing->key_count;
}

bool mr_pg_key_is_constraint(const MrRelation *relation)
{
    return relation->kind == MR_RELATION_TABLE && relation->table->number_column < 0;
}

uint32_t mr_pg_index_columns(const MrPgClass *index, int32_t columns[MR_PG_INDEX_COLUMNS_MAX])
{
    const uint32_t *keys;
    uint32_t count =
        index->def != NULL ? index->def->column_count : mr_pg_key(index->relation, &keys);
    count = count < MR_PG_INDEX_COLUMNS_MAX ? count : MR_PG_INDEX_COLUMNS_MAX;
    for (uint32_t c = 0; c < count; c++) {
        columns[c] = index->def != NULL ? index->def->columns[c].column : (int32_t)keys[c];
    }
    return count;
}

/* Rows are told apart by another constraint. */
static bool has_primary_index(const MrRelation *relation)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        if (relation->indexes[i].is_primary) {
            return true;
        }
    }
    return false;
}

bool mr_pg_index_is_primary(const MrPgClass *index)
{
    return index->def != NULL
               ? index->def->is_primary
               : mr_pg_key_is_constraint(index->relation) && !has_primary_index(index->relation);
}

bool mr_pg_index_is_constraint(const MrPgClass *index)
{
    return index->kind == 'i' && (index->def != NULL ? index->def->is_constraint
                                                     : mr_pg_key_is_constraint(index->relation));
}

/* That of a key has its relation's. */
uint32_t mr_pg_constraint_number(const MrPgClass *index)
{
    return (index->def == NULL ? index->relation->oid : index->number) | MR_PG_CONSTRAINT_BIT;
}

const MrPgClass *mr_pg_constraint_index(const MrPgCatalog *pg, uint32_t number)
{
    const MrPgClass *class = mr_pg_class(pg, number & ~(uint32_t)MR_PG_CONSTRAINT_BIT);
    if (class != NULL && class->kind != 'i' && class->index != 0) {
        class = mr_pg_class(pg, class->index);
    }
    return class != NULL && (number & MR_PG_CONSTRAINT_BIT) != 0 && mr_pg_index_is_constraint(class)
               ? class
               : NULL;
}

bool mr_pg_has_index(const MrPgClass *class)
{
    return class->index != 0 || (class->kind != 'i' && class->relation->index_count > 0);
}

uint32_t mr_pg_check_count(const MrPgClass *class)
{
    bool is_table = class->kind == 'r' && class->relation->kind == MR_RELATION_TABLE;
    return is_table ? class->relation->table->check_count : 0;
}

const MrCheck *mr_pg_check(const MrPgCatalog *pg, uint32_t number, const MrPgClass **out)
{
    uint32_t at = number - MR_PG_CHECK_FIRST;
    for (uint32_t i = 0; number >= MR_PG_CHECK_FIRST && i < pg->class_count; i++) {
        uint32_t count = mr_pg_check_count(&pg->classes[i]);
        if (at < count) {
            *out = &pg->classes[i];
            return &pg->classes[i].relation->table->checks[at];
        }
        at -= count;
    }
    return NULL;
}

static char kind_of(MrRelationKind kind)
{
    switch (kind) {
    case MR_RELATION_STREAM:
    case MR_RELATION_TABLE: return 'r';
    case MR_RELATION_VIEW:
    case MR_RELATION_VIRTUAL: return 'v';
    case MR_RELATION_QUERY: return 'm';
    case MR_RELATION_SINK: return 'f';
    }
    return 'r';
}

static MrStatus add_index(MrPgCatalog *pg, MrPgClass *of, MrError *err)
{
    const char *name =
        mr_pg_key_is_constraint(of->relation) && of->relation->table->key_name != NULL
            ? of->relation->table->key_name
            : mr_arena_printf(&pg->arena, "%s_key", of->name);
    if (name == NULL) {
        return mr_error_no_memory(err);
    }
    of->index = of->number | MR_PG_INDEX_BIT;
    pg->classes[pg->class_count++] = (MrPgClass){ .number = of->index,
                                                  .name = name,
                                                  .schema = of->schema,
                                                  .kind = 'i',
                                                  .relation = of->relation };
    return MR_OK;
}

static MrStatus add_class(MrPgCatalog *pg, const MrRelation *relation, MrError *err)
{
    const uint32_t *keys;
    const MrPgHeader *header = relation->kind == MR_RELATION_VIRTUAL
                                   ? mr_pg_header_find(relation->schema_name, relation->name)
                                   : NULL;
    if (header != NULL && header->kind == 'c') {
        return MR_OK;
    }
    MrPgClass *class = &pg->classes[pg->class_count++];
    *class = (MrPgClass){ .number = relation->oid,
                          .name = relation->name,
                          .schema = mr_pg_schema_number(relation->schema_name),
                          .kind = header != NULL ? header->kind : kind_of(relation->kind),
                          .relation = relation,
                          .header = header };
    for (uint32_t i = 0; i < relation->index_count; i++) {
        pg->classes[pg->class_count++] = (MrPgClass){ .number = relation->indexes[i].oid,
                                                      .name = relation->indexes[i].name,
                                                      .schema = class->schema,
                                                      .kind = 'i',
                                                      .relation = relation,
                                                      .def = &relation->indexes[i] };
    }
    return mr_pg_key(relation, &keys) == 0 ? MR_OK : add_index(pg, class, err);
}

static void class_index(MrPgCatalog *pg, uint32_t index)
{
    uint32_t slot = (uint32_t)mr_hash_u64(pg->classes[index].number) & pg->class_slot_mask;
    while (pg->class_slots[slot] != 0) {
        slot = (slot + 1) & pg->class_slot_mask;
    }
    pg->class_slots[slot] = index + 1;
}

enum { NAME_BITS = 1 << 16 };

static uint32_t name_bit(const char *name)
{
    return (uint32_t)mr_hash_bytes(name, strlen(name)) % NAME_BITS;
}

/* False for nearly every name that no schema but public has. */
static void note_hidden(MrPgCatalog *pg)
{
    uint64_t names[NAME_BITS / 64] = { 0 };
    for (uint32_t i = 0; i < mr_catalog_relation_count(pg->catalog); i++) {
        const MrRelation *relation = mr_catalog_relation(pg->catalog, i);
        if (strcmp(relation->schema_name, "public") != 0) {
            mr_bitmap_set(names, name_bit(relation->name));
        }
    }
    for (uint32_t i = 0; i < pg->class_count; i++) {
        pg->classes[i].may_be_hidden = mr_bitmap_get(names, name_bit(pg->classes[i].name));
    }
}

static MrStatus classes_make(MrPgCatalog *pg, MrError *err)
{
    uint32_t count = mr_catalog_relation_count(pg->catalog), slots = 64, classes = 2 * count;
    for (uint32_t i = 0; i < count; i++) {
        classes += mr_catalog_relation(pg->catalog, i)->index_count;
    }
    while (slots < classes * 2) {
        slots *= 2;
    }
    pg->class_slot_mask = slots - 1;
    MR_NEW_ARRAY(&pg->arena, pg->class_slots, slots, err);
    MR_NEW_ARRAY(&pg->arena, pg->classes, classes, err);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(add_class(pg, mr_catalog_relation(pg->catalog, i), err));
    }
    for (uint32_t i = 0; i < pg->class_count; i++) {
        class_index(pg, i);
    }
    note_hidden(pg);
    return MR_OK;
}

const MrPgClass *mr_pg_class(const MrPgCatalog *pg, uint32_t number)
{
    uint32_t slot = (uint32_t)mr_hash_u64(number) & pg->class_slot_mask;
    for (; pg->class_slots[slot] != 0; slot = (slot + 1) & pg->class_slot_mask) {
        const MrPgClass *class = &pg->classes[pg->class_slots[slot] - 1];
        if (class->number == number) {
            return class;
        }
    }
    return NULL;
}

const MrPgClass *mr_pg_class_of(const MrPgCatalog *pg, const MrRelation *relation)
{
    return mr_pg_class(pg, relation->oid);
}

static const MrPgClass *find_in(const MrPgCatalog *pg, const char *schema_name, const char *name)
{
    const MrRelation *relation = mr_catalog_find(pg->catalog, schema_name, name);
    if (relation != NULL) {
        return mr_pg_class_of(pg, relation); /* NULL of what only a call names */
    }
    const uint32_t schema = mr_pg_schema_number(schema_name);
    if (schema != MR_PG_SCHEMA_PUBLIC) {
        return NULL;
    }
    for (uint32_t i = 0; i < pg->class_count; i++) { /* indexes are rarely asked for */
        const MrPgClass *class = &pg->classes[i];
        if (class->kind == 'i' && class->schema == schema && strcmp(class->name, name) == 0) {
            return class;
        }
    }
    return NULL;
}

const MrPgClass *mr_pg_class_find(const MrPgNames *names, const char *schema_name, const char *name)
{
    const MrPgClass *class = NULL;
    if (schema_name != NULL) {
        return find_in(names->pg, schema_name, name);
    }
    for (uint32_t i = 0; class == NULL && i < names->path.count; i++) {
        class = find_in(names->pg, names->path.schemas[i], name);
    }
    return class;
}

/* No relation of its name is found before it.  Indexes are looked for only where they are: no
 * schema but public has any. */
bool mr_pg_class_is_visible(const MrPgNames *names, const MrPgClass *class)
{
    const char *own = mr_pg_schema_name(class->schema);
    for (uint32_t i = 0; i < names->path.count; i++) {
        if (strcmp(names->path.schemas[i], own) == 0) {
            return true;
        }
        if ((class->may_be_hidden || strcmp(names->path.schemas[i], "public") == 0) &&
            mr_catalog_find(names->pg->catalog, names->path.schemas[i], class->name) != NULL) {
            return false;
        }
    }
    return false;
}

bool mr_pg_function_is_visible(const MrPgNames *names, const MrPgRoutine *routine)
{
    return mr_search_path_has(&names->path, mr_pg_function_schema(routine));
}

char mr_pg_class_kind(const MrPgNames *names, const MrPgClass *class)
{
    return class->kind == 'm' && names->queries_are_views ? 'v' : class->kind;
}

/* ---- Roles ----------------------------------------------------------------------------------- */

/* The owner of everything is there even when no role was made. */
static MrStatus roles_make(MrPgCatalog *pg, MrError *err)
{
    const MrRoles *roles = pg->server->access.roles;
    uint32_t count = roles == NULL ? 0 : mr_roles_count(roles);
    MR_NEW_ARRAY(&pg->arena, pg->roles, (size_t)count + 1, err);
    pg->roles[pg->role_count++] =
        (MrPgRole){ .number = MR_PG_ROLE_OWNER, .name = "millrace", .can_login = true };
    for (uint32_t i = 0; i < count; i++) {
        const MrRole *role = mr_roles_at(roles, i);
        MrPgRole *mine = &pg->roles[0];
        if (strcmp(role->name, "millrace") != 0) {
            mine = &pg->roles[pg->role_count++];
            mine->number = MR_PG_ROLE_FIRST + i;
            mine->name = mr_arena_strdup(&pg->arena, role->name);
        }
        if (mine->name == NULL) {
            return mr_error_no_memory(err);
        }
        mine->can_login = role->can_login;
        mine->has_password = role->has_password;
    }
    return MR_OK;
}

const MrPgRole *mr_pg_role(const MrPgCatalog *pg, uint32_t number)
{
    for (uint32_t i = 0; i < pg->role_count; i++) {
        if (pg->roles[i].number == number) {
            return &pg->roles[i];
        }
    }
    return NULL;
}

const MrPgRole *mr_pg_role_find(const MrPgCatalog *pg, MrString name)
{
    for (uint32_t i = 0; i < pg->role_count; i++) {
        if (mr_string_equal(mr_string(pg->roles[i].name), name)) {
            return &pg->roles[i];
        }
    }
    return NULL;
}

/* ---- Versions -------------------------------------------------------------------------------- */

void mr_pg_catalog_unref(MrPgCatalog *pg)
{
    if (pg != NULL && --pg->references == 0) {
        mr_catalog_unref(pg->catalog);
        mr_arena_fini(&pg->arena);
        free(pg);
    }
}

static MrStatus version_make(MrServer *server, MrCatalog *catalog, MrPgCatalog **out, MrError *err)
{
    const MrPgHeader *headers;
    uint32_t count = mr_pg_headers(&headers);
    MrPgCatalog *pg = calloc(1, sizeof *pg);
    if (pg == NULL) {
        return mr_error_no_memory(err);
    }
    mr_arena_init(&pg->arena, 0);
    pg->references = 1;
    pg->server = server;
    pg->catalog = mr_catalog_ref(catalog);
    pg->roles_version = server->access.roles == NULL ? 0 : mr_roles_version(server->access.roles);
    pg->made[0] = mr_arena_calloc(&pg->arena, count, sizeof *pg->made[0]);
    pg->made[1] = mr_arena_calloc(&pg->arena, count, sizeof *pg->made[1]);
    MrStatus status = pg->made[0] == NULL || pg->made[1] == NULL ? mr_error_no_memory(err) : MR_OK;
    if (status == MR_OK) {
        status = classes_make(pg, err);
    }
    if (status == MR_OK) {
        status = roles_make(pg, err);
    }
    if (status == MR_OK) {
        status = mr_pg_functions_make(pg, err);
    }
    if (status != MR_OK) {
        mr_pg_catalog_unref(pg);
        return status;
    }
    *out = pg;
    return MR_OK;
}

/* The version of that catalogue: the server keeps the last one. */
static MrStatus version_of(MrServer *server, MrCatalog *catalog, MrPgCatalog **out, MrError *err)
{
    MrPgCatalog *pg = server->pg_catalog;
    uint64_t roles = server->access.roles == NULL ? 0 : mr_roles_version(server->access.roles);
    if (pg == NULL || pg->catalog != catalog || pg->roles_version != roles) {
        MR_TRY(version_make(server, catalog, &pg, err));
        mr_pg_catalog_unref(server->pg_catalog);
        server->pg_catalog = pg;
    }
    *out = pg;
    return MR_OK;
}

MrStatus mr_pg_names_prepare(const MrNames *given, MrError *err)
{
    MrPgNames *names = (MrPgNames *)(uintptr_t)given; /* made below, in the statement's memory */
    MrPgCatalog *pg;
    if (names->pg != NULL) {
        return MR_OK;
    }
    MR_TRY(version_of(names->server, names->catalog, &pg, err));
    if (names->memory->pg_catalog != pg) {
        pg->references++;
        mr_pg_catalog_unref(names->memory->pg_catalog);
        names->memory->pg_catalog = pg;
    }
    names->pg = pg;
    return MR_OK;
}

MrStatus mr_pg_names_create(MrSession *session, MrCatalog *catalog, MrStatementMemory *memory,
                            const MrNames **out, MrError *err)
{
    MrPgNames *names;
    MR_NEW(&memory->arena, names, err);
    *names = (MrPgNames){
        .base = mr_pg_names_class,
        .server = session->server,
        .catalog = catalog,
        .memory = memory,
        .session = session,
        .thread = pthread_self(),
        .number = session->number,
        .user = session->user == NULL ? "" : session->user,
        .database = session->database == NULL ? "" : session->database,
        .queries_are_views = mr_settings_int(session->settings, MR_SET_CATALOG_MATVIEW_KIND) == 1,
    };
    mr_session_search_path(session, &names->path);
    *out = &names->base;
    return MR_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static MrStatus rows_make(const MrPgNames *names, const MrPgHeader *header, MrArena *arena,
                          MrPgBlocks *out, MrError *err)
{
    MrRows rows;
    mr_rows_init(&rows, arena, &header->schema);
    if (header->fill != NULL) {
        header->fill(names, &rows);
    }
    return mr_rows_finish(&rows, &out->blocks, &out->count, err);
}

bool mr_pg_catalog_has(const char *schema_name)
{
    return strcmp(schema_name, "pg_catalog") == 0 || strcmp(schema_name, "information_schema") == 0;
}

MrStatus mr_pg_catalog_fill(MrServer *server, const MrNames *given, const char *schema_name,
                            const char *name, const MrRelationWish *wish, MrArena *arena,
                            const MrBlock *const **blocks, uint32_t *block_count, MrError *err)
{
    const MrPgHeader *headers, *header = mr_pg_header_find(schema_name, name);
    const MrPgNames *names = mr_pg_names(given);
    MrPgNames nobody = {
        .base = mr_pg_names_class, .user = "", .database = "", .path = mr_search_path_usual
    };
    MrPgBlocks fresh = { 0 };
    (void)mr_pg_headers(&headers);
    if (header == NULL) {
        return mr_error_set(err, MR_ERR_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist",
                            schema_name, name);
    }
    if (names == NULL) {
        MR_TRY(version_of(server, server->catalog, &nobody.pg, err));
        names = &nobody;
    }
    MR_TRY(mr_pg_names_prepare(&names->base, err));
    MrPgBlocks *made = &names->pg->made[names->queries_are_views][header - headers];
    if (header->is_live) {
        made = &fresh;
    }
    if (!made->is_made) {
        MR_TRY(rows_make(names, header, header->is_live ? arena : &names->pg->arena, made, err));
        made->is_made = true;
    }
    if (wish->look_up != NULL && !header->is_live) {
        return mr_pg_blocks_look_up(names->pg, made, wish->look_up_column, wish->look_up, arena,
                                    blocks, block_count, err);
    }
    *blocks = made->blocks;
    *block_count = made->count;
    return MR_OK;
}

MrStatus mr_pg_catalog_register(MrCatalog *catalog, MrError *err)
{
    const MrPgHeader *headers;
    uint32_t count = mr_pg_headers(&headers);
    mr_pg_functions_register();
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_catalog_register_virtual(catalog, headers[i].number, headers[i].schema_name,
                                           headers[i].name, &headers[i].schema, err));
    }
    return MR_OK;
}

void mr_pg_rows_list(MrRows *rows, MrTypeId type, const int64_t *values, uint32_t count)
{
    MrTypeId array = mr_type_of_vector(type), element = mr_type_element(array);
    size_t width = mr_type_info(element)->width;
    MrArrayShape shape = mr_array_list(count);
    MrText text;
    char *cells = mr_arena_calloc(rows->arena, (size_t)count + 1, width);
    if (cells == NULL) {
        mr_error_no_memory(&rows->error);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        MrDatum datum = { .type = mr_type(element), .integer = values[i] };
        mr_datum_store(&datum, cells + i * width);
    }
    shape.lower[0] = array == type ? shape.lower[0] : 0;
    if (mr_array_make(rows->arena, element, &shape, cells, NULL, &text, &rows->error) == MR_OK) {
        mr_rows_cell(rows, type, &text);
    }
}

void mr_pg_rows_texts(MrRows *rows, const char *const *texts, uint32_t count)
{
    const MrArrayShape shape = mr_array_list(count);
    MrText *cells = mr_arena_calloc(rows->arena, (size_t)count + 1, sizeof *cells);
    MrText value;
    if (cells == NULL) {
        mr_error_no_memory(&rows->error);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *text = texts[i] == NULL ? "" : texts[i];
        cells[i] = mr_text_make(text, (uint32_t)strlen(text));
    }
    if (mr_array_make(rows->arena, MR_TYPE_TEXT, &shape, cells, NULL, &value, &rows->error) ==
        MR_OK) {
        mr_rows_cell(rows, MR_TYPE_TEXT_ARRAY, &value);
    }
}
