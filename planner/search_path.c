/*
 * planner/search_path.c - names without a schema, found on the search path.
 */
#include "planner/search_path.h"

#include <string.h>

const MrSearchPath mr_search_path_usual = { .schemas = { "pg_catalog", "public" }, .count = 2 };

/* ---- The path -------------------------------------------------------------------------------- */

bool mr_search_path_has(const MrSearchPath *path, const char *schema_name)
{
    for (uint32_t i = 0; i < path->count; i++) {
        if (strcmp(path->schemas[i], schema_name) == 0) {
            return true;
        }
    }
    return false;
}

void mr_search_path_add(MrSearchPath *path, const char *schema_name)
{
    if (path->count + 1 < MR_SEARCH_PATH_MAX && !mr_search_path_has(path, schema_name)) {
        path->schemas[path->count++] = schema_name;
        path->catalog_is_named |= strcmp(schema_name, "pg_catalog") == 0;
    }
}

void mr_search_path_finish(MrSearchPath *path)
{
    if (!path->catalog_is_named) {
        memmove(&path->schemas[1], &path->schemas[0], path->count * sizeof path->schemas[0]);
        path->schemas[0] = "pg_catalog";
        path->count++;
    }
}

const char *mr_search_path_first(const MrSearchPath *path)
{
    const uint32_t first = path->catalog_is_named ? 0 : 1;
    return first < path->count ? path->schemas[first] : NULL;
}

static bool is_usual(const MrSearchPath *path)
{
    return path->count == 2 && strcmp(path->schemas[0], "pg_catalog") == 0 &&
           strcmp(path->schemas[1], "public") == 0;
}

static const MrRelation *find_in(const MrSearchPath *path, const MrCatalog *catalog,
                                 const char *name, const char **schema_name)
{
    for (uint32_t i = 0; i < path->count; i++) {
        const MrName full = { .schema = path->schemas[i], .name = name };
        const MrRelation *found = mr_catalog_look_up(catalog, &full);
        if (found != NULL) {
            *schema_name = path->schemas[i];
            return found;
        }
    }
    return NULL;
}

const MrRelation *mr_search_path_find(const MrSearchPath *path, const MrCatalog *catalog,
                                      const char *name)
{
    const char *schema_name;
    return find_in(path, catalog, name, &schema_name);
}

/* ---- Names of the tree ----------------------------------------------------------------------- */

/* WITH queries hide relations of their names. */
typedef struct Hiding {
    const MrNodeList *with;
    uint32_t count; /* of them, from the first */
    const struct Hiding *outer;
} Hiding;

typedef struct Applying {
    const MrSearchPath *path;
    const MrCatalog *catalog;
    const Hiding *hiding;
} Applying;

