/*
 * server/ddl_drop.c - DROP, with what depends on the victims.
 *
 * A victim with a table in a target: record "dropping" (it decides) → table goes → record DROP.
 * A kill between the two leaves state "dropping": the next start drops it again, which finds the
 * table or finds it gone.
 */
#include "common/fault.h"
#include "common/logging.h"
#include "server/ddl_internal.h"
#include "server/ingest.h"
#include "server/log_thread.h"
#include "server/ranges.h"
#include "server/scheduler.h"
#include "server/tables.h"

enum { VICTIMS_MAX = 10000, LISTED_MAX = 6 /* of what is in the way */ };
const char mr_ddl_dropping[] = "dropping";

MrRelationKind mr_ddl_relation_kind(MrObjectKind object)
{
    switch (object) {
    case MR_OBJECT_VIEW: return MR_RELATION_VIEW;
    case MR_OBJECT_MATERIALIZED_VIEW: return MR_RELATION_QUERY;
    case MR_OBJECT_TABLE: return MR_RELATION_TABLE;
    case MR_OBJECT_SINK: return MR_RELATION_SINK;
    default: return MR_RELATION_STREAM;
    }
}

bool mr_ddl_is_of_kind(const MrRelation *relation, MrObjectKind object)
{
    return relation->kind == mr_ddl_relation_kind(object) ||
           (object == MR_OBJECT_TABLE && relation->kind == MR_RELATION_STREAM);
}

static bool is_listed(const MrDdl *ddl, const MrRelation *relation)
{
    for (uint32_t v = 0; v < ddl->victim_count; v++) {
        if (ddl->victims[v] == relation) {
            return true;
        }
    }
    return false;
}

static MrStatus add_victim(MrDdl *ddl, const MrRelation *relation)
{
    if (is_listed(ddl, relation)) {
        return MR_OK;
    }
    if (ddl->victim_count == VICTIMS_MAX) {
        return mr_error_set(&ddl->err, MR_ERR_PROGRAM_LIMIT, "one DROP can take at most %d objects",
                            VICTIMS_MAX);
    }
    ddl->victims[ddl->victim_count++] = relation;
    return MR_OK;
}

static const char *kind_name(const MrRelation *relation)
{
    switch (relation->kind) {
    case MR_RELATION_STREAM: return "stream";
    case MR_RELATION_VIEW: return "view";
    case MR_RELATION_QUERY: return "materialized view";
    case MR_RELATION_TABLE: return "table";
    case MR_RELATION_SINK: return "sink";
    case MR_RELATION_VIRTUAL: break;
    }
    return "relation";
}

/* One line per dependent, as PostgreSQL lists them. */
void mr_ddl_tell_dependents(MrDdl *ddl, const MrDependents *dependents)
{
    MrBuilder lines;
    mr_builder_init(&lines, 0);
    for (uint32_t d = dependents->count, line = 0; d > 0 && line < LISTED_MAX; d--, line++) {
        const MrDependent *one = &dependents->items[d - 1];
        mr_builder_append_format(&lines, "%s%s %s depends on %s %s", line > 0 ? "\n" : "",
                                 kind_name(one->relation), one->relation->name, kind_name(one->on),
                                 one->on->name);
    }
    if (dependents->count > LISTED_MAX) {
        mr_builder_append_format(&lines, "\nand %u other objects", dependents->count - LISTED_MAX);
    }
    const char *text = mr_builder_text(&lines);
    mr_error_detail(&ddl->err, "%s", text == NULL ? "" : text);
    mr_builder_fini(&lines);
}

static MrStatus refuse_with_dependents(MrDdl *ddl, const MrRelation *relation,
                                       const MrDependents *dependents)
{
    mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                 "cannot drop %s %s because other objects depend on it", kind_name(relation),
                 relation->name);
    mr_ddl_tell_dependents(ddl, dependents);
    return mr_error_hint(&ddl->err, "Use DROP ... CASCADE to drop the dependent objects too.");
}

static void tell_cascade(MrDdl *ddl, const MrDependents *dependents)
{
    if (dependents->count == 1) {
        mr_ddl_notice(ddl, "00000", "drop cascades to %s %s",
                      kind_name(dependents->items[0].relation),
                      dependents->items[0].relation->name);
    } else if (dependents->count > 1) {
        mr_ddl_notice(ddl, "00000", "drop cascades to %u other objects", dependents->count);
    }
}

