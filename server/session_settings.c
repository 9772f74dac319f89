/*
 * server/session_settings.c - SET, RESET, SHOW of one value, DISCARD, and the reports of settings
 * to the client.  Must not know what a setting does, but for those whose value the server could not
 * keep its word on.
 */
#include <ctype.h>
#include <stdio.h>

#include "parser/print.h"
#include "server/notify.h"
#include "server/statement.h"

/* ---- Checks that the table of settings cannot make ------------------------------------------- */

/* Lower case, quotes and everything but letters and digits gone: 'utf-8' is UTF8. */
static void squeeze(MrString text, char *out, size_t room)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length && length + 1 < room; i++) {
        if (isalnum((unsigned char)text.data[i])) {
            out[length++] = (char)tolower((unsigned char)text.data[i]);
        }
    }
    out[length] = '\0';
}

static MrStatus refuse_value(MrSettingId id, MrString value, const char *hint, MrError *err)
{
    mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid value for parameter \"%s\": \"%.*s\"",
                 mr_setting_info(id)->name, (int)(value.length > 100 ? 100 : value.length),
                 value.data);
    return mr_error_hint(err, "%s", hint);
}

/* What the value becomes: its canonical form, or an error. */
static MrStatus check_value(MrSession *session, MrSettingId id, MrString *value, MrError *err)
{
    char word[64];
    MrTextStyle style = *mr_timezone_style(session->zone);
    MrIntervalStyle interval;
    squeeze(*value, word, sizeof word);
    switch (id) {
    case MR_SET_CLIENT_ENCODING:
        if (strcmp(word, "utf8") != 0 && strcmp(word, "unicode") != 0) {
            return refuse_value(id, *value, "The server speaks UTF8 only.", err);
        }
        *value = MR_STRING("UTF8");
        return MR_OK;
    case MR_SET_DATESTYLE:
        if (!mr_date_style_parse(*value, &style)) {
            return refuse_value(id, *value,
                                "It is ISO, SQL, Postgres or German, and MDY, DMY or YMD.", err);
        }
        *value = mr_string(mr_date_style_name(&style)); /* what it leaves open stays as it was */
        return MR_OK;
    case MR_SET_INTERVALSTYLE:
        if (!mr_interval_style_find(*value, &interval)) {
            return refuse_value(id, *value,
                                "It is postgres, postgres_verbose, sql_standard or iso_8601.", err);
        }
        *value = mr_string(mr_interval_style_name(interval));
        return MR_OK;
    case MR_SET_STANDARD_CONFORMING_STRINGS:
        if (strcmp(word, "on") != 0 && strcmp(word, "true") != 0 && strcmp(word, "1") != 0 &&
            strcmp(word, "yes") != 0) {
            return refuse_value(id, *value, "Only on is supported: write E'…' for escapes.", err);
        }
        *value = MR_STRING("on");
        return MR_OK;
    case MR_SET_TRANSACTION_READ_ONLY:
    case MR_SET_DEFAULT_TRANSACTION_READ_ONLY: {
        bool on = strcmp(word, "on") == 0 || strcmp(word, "true") == 0 || strcmp(word, "1") == 0 ||
                  strcmp(word, "yes") == 0;
        if (!on && strcmp(word, "off") != 0 && strcmp(word, "false") != 0 &&
            strcmp(word, "0") != 0 && strcmp(word, "no") != 0) {
            return refuse_value(id, *value, "It is on or off.", err);
        }
        *value = on ? MR_STRING("on") : MR_STRING("off");
        return MR_OK;
    }
    case MR_SET_DEFAULT_TRANSACTION_ISOLATION:
    case MR_SET_TRANSACTION_ISOLATION:
        if (strcmp(word, "readcommitted") != 0 && strcmp(word, "readuncommitted") != 0 &&
            strcmp(word, "repeatableread") != 0 && strcmp(word, "serializable") != 0) {
            return refuse_value(id, *value,
                                "Appends are atomic at every level; read committed is usual.", err);
        }
        return MR_OK;
    case MR_SET_TIMEZONE: {
        const MrTimezone *zone;
        MrString name =
            mr_string_equal_nocase(*value, MR_STRING("local")) ? MR_STRING("UTC") : *value;
        MR_TRY(mr_timezone_find(name, &zone, err));
        *value = mr_string(mr_timezone_name(zone));
        return MR_OK;
    }
    case MR_SET_SEARCH_PATH: {
        MrSearchPath path;
        return mr_search_path_parse(*value, &path, err);
    }
    default: return MR_OK;
    }
}