static bool is_with_query(const Applying *applying, const char *name)
{
    for (const Hiding *hiding = applying->hiding; hiding != NULL; hiding = hiding->outer) {
        for (uint32_t i = 0; i < hiding->count; i++) {
            if (strcmp(MR_AST_AS(const MrAstCte, hiding->with->items[i])->name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void apply_to_relation(const Applying *applying, MrName *name)
{
    const char *schema_name = NULL;
    if (name->name == NULL || name->schema != NULL || name->connection != NULL) {
        return;
    }
    const MrRelation *usual = mr_catalog_look_up(applying->catalog, name);
    const MrRelation *found = find_in(applying->path, applying->catalog, name->name, &schema_name);
    if (found == NULL) {
        name->hidden = usual != NULL;
    } else if (found != usual) {
        name->schema = schema_name;
    }
}

static void apply_to_names(const Applying *applying, const MrNodeList *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        apply_to_relation(applying, &MR_AST_AS(MrAstNameNode, names->items[i])->name);
    }
}

/* Functions in SQL are in public, all others in pg_catalog. */
static void apply_to_function(const Applying *applying, MrName *name)
{
    name->hidden = name->schema == NULL && !mr_search_path_has(applying->path, "public") &&
                   mr_catalog_function(applying->catalog, name->name) != NULL;
}

/* Indexes are in public; keys are among them, as DROP refuses them by name. */
static void apply_to_index(const Applying *applying, MrName *name)
{
    name->hidden = name->schema == NULL && !mr_search_path_has(applying->path, "public");
}

static void apply_to_drop(const Applying *applying, MrAstDrop *drop)
{
    if (drop->object == MR_OBJECT_FUNCTION) {
        for (uint32_t i = 0; i < drop->names.count; i++) {
            apply_to_function(applying, &MR_AST_AS(MrAstNameNode, drop->names.items[i])->name);
        }
    } else if (drop->object == MR_OBJECT_INDEX) {
        for (uint32_t i = 0; i < drop->names.count; i++) {
            apply_to_index(applying, &MR_AST_AS(MrAstNameNode, drop->names.items[i])->name);
        }
    } else if (drop->object != MR_OBJECT_CONNECTION && drop->object != MR_OBJECT_SECRET) {
        apply_to_names(applying, &drop->names);
    }
}

static void apply_to_alter(const Applying *applying, MrAstAlter *alter)
{
    if (alter->object == MR_OBJECT_INDEX) {
        apply_to_index(applying, &alter->name);
    } else {
        apply_to_relation(applying, &alter->name);
    }
}

/* What the node itself names. */
static void apply_to_node(const Applying *applying, MrNode *node)
{
#define RELATION(type, field) apply_to_relation(applying, &MR_AST_AS(type, node)->field)
    switch (node->kind) {
    case MR_AST_FROM_TABLE: {
        MrName *name = &MR_AST_AS(MrAstFromTable, node)->name;
        if (!is_with_query(applying, name->name)) {
            apply_to_relation(applying, name);
        }
        break;
    }
    case MR_AST_CALL: apply_to_function(applying, &MR_AST_AS(MrAstCall, node)->name); break;
    case MR_AST_INSERT: RELATION(MrAstInsert, table); break;
    case MR_AST_UPDATE: RELATION(MrAstUpdate, table); break;
    case MR_AST_DELETE: RELATION(MrAstDelete, table); break;
    case MR_AST_TRUNCATE: apply_to_names(applying, &MR_AST_AS(MrAstTruncate, node)->names); break;
    case MR_AST_COPY: RELATION(MrAstCopy, table); break;
    case MR_AST_SUBSCRIBE: RELATION(MrAstSubscribe, name); break;
    case MR_AST_EXPLAIN: RELATION(MrAstExplain, view); break;
    case MR_AST_EXPLAIN_PROGRESS: RELATION(MrAstExplainProgress, name); break;
    case MR_AST_SHOW: RELATION(MrAstShow, name); break;
    case MR_AST_DESCRIBE: RELATION(MrAstDescribe, name); break;
    case MR_AST_ADVANCE_WATERMARK: RELATION(MrAstAdvanceWatermark, stream); break;
    case MR_AST_CREATE_SINK: RELATION(MrAstCreateSink, from); break;
    case MR_AST_CREATE_INDEX: RELATION(MrAstCreateIndex, on); break;
    case MR_AST_ALTER: apply_to_alter(applying, MR_AST_AS(MrAstAlter, node)); break;
    case MR_AST_REFRESH: RELATION(MrAstRefresh, name); break;
    case MR_AST_COMMENT: RELATION(MrAstComment, name); break;
    case MR_AST_DROP: apply_to_drop(applying, MR_AST_AS(MrAstDrop, node)); break;
    default: break;
    }
#undef RELATION
}

static const MrNodeList *with_of(const MrNode *node, bool *is_recursive)
{
#define WITH(type)                                               \
    *is_recursive = MR_AST_AS(const type, node)->with_recursive; \
    return &MR_AST_AS(const type, node)->with
    switch (node->kind) {
    case MR_AST_QUERY: WITH(MrAstQuery);
    case MR_AST_INSERT: WITH(MrAstInsert);
    case MR_AST_UPDATE: WITH(MrAstUpdate);
    case MR_AST_DELETE: WITH(MrAstDelete);
    default: return NULL;
    }
#undef WITH
}

static bool apply_to_tree(MrNode *node, void *context)
{
    Applying *applying = context;
    const Hiding *outer = applying->hiding;
    bool is_recursive = false;
    const MrNodeList *with = with_of(node, &is_recursive);
    Hiding hiding = { .with = with, .outer = outer };
    if (node->kind == MR_AST_PREPARE || node->kind == MR_AST_CTE) {
        return true; /* a CTE was visited below, seeing what it may see */
    }
    apply_to_node(applying, node);
    if (with == NULL || with->count == 0) {
        return mr_ast_visit_children(node, apply_to_tree, applying);
    }
    applying->hiding = &hiding;
    for (uint32_t i = 0; i < with->count; i++) { /* one sees those before it, RECURSIVE all */
        hiding.count = is_recursive ? with->count : i;
        mr_ast_visit_children(with->items[i], apply_to_tree, applying);
    }
    hiding.count = with->count;
    mr_ast_visit_children(node, apply_to_tree, applying);
    applying->hiding = outer;
    return true;
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

/* NULL: it makes nothing that has a schema, or says itself what it thinks of it (a stream, table
 * or function of another schema, a result in another connection). */
static MrName *created(MrNode *node, bool *may_be_elsewhere)
{
    *may_be_elsewhere = false;
    switch (node->kind) {
    case MR_AST_CREATE_STREAM: return &MR_AST_AS(MrAstCreateStream, node)->name;
    case MR_AST_CREATE_TABLE_AS: return &MR_AST_AS(MrAstCreateTableAs, node)->name;
    case MR_AST_CREATE_VIEW:
        *may_be_elsewhere = MR_AST_AS(MrAstCreateView, node)->materialized;
        return &MR_AST_AS(MrAstCreateView, node)->name;
    case MR_AST_CREATE_SINK: return &MR_AST_AS(MrAstCreateSink, node)->name;
    case MR_AST_CREATE_FUNCTION: return &MR_AST_AS(MrAstCreateFunction, node)->name;
    default: return NULL;
    }
}

static bool is_of_the_system(const char *schema_name)
{
    return strcmp(schema_name, "pg_catalog") == 0 || strcmp(schema_name, "millrace") == 0 ||
           strcmp(schema_name, "information_schema") == 0;
}

static MrStatus refuse_system_schema(const char *schema_name, const MrName *name, MrError *err)
{
    if (strcmp(schema_name, "pg_catalog") == 0) {
        mr_error_set(err, MR_ERR_INSUFFICIENT_PRIVILEGE,
                     "permission denied to create \"pg_catalog.%s\"", name->name);
        mr_error_detail(err, "System catalog modifications are currently disallowed.");
    } else {
        mr_error_set(err, MR_ERR_INSUFFICIENT_PRIVILEGE, "permission denied for schema %s",
                     schema_name);
    }
    mr_error_at(err, name->position);
    return mr_error_hint(err, "Create it in public.");
}

static MrStatus check_created(const MrSearchPath *path, MrNode *statement, MrError *err)
{
    bool may_be_elsewhere;
    const MrName *name = created(statement, &may_be_elsewhere);
    if (name == NULL || name->connection != NULL) {
        return MR_OK;
    }
    const char *schema_name = name->schema != NULL ? name->schema : mr_search_path_first(path);
    if (schema_name == NULL) {
        mr_error_set(err, MR_ERR_INVALID_SCHEMA_NAME, "no schema has been selected to create in");
        mr_error_at(err, name->position);
        return mr_error_hint(err, "SET search_path = public, or write public.%s.", name->name);
    }
    if (is_of_the_system(schema_name)) {
        return refuse_system_schema(schema_name, name, err);
    }
    if (strcmp(schema_name, "public") != 0 && !may_be_elsewhere) {
        mr_error_set(err, MR_ERR_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema_name);
        mr_error_at(err, name->position);
        return mr_error_hint(err, "Create it in public.");
    }
    return MR_OK;
}

MrStatus mr_search_path_apply(const MrSearchPath *path, const MrCatalog *catalog, MrNode *statement,
                              MrError *err)
{
    Applying applying = { .path = path, .catalog = catalog };
    MR_TRY(check_created(path, statement, err));
    if (!is_usual(path)) {
        (void)apply_to_tree(statement, &applying);
    }
    return MR_OK;
}