/* Dependents first, each before what it reads.  Those that the statement names too may go. */
static MrStatus add_with_dependents(MrDdl *ddl, const MrRelation *relation, bool cascade,
                                    const MrRelation *const *named, uint32_t named_count)
{
    MrDependents dependents, others = { .count = 0 };
    MR_TRY(mr_ddl_dependents(ddl, relation, &dependents));
    MR_NEW_ARRAY(&ddl->memory->arena, others.items, dependents.count + 1, &ddl->err);
    for (uint32_t d = 0; d < dependents.count; d++) {
        bool is_named = is_listed(ddl, dependents.items[d].relation);
        for (uint32_t n = 0; n < named_count; n++) {
            is_named |= named[n] == dependents.items[d].relation;
        }
        if (!is_named) {
            others.items[others.count++] = dependents.items[d];
        }
    }
    if (!cascade && others.count > 0) {
        return refuse_with_dependents(ddl, relation, &others);
    }
    tell_cascade(ddl, &others);
    for (uint32_t d = 0; d < dependents.count; d++) {
        MR_TRY(add_victim(ddl, dependents.items[d].relation));
    }
    return add_victim(ddl, relation);
}

/* *out NULL: IF EXISTS, and it does not. */
static MrStatus find_victim(MrDdl *ddl, const MrAstDrop *statement, const MrAstNameNode *node,
                            const MrRelation **out)
{
    const char *kind = mr_object_kind_name(statement->object);
    const MrRelation *relation = mr_catalog_look_up(ddl->catalog, &node->name);
    *out = relation;
    if (relation == NULL && statement->if_exists) {
        mr_ddl_notice(ddl, "00000", "%s \"%s\" does not exist, skipping", kind, node->name.name);
        return MR_OK;
    }
    if (relation == NULL) {
        mr_error_set(&ddl->err, MR_ERR_UNDEFINED_TABLE, "%s \"%s\" does not exist", kind,
                     node->name.name);
        return mr_error_at(&ddl->err, node->name.position);
    }
    if (!mr_ddl_is_of_kind(relation, statement->object)) {
        mr_error_set(&ddl->err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a %s", relation->name,
                     kind);
        return mr_error_at(&ddl->err, node->name.position);
    }
    return MR_OK;
}

static MrStatus find_victims(MrDdl *ddl, const MrAstDrop *statement)
{
    const MrRelation **named;
    uint32_t named_count = 0;
    MR_NEW_ARRAY(&ddl->memory->arena, ddl->victims, VICTIMS_MAX, &ddl->err);
    MR_NEW_ARRAY(&ddl->memory->arena, named, statement->names.count, &ddl->err);
    for (uint32_t n = 0; n < statement->names.count; n++) {
        MR_TRY(find_victim(ddl, statement, (const MrAstNameNode *)statement->names.items[n],
                           &named[named_count]));
        named_count += named[named_count] != NULL;
    }
    for (uint32_t n = 0; n < named_count; n++) {
        MR_TRY(add_with_dependents(ddl, named[n], statement->cascade, named, named_count));
    }
    return MR_OK;
}

static void drop_next(MrDdl *ddl);

static MrStatus find_object(MrDdl *ddl, const char *name);

static void victim_recorded(MrDdl *ddl)
{
    const MrRelation *victim = ddl->victims[ddl->victim_at];
    ddl->status = mr_ddl_publish(ddl->server, mr_ddl_forget_relation, victim, &ddl->err);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    if (victim->kind == MR_RELATION_TABLE) {
        mr_tables_remove(ddl->server, victim->stream->id);
    }
    if (victim->stream != NULL) {
        mr_log_forget_stream(ddl->server->log, victim->stream->id);
        mr_log_thread_wake(ddl->server); /* forgetting is a record too */
    }
    ddl->victim_at++;
    drop_next(ddl);
}

static void record_victim(MrDdl *ddl)
{
    const MrRelation *victim = ddl->victims[ddl->victim_at];
    ddl->status = find_object(ddl, victim->name);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    ddl->record.op = MR_DDL_DROP;
    mr_ddl_record(ddl, victim_recorded);
}

static void taken_back(MrDdl *ddl)
{
    ddl->status = ddl->err.status;
    mr_ddl_finish(ddl);
}

/* The target would not: the query runs on in the state that it had.  One that an earlier DROP has
 * decided on does not run; DROP said again, or the next start, tries again. */