/* application_name reaches logs and other people's terminals: printable ASCII only, as PostgreSQL
 * has it. */
static MrString printable(MrString value, char *out, size_t room)
{
    size_t length = value.length < room ? value.length : room;
    for (size_t i = 0; i < length; i++) {
        out[i] = value.data[i] >= ' ' && value.data[i] < 127 ? value.data[i] : '?';
    }
    return (MrString){ out, length };
}

/* ---- Setting and telling --------------------------------------------------------------------- */

static const char *show_into(const MrSettings *settings, MrSettingId id, MrBuilder *out)
{
    mr_builder_clear(out);
    mr_settings_show(settings, id, out);
    const char *text = mr_builder_text(out);
    return text == NULL ? "" : text;
}

static bool is_reported(MrSettingId id)
{
    switch (id) {
    case MR_SET_SERVER_VERSION:
    case MR_SET_SERVER_ENCODING:
    case MR_SET_INTEGER_DATETIMES:
    case MR_SET_IS_SUPERUSER:
    case MR_SET_SESSION_AUTHORIZATION:
    case MR_SET_IN_HOT_STANDBY: return true;
    default: return mr_setting_info(id)->scope == MR_SETTING_REPORT;
    }
}

static void report(MrSession *session, MrSettingId id, const char *value)
{
    if (session->phase != MR_PHASE_CLOSING) {
        mr_wire_parameter_status(&session->socket.output, mr_setting_info(id)->name, value);
    }
}

static bool is_of_zone(MrSettingId id)
{
    switch (id) {
    case MR_SET_TIMEZONE:
    case MR_SET_DATESTYLE:
    case MR_SET_INTERVALSTYLE:
    case MR_SET_BYTEA_OUTPUT:
    case MR_SET_EXTRA_FLOAT_DIGITS: return true;
    default: return false;
    }
}

/* The zone and the style of text that the settings name; after an error it is what it was. */
static MrStatus take_zone(MrSession *session, MrError *err)
{
    const MrSettings *settings = session->settings;
    const int64_t digits = mr_settings_int(settings, MR_SET_EXTRA_FLOAT_DIGITS);
    MrTextStyle style = { .bytea_escape = mr_settings_int(settings, MR_SET_BYTEA_OUTPUT) != 0,
                          .float_digits = (int8_t)(digits < 1 ? digits : 1) };
    MrIntervalStyle interval = MR_INTERVAL_POSTGRES;
    const MrTimezone *zone;
    (void)mr_interval_style_find(mr_string(mr_settings_text(settings, MR_SET_INTERVALSTYLE)),
                                 &interval);
    (void)mr_date_style_parse(mr_string(mr_settings_text(settings, MR_SET_DATESTYLE)), &style);
    style.interval = (uint8_t)interval;
    MR_TRY(mr_timezone_find(mr_string(mr_settings_text(settings, MR_SET_TIMEZONE)), &zone, err));
    MR_TRY(mr_timezone_with_style(zone, &style, &zone, err));
    session->zone = zone;
    return MR_OK;
}

/* They follow from who has logged in, and stay. */
static bool is_of_user(MrSettingId id)
{
    return id == MR_SET_SESSION_AUTHORIZATION || id == MR_SET_IS_SUPERUSER;
}

/* Some are what the session says, whatever the table does. */
static const char *value_of(const MrSession *session, MrSettingId id, MrBuilder *out)
{
    if (id == MR_SET_SESSION_AUTHORIZATION && session->user != NULL) {
        return session->user;
    }
    if (id == MR_SET_IS_SUPERUSER && session->user != NULL) {
        return mr_session_is_superuser(session) ? "on" : "off";
    }
    if (id == MR_SET_TRANSACTION_READ_ONLY) {
        return mr_transaction_is_read_only(session) ? "on" : "off";
    }
    if (id == MR_SET_TRANSACTION_ISOLATION && session->transaction.state == MR_TX_NONE) {
        id = MR_SET_DEFAULT_TRANSACTION_ISOLATION; /* of the transaction that a SHOW is */
    }
    return show_into(session->settings, id, out);
}

