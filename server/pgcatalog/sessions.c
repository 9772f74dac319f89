/*
 * server/pgcatalog/sessions.c - what belongs to sessions: settings, who is there, prepared
 * statements and cursors.
 */
#include <stdio.h>

#include "server/listener.h"
#include "server/notify.h"
#include "server/pgcatalog/version.h"
#include "server/statement.h"
#include "storage/array.h"
#include "storage/reg.h"

/* ---- Settings -------------------------------------------------------------------------------- */

static const char *context_text(MrSettingScope scope)
{
    switch (scope) {
    case MR_SETTING_START: return "postmaster";
    case MR_SETTING_RELOAD: return "sighup";
    case MR_SETTING_SESSION:
    case MR_SETTING_REPORT: return "user";
    case MR_SETTING_FIXED: break;
    }
    return "internal";
}

static const char *type_text(MrSettingType type)
{
    switch (type) {
    case MR_SETTING_BOOL: return "bool";
    case MR_SETTING_INT: return "integer";
    case MR_SETTING_REAL: return "real";
    case MR_SETTING_ENUM: return "enum";
    case MR_SETTING_TEXT:
    case MR_SETTING_BYTES:
    case MR_SETTING_DURATION: break; /* with a unit behind the number */
    }
    return "string";
}

static const char *setting_text(const MrPgNames *names, MrSettingId id, MrArena *arena)
{
    MrBuilder value;
    if (names->session != NULL) {
        return mr_session_setting_text(names->session, id, arena);
    }
    mr_builder_init(&value, 0);
    mr_settings_show(names->pg->server->settings, id, &value);
    const char *text = mr_arena_strdup(arena, mr_builder_text(&value));
    mr_builder_fini(&value);
    return text;
}

static void add_limits(MrRows *rows, const MrSettingInfo *info)
{
    char text[64];
    if (info->type != MR_SETTING_INT && info->type != MR_SETTING_REAL) {
        mr_rows_skip(rows, 2);
        return;
    }
    snprintf(text, sizeof text, "%.17g", info->min);
    mr_rows_text(rows, text);
    snprintf(text, sizeof text, "%.17g", info->max);
    mr_rows_text(rows, text);
}

/* The values of an enumeration: "a|b|c". */
static void add_words(MrRows *rows, const MrSettingInfo *info)
{
    enum { WORDS_MAX = 16 };
    const char *words[WORDS_MAX];
    uint32_t count = 0;
    if (info->type != MR_SETTING_ENUM || info->words == NULL) {
        mr_rows_null(rows);
        return;
    }
    for (const char *word = info->words; word != NULL && count < WORDS_MAX;) {
        const char *end = strchr(word, '|');
        words[count++] =
            mr_arena_strndup(rows->arena, word, end == NULL ? strlen(word) : (size_t)(end - word));
        word = end == NULL ? NULL : end + 1;
    }
    mr_pg_rows_texts(rows, words, count);
}

void mr_pg_fill_settings(const MrPgNames *names, MrRows *rows)
{
    for (int i = 0; i < MR_SETTING_COUNT; i++) {
        const MrSettingInfo *info = mr_setting_info((MrSettingId)i);
        const char *value = setting_text(names, (MrSettingId)i, rows->arena);
        bool is_initial = value != NULL && strcmp(value, info->initial) == 0;
        mr_rows_begin(rows);
        mr_rows_text(rows, info->name);
        mr_rows_text(rows, value);
        mr_rows_null(rows); /* unit: it stands in the value */
        mr_rows_text(rows, "Millrace");
        mr_rows_text(rows, info->doc);
        mr_rows_null(rows);
        mr_rows_text(rows, context_text(info->scope));
        mr_rows_text(rows, type_text(info->type));
        mr_rows_text(rows, is_initial ? "default" : "session");
        add_limits(rows, info);
        add_words(rows, info);
        mr_rows_text(rows, info->initial);
        mr_rows_text(rows, info->initial);
        mr_rows_null(rows);
        mr_rows_null(rows);
        mr_rows_bool(rows, false);
    }
}

/* ---- Sessions -------------------------------------------------------------------------------- */

typedef struct Activity {
    const MrPgNames *names;
    MrRows *rows;
} Activity;

static void add_activity(void *context, const MrSessionFacts *facts)
{
    Activity *activity = context;
    MrRows *rows = activity->rows;
    const char *user = facts->user == NULL ? "" : facts->user;
    const MrPgRole *role = mr_pg_role_find(activity->names->pg, mr_string(user));
    int64_t statement_us = facts->statement_us != 0 ? facts->statement_us : MR_TIME_MIN;
    mr_rows_begin(rows);
    mr_rows_int(rows, MR_PG_THE_DATABASE);
    mr_rows_text(rows, facts->database);
    mr_rows_int(rows, facts->pid);
    mr_rows_null(rows);
    mr_rows_int(rows, role != NULL ? role->number : MR_PG_ROLE_OWNER);
    mr_rows_text(rows, user);
    mr_rows_text(rows, facts->application);
    mr_rows_skip(rows, 3); /* client_addr, client_hostname, client_port */
    mr_rows_time(rows, facts->connected_us);
    mr_rows_null(rows);
    mr_rows_time(rows, statement_us);
    mr_rows_time(rows, statement_us);
    mr_rows_skip(rows, 2); /* wait_event_type, wait_event */
    mr_rows_text(rows, facts->state);
    mr_rows_skip(rows, 3); /* backend_xid … query_id */
    mr_rows_text(rows, facts->query);
    mr_rows_text(rows, "client backend");
}