static void take_back(MrDdl *ddl)
{
    MrError cause = ddl->err;
    if (strcmp(ddl->state_before, mr_ddl_dropping) == 0) {
        mr_log_error(MR_LOG_WARNING, "ddl.drop", &ddl->err);
        mr_ddl_finish(ddl);
        return;
    }
    ddl->record.object.state = ddl->state_before;
    mr_ddl_record(ddl, taken_back);
    ddl->err = cause;
}

static void table_dropped(MrDdl *ddl)
{
    if (ddl->status != MR_OK) {
        take_back(ddl);
        return;
    }
    record_victim(ddl);
}

bool mr_ddl_drop_result(MrDdl *ddl, MrTarget *target, const char *leaves)
{
    const MrStandingQuery *standing = ddl->victims[ddl->victim_at]->standing;
    MrSink *sink;
    ddl->status = mr_target_sink(target, &sink, &ddl->err);
    if (ddl->status == MR_OK) {
        ddl->status = sink->sink_class->drop_table(sink, standing->id, &ddl->table, &ddl->err);
    }
    if (ddl->status != MR_OK && !ddl->forces) {
        mr_error_hint(&ddl->err, "DROP … FORCE forgets the query and leaves its %s.", leaves);
        return false;
    }
    ddl->status = MR_OK;
    return true;
}

/* The table and its progress row go in one transaction, then nobody commits for the query any
 * more. */
static void drop_table_job(MrDdl *ddl, MrTarget *target)
{
    const MrStandingQuery *standing = ddl->victims[ddl->victim_at]->standing;
    if (!mr_ddl_drop_result(ddl, target, "table as it is")) {
        return;
    }
    mr_fault_point("ddl.after_drop_table");
    mr_scheduler_remove(ddl->server, standing->id, target, true);
}

static void drop_decided(MrDdl *ddl)
{
    if (ddl->victims[ddl->victim_at]->standing->by_flink) {
        mr_ddl_drop_flink(ddl, table_dropped);
    } else {
        mr_ddl_on_target(ddl, drop_table_job, table_dropped);
    }
}

typedef struct StateSearch {
    uint32_t id;
    MrArena *arena;
    const char *state;
} StateSearch;

static MrStatus match_state(void *context, const MrCatalogObject *object, MrError *err)
{
    StateSearch *search = context;
    if (object->id == search->id) {
        search->state = mr_arena_strdup(search->arena, object->state == NULL ? "" : object->state);
        return search->state == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    return MR_OK;
}

static MrStatus prepare_decision(MrDdl *ddl, const MrRelation *victim)
{
    StateSearch search = { .arena = &ddl->memory->arena, .state = "running" };
    ddl->table = mr_targets_table(victim);
    MR_TRY(mr_targets_find(ddl->server, ddl->catalog, victim->standing->connection, &ddl->thread,
                           &ddl->err));
    MR_TRY(find_object(ddl, victim->name));
    search.id = ddl->record.object.id;
    MR_TRY(mr_catalog_store_each(ddl->server->store, match_state, &search, &ddl->err));
    ddl->state_before = search.state;
    ddl->record.op = MR_DDL_STATE;
    ddl->record.object.state = mr_ddl_dropping;
    return MR_OK;
}

static void drop_next(MrDdl *ddl)
{
    if (ddl->victim_at == ddl->victim_count) {
        (ddl->dropped != NULL ? ddl->dropped : mr_ddl_finish)(ddl);
        return;
    }
    const MrRelation *victim = ddl->victims[ddl->victim_at];
    if (victim->standing != NULL) {
        ddl->status = prepare_decision(ddl, victim);
        if (ddl->status != MR_OK) {
            mr_ddl_finish(ddl);
            return;
        }
        mr_ddl_record(ddl, drop_decided);
        return;
    }
    if (victim->kind == MR_RELATION_STREAM) {
        mr_feeds_stop(ddl->server, victim->stream->id);
        mr_ranges_forget(ddl->server, victim->stream->id);
        mr_ingest_rejected_forget(victim->name);
    }
    record_victim(ddl);
}

void mr_ddl_drop_cascaded(MrDdl *ddl, void (*next)(MrDdl *ddl))
{
    MrDependent first = { .relation = ddl->cascaded[0] };
    tell_cascade(ddl, &(MrDependents){ .items = &first, .count = ddl->cascaded_count });
    ddl->victims = ddl->cascaded;
    ddl->victim_count = ddl->cascaded_count;
    ddl->victim_at = 0;
    ddl->dropped = next;
    drop_next(ddl);
}

/* ---- connections, secrets -------------------------------------------------------------------- */

/* What writes to the connection, and what reads that: in the order in which it can go. */
static MrStatus find_writers(MrDdl *ddl, const char *name)
{
    MR_NEW_ARRAY(&ddl->memory->arena, ddl->victims, VICTIMS_MAX, &ddl->err);
    for (uint32_t r = 0; r < mr_catalog_relation_count(ddl->catalog); r++) {
        MrDependents dependents;
        const MrRelation *relation = mr_catalog_relation(ddl->catalog, r);
        if (relation->standing == NULL || strcmp(relation->standing->connection, name) != 0) {
            continue;
        }
        MR_TRY(mr_ddl_dependents(ddl, relation, &dependents));
        for (uint32_t d = 0; d < dependents.count; d++) {
            MR_TRY(add_victim(ddl, dependents.items[d].relation));
        }
        MR_TRY(add_victim(ddl, relation));
    }
    return MR_OK;
}

static MrStatus refuse_with_writers(MrDdl *ddl, const char *name)
{
    MrBuilder lines;
    mr_builder_init(&lines, 0);
    for (uint32_t v = ddl->victim_count, line = 0; v > 0 && line < LISTED_MAX; v--) {
        const MrRelation *writer = ddl->victims[v - 1];
        if (strcmp(writer->standing == NULL ? "" : writer->standing->connection, name) == 0) {
            mr_builder_append_format(&lines, "%s%s %s depends on connection %s",
                                     line++ > 0 ? "\n" : "", kind_name(writer), writer->name, name);
        }
    }
    if (ddl->victim_count > LISTED_MAX) {
        mr_builder_append_format(&lines, "\nand %u other objects", ddl->victim_count - LISTED_MAX);
    }
    const char *text = mr_builder_text(&lines);
    mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                 "cannot drop connection %s because other objects depend on it", name);
    mr_error_detail(&ddl->err, "%s", text == NULL ? "" : text);
    mr_builder_fini(&lines);
    return mr_error_hint(&ddl->err, "Use DROP ... CASCADE to drop the dependent objects too.");
}