void mr_session_report_settings(MrSession *session, const MrSettings *before)
{
    MrBuilder now, old;
    mr_builder_init(&now, 0);
    mr_builder_init(&old, 0);
    for (int i = 0; i < MR_SETTING_COUNT; i++) {
        MrSettingId id = (MrSettingId)i;
        if (!is_reported(id)) {
            continue;
        }
        const char *value = value_of(session, id, &now);
        if (before == NULL ||
            (!is_of_user(id) && strcmp(value, show_into(before, id, &old)) != 0)) {
            report(session, id, value);
        }
    }
    mr_builder_fini(&now);
    mr_builder_fini(&old);
    MrError ignored = MR_ERROR_INIT;
    (void)take_zone(session, &ignored);
}

MrStatus mr_session_set(MrSession *session, MrSettingId id, MrString value, MrError *err)
{
    char name[64];
    if (mr_utf8_check(value.data, value.length) < value.length) {
        return mr_error_set(err, MR_ERR_BAD_ENCODING, "the value of \"%s\" is not UTF-8",
                            mr_setting_info(id)->name);
    }
    if (id == MR_SET_APPLICATION_NAME) {
        value = printable(value, name, sizeof name - 1);
    }
    MR_TRY(check_value(session, id, &value, err));
    MR_TRY(mr_settings_set(session->settings, id, value, MR_SETTING_SESSION, err));
    if (is_of_zone(id)) {
        MR_TRY(take_zone(session, err));
    }
    if (id == MR_SET_TRANSACTION_READ_ONLY && session->transaction.state != MR_TX_NONE) {
        session->transaction.is_read_only = mr_string_equal(value, MR_STRING("on"));
    }
    if (session->phase == MR_PHASE_READY && is_reported(id)) {
        MrBuilder text;
        mr_builder_init(&text, 0);
        report(session, id, value_of(session, id, &text));
        mr_builder_fini(&text);
    }
    return MR_OK;
}

void mr_session_reset_settings(MrSession *session, const MrSettings *to)
{
    MrSettings *before = mr_settings_copy(session->settings);
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        MrSettingScope scope = mr_setting_info((MrSettingId)id)->scope;
        if (scope == MR_SETTING_SESSION || scope == MR_SETTING_REPORT) {
            mr_settings_reset(session->settings, (MrSettingId)id, to);
        }
    }
    mr_custom_settings_restore(mr_settings_customs(session->settings),
                               mr_settings_customs(session->initial), false);
    if (before != NULL) {
        mr_session_report_settings(session, before);
        mr_settings_destroy(before);
    }
}

MrStatus mr_session_find_setting(const char *name, MrSettingId *out, MrError *err)
{
    if (mr_setting_find(mr_string(name), out)) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"", name);
    const char *nearest = mr_setting_nearest(mr_string(name));
    return nearest == NULL ? err->status : mr_error_hint(err, "Perhaps you mean \"%s\".", nearest);
}

const char *mr_session_setting_by_name(const MrSession *session, MrString name, MrArena *arena)
{
    MrSettingId id;
    return mr_setting_find(name, &id)
               ? mr_session_setting_text(session, id, arena)
               : mr_custom_settings_find(mr_settings_customs(session->settings), name);
}

const char *mr_session_setting_text(const MrSession *session, MrSettingId id, MrArena *arena)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    const char *copy = mr_arena_strdup(arena, value_of(session, id, &text));
    mr_builder_fini(&text);
    return copy;
}

/* ---- SET and RESET --------------------------------------------------------------------------- */

/* SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE: an offset east of UTC as a POSIX name (west of
 * it). */