void mr_pg_fill_activity(const MrPgNames *names, MrRows *rows)
{
    Activity activity = { names, rows };
    mr_listener_each(names->pg->server, add_activity, &activity);
}

/* ---- What the session listens to ------------------------------------------------------------- */

static void add_channel(void *context, const char *channel)
{
    mr_rows_begin(context);
    mr_rows_text(context, channel);
}

void mr_pg_fill_channels(const MrPgNames *names, MrRows *rows)
{
    if (names->session != NULL) {
        mr_notify_each_channel(names->session, add_channel, rows);
    }
}

/* ---- Advisory locks -------------------------------------------------------------------------- */

void mr_pg_fill_locks(const MrPgNames *names, MrRows *rows)
{
    MrError err = MR_ERROR_INIT;
    MrLockRow *locks;
    uint32_t count;
    if (mr_advisory_list(names->pg->server, rows->arena, &locks, &count, &err) != MR_OK) {
        count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const MrLockRow *lock = &locks[i];
        char transaction[32];
        snprintf(transaction, sizeof transaction, "%d/0", lock->number);
        mr_rows_begin(rows);
        mr_rows_text(rows, "advisory");
        mr_rows_int(rows, MR_PG_THE_DATABASE);
        mr_rows_skip(rows, 5); /* relation … transactionid */
        mr_rows_int(rows, (int64_t)((uint64_t)lock->key.number >> 32));
        mr_rows_int(rows, lock->key.number & UINT32_MAX);
        mr_rows_int(rows, lock->key.is_pair ? 2 : 1);
        mr_rows_text(rows, transaction);
        mr_rows_int(rows, lock->number);
        mr_rows_text(rows, lock->is_shared ? "ShareLock" : "ExclusiveLock");
        mr_rows_bool(rows, lock->is_granted);
        mr_rows_bool(rows, false);
        mr_rows_null(rows); /* waitstart */
    }
}

/* ---- Prepared statements and cursors --------------------------------------------------------- */

static void put_parameter_types(MrRows *rows, const MrPrepared *prepared)
{
    const MrArrayShape shape = mr_array_list(prepared->type_count);
    MrText *cells = mr_arena_calloc(rows->arena, prepared->type_count + 1, sizeof *cells);
    MrStatus status = cells == NULL ? mr_error_no_memory(&rows->error) : MR_OK;
    MrBuilder name;
    MrText types;
    mr_builder_init(&name, 0);
    for (uint32_t i = 0; i < prepared->type_count && status == MR_OK; i++) {
        const uint32_t number = mr_pg_type_number(prepared->types[i].id);
        mr_builder_clear(&name);
        mr_pg_type_format(number, -1, &name);
        status = mr_reg_make(rows->arena, number, mr_string(mr_builder_text(&name)), &cells[i],
                             &rows->error);
    }
    mr_builder_fini(&name);
    if (status == MR_OK && mr_array_make(rows->arena, MR_TYPE_REGTYPE, &shape, cells, NULL, &types,
                                         &rows->error) == MR_OK) {
        mr_rows_cell(rows, MR_TYPE_REGTYPE_ARRAY, &types);
    }
}

void mr_pg_fill_prepared(const MrPgNames *names, MrRows *rows)
{
    const MrPrepared *prepared = names->session == NULL ? NULL : names->session->prepared;
    for (; prepared != NULL; prepared = prepared->next) {
        if (prepared->name[0] == '\0') {
            continue;
        }
        mr_rows_begin(rows);
        mr_rows_text(rows, prepared->name);
        mr_rows_string(rows, prepared->shown != NULL
                                 ? mr_string(prepared->shown)
                                 : (MrString){ prepared->text, prepared->length });
        mr_rows_time(rows, prepared->created_us);
        put_parameter_types(rows, prepared);
        mr_rows_bool(rows, prepared->is_from_sql);
        mr_rows_int(rows, 0);
        mr_rows_int(rows, 0);
    }
}

void mr_pg_fill_cursors(const MrPgNames *names, MrRows *rows)
{
    const MrPortal *portal = names->session == NULL ? NULL : names->session->portals;
    for (; portal != NULL; portal = portal->next) {
        if (portal->name[0] == '\0') {
            continue;
        }
        mr_rows_begin(rows);
        mr_rows_text(rows, portal->name);
        mr_rows_string(rows, portal->statement);
        mr_rows_bool(rows, portal->is_held);
        mr_rows_bool(rows, portal->is_binary);
        mr_rows_bool(rows, portal->is_cursor && !portal->scrolls_not);
        mr_rows_time(rows, portal->created_us);
    }
}
