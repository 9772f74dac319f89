/*
 * server/ddl_record.c - a DDL record as bytes of the log, and its way into the catalogue store.
 */
#include "common/fault.h"
#include "common/timezone.h"
#include "server/ddl_internal.h"
#include "storage/state.h"

enum { RECORD_FORMAT = 1 };

static void write_text(MrStateWriter *writer, const char *text)
{
    mr_state_write_bytes(writer, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

MrStatus mr_ddl_encode(const MrDdlRecord *record, MrBuilder *out, MrError *err)
{
    const MrCatalogObject *object = &record->object;
    MrStateWriter writer = { .out = out };
    mr_state_write_u32(&writer, RECORD_FORMAT);
    mr_state_write_u32(&writer, record->op);
    mr_state_write_u32(&writer, record->replaced_id);
    mr_state_write_u32(&writer, object->id);
    mr_state_write_u32(&writer, object->kind);
    write_text(&writer, object->name);
    write_text(&writer, object->sql);
    write_text(&writer, object->settings);
    write_text(&writer, object->options);
    write_text(&writer, object->state);
    mr_state_write_bytes(&writer, object->uuid, sizeof object->uuid);
    mr_state_write_u64(&writer, object->start_sequence);
    mr_state_write_u64(&writer, object->plan_hash);
    mr_state_write_u64(&writer, (uint64_t)object->generation);
    mr_state_write_u32(&writer, record->change_count);
    for (uint32_t c = 0; c < record->change_count; c++) {
        const MrDdlChange *change = &record->changes[c];
        const char *texts[] = { change->name, change->sql, change->settings };
        mr_state_write_u32(&writer, change->id);
        for (uint32_t t = 0; t < 3; t++) {
            mr_state_write_u32(&writer, texts[t] != NULL);
            write_text(&writer, texts[t]);
        }
    }
    return out->failed ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus read_text(MrStateReader *reader, MrArena *arena, const char **out, MrError *err)
{
    const char *data;
    size_t length;
    MR_TRY(mr_state_read_bytes(reader, &data, &length, err));
    *out = mr_arena_strndup(arena, data, length);
    return *out == NULL ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus read_changes(MrStateReader *reader, MrArena *arena, MrDdlRecord *out, MrError *err)
{
    MrDdlChange *changes;
    MR_TRY(mr_state_read_u32(reader, &out->change_count, err));
    if (out->change_count > reader->length) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the log has a damaged DDL record");
    }
    MR_NEW_ARRAY(arena, changes, out->change_count, err);
    for (uint32_t c = 0; c < out->change_count; c++) {
        const char **texts[] = { &changes[c].name, &changes[c].sql, &changes[c].settings };
        MR_TRY(mr_state_read_u32(reader, &changes[c].id, err));
        for (uint32_t t = 0; t < 3; t++) {
            uint32_t is_there;
            MR_TRY(mr_state_read_u32(reader, &is_there, err));
            MR_TRY(read_text(reader, arena, texts[t], err));
            *texts[t] = is_there ? *texts[t] : NULL;
        }
    }
    out->changes = changes;
    return MR_OK;
}

MrStatus mr_ddl_decode(MrString payload, MrArena *arena, MrDdlRecord *out, MrError *err)
{
    MrStateReader reader = { .data = payload.data, .length = payload.length };
    MrCatalogObject *object = &out->object;
    uint32_t format, op, kind;
    const char *uuid;
    size_t length;
    *out = (MrDdlRecord){ .op = MR_DDL_CREATE };
    MR_TRY(mr_state_read_u32(&reader, &format, err));
    if (format != RECORD_FORMAT) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED,
                            "the log has a DDL record of form %u; this server knows %d", format,
                            RECORD_FORMAT);
    }
    MR_TRY(mr_state_read_u32(&reader, &op, err));
    MR_TRY(mr_state_read_u32(&reader, &out->replaced_id, err));
    MR_TRY(mr_state_read_u32(&reader, &object->id, err));
    MR_TRY(mr_state_read_u32(&reader, &kind, err));
    out->op = (MrDdlOp)op;
    object->kind = (MrCatalogKind)kind;
    MR_TRY(read_text(&reader, arena, &object->name, err));
    MR_TRY(read_text(&reader, arena, &object->sql, err));
    MR_TRY(read_text(&reader, arena, &object->settings, err));
    MR_TRY(read_text(&reader, arena, &object->options, err));
    MR_TRY(read_text(&reader, arena, &object->state, err));
    MR_TRY(mr_state_read_bytes(&reader, &uuid, &length, err));
    if (length != sizeof object->uuid) {
        return mr_error_set(err, MR_ERR_CORRUPT, "the log has a damaged DDL record");
    }
    memcpy(object->uuid, uuid, sizeof object->uuid);
    MR_TRY(mr_state_read_u64(&reader, &object->start_sequence, err));
    MR_TRY(mr_state_read_u64(&reader, &object->plan_hash, err));
    uint64_t generation;
    MR_TRY(mr_state_read_u64(&reader, &generation, err));
    object->generation = (int64_t)generation;
    return reader.at == reader.length ? MR_OK : read_changes(&reader, arena, out, err);
}

static MrStatus apply_changes(MrServer *server, const MrDdlRecord *record, MrError *err)
{
    const MrCatalogObject *object = &record->object;
    for (uint32_t c = 0; c < record->change_count; c++) {
        const MrDdlChange *change = &record->changes[c];
        MR_TRY(mr_catalog_store_alter(server->store, change->id, change->name, change->sql,
                                      change->settings, err));
    }
    if (object->state != NULL && object->state[0] != '\0') {
        MR_TRY(mr_catalog_store_set_state(server->store, object->id, object->state, "", err));
        MR_TRY(mr_catalog_store_set_options(server->store, object->id, object->options, err));
    }
    return MR_OK;
}

static MrStatus apply(MrServer *server, const MrDdlRecord *record, MrError *err)
{
    bool found;
    switch (record->op) {
    case MR_DDL_CREATE: return mr_catalog_store_put(server->store, &record->object, err);
    case MR_DDL_DROP: return mr_catalog_store_remove(server->store, record->object.id, err);
    case MR_DDL_REPLACE:
        MR_TRY(mr_catalog_store_remove(server->store, record->replaced_id, err));
        return mr_catalog_store_put(server->store, &record->object, err);
    case MR_DDL_ALTER: return apply_changes(server, record, err);
    case MR_DDL_STATE:
        return mr_catalog_store_set_state(server->store, record->object.id, record->object.state,
                                          "", err);
    case MR_DDL_SECRET: /* its value was stored before, so that it never stands in the log */
        return MR_OK;
    case MR_DDL_DROP_SECRET:
        return mr_catalog_store_remove_secret(server->store, record->object.name, &found, err);
    }
    return mr_error_set(err, MR_ERR_CORRUPT, "the log has a DDL record of unknown kind %d",
                        (int)record->op);
}

MrStatus mr_ddl_store(MrServer *server, uint64_t sequence, const MrDdlRecord *record, MrError *err)
{
    bool is_applied;
    MR_TRY(mr_catalog_store_begin(server->store, sequence, &is_applied, err));
    if (is_applied) {
        return MR_OK;
    }
    MrStatus status = apply(server, record, err);
    if (status == MR_OK) {
        mr_fault_point("ddl.before_store");
        status = mr_catalog_store_commit(server->store, err);
    }
    if (status != MR_OK) {
        mr_catalog_store_rollback(server->store);
    }
    return status;
}

const char *mr_ddl_settings_text(MrArena *arena, const MrTimezone *zone)
{
    return mr_arena_printf(arena, "TimeZone=%s\n",
                           zone == NULL ? "UTC" : mr_timezone_stored_name(zone));
}

static const char statistics_line[] = "\nStatistics=";

const char *mr_ddl_settings_with_statistics(MrArena *arena, const char *settings,
                                            const char *statistics)
{
    return settings == NULL || statistics == NULL
               ? settings
               : mr_arena_printf(arena, "%s%s%s\n", settings, statistics_line + 1, statistics);
}

MrStatus mr_ddl_settings_statistics(MrArena *arena, const char *settings, const char **out,
                                    MrError *err)
{
    const char *found = strstr(settings, statistics_line); /* the time zone's line is before it */
    *out = NULL;
    if (found == NULL) {
        return MR_OK;
    }
    found += strlen(statistics_line);
    *out = mr_arena_strndup(arena, found, strcspn(found, "\n"));
    return *out == NULL ? mr_error_no_memory(err) : MR_OK;
}

const MrTimezone *mr_ddl_zone_named(const char *name)
{
    const MrTimezone *zone;
    return name != NULL && mr_timezone_find_stored(mr_string(name), &zone, NULL) == MR_OK
               ? zone
               : mr_timezone_utc();
}

const MrTimezone *mr_ddl_settings_zone(const char *settings)
{
    const MrTimezone *zone;
    const char *found = strstr(settings, "TimeZone=");
    if (found != NULL) {
        found += strlen("TimeZone=");
        MrString name = { found, strcspn(found, "\n") };
        if (mr_timezone_find_stored(name, &zone, NULL) == MR_OK) {
            return zone;
        }
    }
    return mr_timezone_utc();
}