static MrStatus interval_zone(const MrAstTypedLiteral *literal, MrArena *arena, const char **out,
                              MrError *err)
{
    MrType type;
    MrDatum value;
    MR_TRY(mr_planner_type(literal->type, &type, err));
    if (type.id == MR_TYPE_INTERVAL) {
        MR_TRY(mr_datum_parse(arena, type, mr_string(literal->text), NULL, &value, err));
        int64_t seconds = value.interval.us / 1000000;
        if (value.interval.months == 0 && value.interval.days == 0 && seconds > -16 * 3600 &&
            seconds < 16 * 3600) {
            int64_t size = seconds < 0 ? -seconds : seconds;
            *out =
                mr_arena_printf(arena, "<%c%02d:%02d>%c%02d:%02d", seconds < 0 ? '-' : '+',
                                (int)(size / 3600), (int)(size / 60 % 60), seconds < 0 ? '+' : '-',
                                (int)(size / 3600), (int)(size / 60 % 60));
            return *out == NULL ? mr_error_no_memory(err) : MR_OK;
        }
    }
    mr_error_set(err, MR_ERR_INVALID_PARAMETER, "invalid interval value for time zone");
    return mr_error_at(err, literal->base.position);
}

/* Names stay one each in a list: 'a b' and "$user" get quotes. */
static const char *quoted_name(const char *name, MrArena *arena)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_print_identifier(&text, name);
    const char *whole = mr_builder_text(&text);
    whole = whole == NULL ? NULL : mr_arena_strdup(arena, whole);
    mr_builder_fini(&text);
    return whole;
}

/* The values joined by commas, as one text. */
static MrStatus set_text(const MrAstSet *ast, bool is_names, MrArena *arena, const char **out,
                         MrError *err)
{
    const char *text = "";
    for (uint32_t i = 0; i < ast->values.count; i++) {
        const MrNode *node = ast->values.items[i];
        const char *value = "";
        if (node->kind == MR_AST_TYPED_LITERAL) {
            MR_TRY(interval_zone(MR_AST_AS(const MrAstTypedLiteral, node), arena, &value, err));
        } else {
            value = MR_AST_AS(const MrAstOption, node)->text;
        }
        if (is_names) {
            value = quoted_name(value, arena);
        }
        text = value == NULL ? NULL
               : i == 0      ? value
                             : mr_arena_printf(arena, "%s, %s", text, value);
        if (text == NULL) {
            return mr_error_no_memory(err);
        }
    }
    *out = text;
    return MR_OK;
}

static void set_back(MrSession *session, MrSettingId id)
{
    MrSettings *before = mr_settings_copy(session->settings);
    mr_settings_reset(session->settings, id, session->initial);
    if (before != NULL) {
        mr_session_report_settings(session, before);
        mr_settings_destroy(before);
    }
}

/* A setting of an application's. */
static bool is_custom(const char *name)
{
    MrSettingId id;
    return mr_custom_setting_is_name(mr_string(name)) && !mr_setting_find(mr_string(name), &id);
}

static MrStatus set_custom(MrSession *session, const char *name, MrString value, bool is_local,
                           MrError *err)
{
    if (mr_utf8_check(value.data, value.length) < value.length) {
        return mr_error_set(err, MR_ERR_BAD_ENCODING, "the value of \"%s\" is not UTF-8", name);
    }
    MR_TRY(mr_transaction_save_settings(session, err));
    return mr_custom_settings_set(mr_settings_customs(session->settings), mr_string(name), value,
                                  is_local, err);
}

static MrStatus can_change(MrSettingId id, MrError *err)
{
    MrSettingScope scope = mr_setting_info(id)->scope;
    if (scope == MR_SETTING_SESSION || scope == MR_SETTING_REPORT) {
        return MR_OK;
    }
    return mr_error_set(err, MR_ERR_CANT_CHANGE_SETTING, "parameter \"%s\" cannot be changed now",
                        mr_setting_info(id)->name);
}

MrStatus mr_session_set_by_name(MrSession *session, const char *name, MrString value, bool is_local,
                                MrError *err)
{
    MrSettingId id;
    if (is_custom(name)) {
        bool is_at_once = is_local && session->transaction.state == MR_TX_NONE;
        return set_custom(session, name, is_at_once ? MR_STRING("") : value, is_local, err);
    }
    MR_TRY(mr_session_find_setting(name, &id, err));
    MR_TRY(can_change(id, err));
    if (is_local && session->transaction.state == MR_TX_NONE) {
        return MR_OK; /* its transaction ends with the statement */
    }
    MR_TRY(mr_transaction_save_setting(session, id, is_local, err));
    return mr_session_set(session, id, value, err);
}