static MrStatus find_connection_victims(MrDdl *ddl, const char *name, bool cascade)
{
    if (strcmp(name, "main") == 0) {
        return mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                            "connection \"main\" is the server's own and cannot be dropped");
    }
    MR_TRY(find_writers(ddl, name));
    if (ddl->victim_count == 0) {
        return MR_OK;
    }
    if (!cascade) {
        return refuse_with_writers(ddl, name);
    }
    MrDependent first = { .relation = ddl->victims[0] };
    tell_cascade(ddl, &(MrDependents){ .items = &first, .count = ddl->victim_count });
    return MR_OK;
}

static MrStatus check_secret_unused(MrDdl *ddl, const char *name)
{
    for (uint32_t c = 0; c < mr_catalog_connection_count(ddl->catalog); c++) {
        const MrConnection *connection = mr_catalog_connection_at(ddl->catalog, c);
        if (connection->secret != NULL && strcmp(connection->secret, name) == 0) {
            mr_error_set(&ddl->err, MR_ERR_DEPENDENT_OBJECTS,
                         "cannot drop secret \"%s\": connection \"%s\" uses it", name,
                         connection->name);
            return mr_error_hint(&ddl->err, "Drop the connection first.");
        }
    }
    return MR_OK;
}

static const char *only_name(const MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    return ((const MrAstNameNode *)statement->names.items[0])->name.name;
}

static MrStatus forget_connection(MrCatalog *next, const void *name, MrError *err)
{
    return mr_catalog_remove_connection(next, name, err);
}

static void connection_dropped(MrDdl *ddl)
{
    mr_targets_stop(ddl->server, only_name(ddl));
    ddl->status = mr_ddl_publish(ddl->server, forget_connection, only_name(ddl), &ddl->err);
    mr_ddl_finish(ddl);
}

static void drop_connection(MrDdl *ddl)
{
    ddl->status = mr_ddl_find_stored(ddl, only_name(ddl), true);
    if (ddl->status != MR_OK) {
        mr_ddl_finish(ddl);
        return;
    }
    ddl->record.op = MR_DDL_DROP;
    mr_ddl_record(ddl, connection_dropped);
}

static MrStatus forget_secret(MrCatalog *next, const void *name, MrError *err)
{
    return mr_catalog_remove_secret(next, name, err);
}

static void secret_dropped(MrDdl *ddl)
{
    ddl->status = mr_ddl_publish(ddl->server, forget_secret, only_name(ddl), &ddl->err);
    mr_ddl_finish(ddl);
}

typedef struct ObjectSearch {
    const char *name;
    bool is_connection;
    uint32_t id;
} ObjectSearch;

static MrStatus match_object(void *context, const MrCatalogObject *object, MrError *err)
{
    ObjectSearch *search = context;
    (void)err;
    if ((object->kind == MR_CATALOG_CONNECTION) == search->is_connection &&
        strcmp(object->name, search->name) == 0) {
        search->id = object->id;
    }
    return MR_OK;
}

MrStatus mr_ddl_stored_id(MrDdl *ddl, const char *name, bool is_connection, uint32_t *out)
{
    ObjectSearch search = { .name = name, .is_connection = is_connection };
    MR_TRY(mr_catalog_store_each(ddl->server->store, match_object, &search, &ddl->err));
    if (search.id == 0) {
        return mr_error_set(&ddl->err, MR_ERR_INTERNAL, "\"%s\" is not in the catalogue store",
                            name);
    }
    *out = search.id;
    return MR_OK;
}

MrStatus mr_ddl_find_stored(MrDdl *ddl, const char *name, bool is_connection)
{
    uint32_t id;
    MR_TRY(mr_ddl_stored_id(ddl, name, is_connection, &id));
    ddl->record.object = (MrCatalogObject){ .id = id, .name = name };
    return MR_OK;
}

static MrStatus find_object(MrDdl *ddl, const char *name)
{
    return mr_ddl_find_stored(ddl, name, false);
}

/* Connections and secrets: one at a time. */
static void drop_single(MrDdl *ddl, const MrAstDrop *statement)
{
    const char *name = only_name(ddl);
    bool is_secret = statement->object == MR_OBJECT_SECRET;
    bool is_there = is_secret ? mr_catalog_has_secret(ddl->catalog, name)
                              : mr_catalog_connection(ddl->catalog, name) != NULL;
    const char *kind = mr_object_kind_name(statement->object);
    if (statement->names.count != 1) {
        ddl->status =
            mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "DROP takes one %s at a time", kind);
    } else if (!is_there && statement->if_exists) {
        mr_ddl_notice(ddl, "00000", "%s \"%s\" does not exist, skipping", kind, name);
        mr_ddl_finish(ddl);
        return;
    } else if (!is_there) {
        ddl->status = mr_error_set(&ddl->err, MR_ERR_UNDEFINED_OBJECT, "%s \"%s\" does not exist",
                                   kind, name);
    } else if (is_secret) {
        ddl->status = check_secret_unused(ddl, name);
        if (ddl->status == MR_OK) {
            ddl->record = (MrDdlRecord){ .op = MR_DDL_DROP_SECRET, .object = { .name = name } };
            mr_ddl_record(ddl, secret_dropped);
            return;
        }
    } else {
        ddl->status = find_connection_victims(ddl, name, statement->cascade);
        if (ddl->status == MR_OK) {
            ddl->dropped = drop_connection;
            drop_next(ddl);
            return;
        }
    }
    mr_ddl_finish(ddl);
}

void mr_ddl_drop(MrDdl *ddl)
{
    const MrAstDrop *statement = (const MrAstDrop *)ddl->request.statement;
    ddl->forces = statement->force;
    switch (statement->object) {
    case MR_OBJECT_CONNECTION:
    case MR_OBJECT_SECRET: drop_single(ddl, statement); return;
    case MR_OBJECT_FUNCTION: mr_ddl_drop_function(ddl); return;
    case MR_OBJECT_INDEX: mr_ddl_drop_index(ddl); return;
    case MR_OBJECT_STREAM:
    case MR_OBJECT_TABLE:
    case MR_OBJECT_SOURCE:
    case MR_OBJECT_VIEW:
    case MR_OBJECT_MATERIALIZED_VIEW:
    case MR_OBJECT_SINK:
        ddl->status = find_victims(ddl, statement);
        if (ddl->status != MR_OK) {
            mr_ddl_finish(ddl);
            return;
        }
        drop_next(ddl);
        return;
    default:
        ddl->status =
            mr_error_set(&ddl->err, MR_ERR_UNSUPPORTED, "there are no objects of this kind yet");
        mr_ddl_finish(ddl);
    }
}