static MrStatus run_custom(MrSession *session, MrPortal *portal, const MrAstSet *ast, MrError *err)
{
    const bool is_back = ast->to_default || ast->reset;
    const char *text =
        mr_custom_settings_find(mr_settings_customs(session->initial), mr_string(ast->name));
    if (!is_back && ast->values.count > 1) {
        return mr_error_set(err, MR_ERR_INVALID_PARAMETER, "SET %s takes only one argument",
                            ast->name);
    }
    if (!is_back) {
        MR_TRY(set_text(ast, false, &portal->memory->arena, &text, err));
    }
    if (ast->scope == MR_SET_LOCAL && session->transaction.state == MR_TX_NONE) {
        mr_session_notice(session, "WARNING", "25P01",
                          "SET LOCAL can only be used in transaction blocks", NULL);
        text = ""; /* it is known from now on */
    }
    MR_TRY(set_custom(session, ast->name, mr_string(text == NULL ? "" : text),
                      ast->scope == MR_SET_LOCAL, err));
    mr_portal_set_done(portal, "%s", ast->reset ? "RESET" : "SET");
    return MR_OK;
}

static MrStatus reset_all(MrSession *session, MrPortal *portal, MrError *err)
{
    MR_TRY(mr_transaction_save_settings(session, err));
    for (int id = 0; id < MR_SETTING_COUNT; id++) {
        MR_TRY(mr_transaction_save_setting(session, (MrSettingId)id, false, err));
    }
    mr_session_reset_settings(session, session->initial);
    mr_portal_set_done(portal, "RESET");
    return MR_OK;
}

MrStatus mr_set_run(MrSession *session, MrPortal *portal, MrError *err)
{
    const MrAstSet *ast = MR_AST_AS(const MrAstSet, portal->node);
    MrSettingId id;
    const char *text = "";
    if (ast->name == NULL) {
        return reset_all(session, portal, err);
    }
    if (is_custom(ast->name)) {
        return run_custom(session, portal, ast, err);
    }
    MR_TRY(mr_session_find_setting(ast->name, &id, err));
    if (id == MR_SET_SESSION_AUTHORIZATION && (ast->to_default || ast->reset)) {
        mr_portal_set_done(portal, "%s", ast->reset ? "RESET" : "SET"); /* it is always that */
        return MR_OK;
    }
    MR_TRY(can_change(id, err));
    if (ast->scope == MR_SET_LOCAL && session->transaction.state == MR_TX_NONE) {
        mr_session_notice(session, "WARNING", "25P01",
                          "SET LOCAL can only be used in transaction blocks", NULL);
        mr_portal_set_done(portal, "SET");
        return MR_OK;
    }
    MR_TRY(mr_transaction_save_setting(session, id, ast->scope == MR_SET_LOCAL, err));
    if (ast->to_default || ast->reset) {
        set_back(session, id);
    } else {
        MR_TRY(set_text(ast, id == MR_SET_SEARCH_PATH, &portal->memory->arena, &text, err));
        MR_TRY(mr_session_set(session, id, mr_string(text), err));
    }
    mr_portal_set_done(portal, "%s", ast->reset ? "RESET" : "SET");
    return MR_OK;
}

/* ---- DISCARD --------------------------------------------------------------------------------- */

MrStatus mr_discard_run(MrSession *session, MrPortal *portal, MrError *err)
{
    static const char *const tags[] = { [MR_DISCARD_ALL] = "DISCARD ALL",
                                        [MR_DISCARD_PLANS] = "DISCARD PLANS",
                                        [MR_DISCARD_SEQUENCES] = "DISCARD SEQUENCES",
                                        [MR_DISCARD_TEMP] = "DISCARD TEMP" };
    MrDiscardKind what = MR_AST_AS(const MrAstDiscard, portal->node)->what;
    if (what == MR_DISCARD_ALL) {
        if (session->transaction.state != MR_TX_NONE) {
            return mr_error_set(err, MR_ERR_ACTIVE_TRANSACTION,
                                "DISCARD ALL cannot run inside a transaction block");
        }
        mr_cursors_close_all(session);
        mr_prepared_clear(session);
        MR_TRY(mr_notify_unlisten(session, NULL, err));
        mr_advisory_free_all(session->locks);
        mr_session_reset_settings(session, session->initial);
    }
    mr_portal_set_done(portal, "%s",
                       tags[what]); /* plans, sequences and temporary tables are never kept */
    return MR_OK;
}
