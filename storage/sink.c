/*
 * storage/sink.c - finds the class of a sink; what an error of a target asks for; checks that both
 * classes share.  Must not know either database's library.
 */
#include "storage/sink.h"

#include <stdio.h>
#include <string.h>

#include "common/logging.h"
#include "storage/sinks/sinks.h"

static const MrSinkClass *const sink_classes[] = {
#define MR_SINK(symbol) &mr_sink_##symbol,
#include "storage/sinks/sinks.def"
#undef MR_SINK
};

uint32_t mr_sink_all(const MrSinkClass *const **out)
{
    *out = sink_classes;
    return sizeof sink_classes / sizeof sink_classes[0];
}

const MrSinkClass *mr_sink_find(MrString name)
{
    for (size_t i = 0; i < sizeof sink_classes / sizeof sink_classes[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(sink_classes[i]->name))) {
            return sink_classes[i];
        }
    }
    return NULL;
}

/* Longer prefixes come before the classes they are taken from; what no line names is BLOCKED: a
 * person has to look, and the server must not spin. */
static const struct {
    const char *prefix;
    MrSinkFault fault;
} sink_faults[] = {
    { "08P01", MR_SINK_FAULT_BLOCKED }, /* not a PostgreSQL server, or a broken one */
    { "08", MR_SINK_FAULT_RETRY },
    { "57014", MR_SINK_FAULT_STALLED },
    { "57P04", MR_SINK_FAULT_BLOCKED }, /* the database was dropped */
    { "57P0", MR_SINK_FAULT_RETRY },
    { "25006", MR_SINK_FAULT_RETRY }, /* a standby: the next connection looks for the primary */
    { "25P03", MR_SINK_FAULT_RETRY }, /* the server ended an idle transaction with its connection */
    { "40003", MR_SINK_FAULT_RETRY },
    { "40001", MR_SINK_FAULT_CONFLICT },
    { "40P01", MR_SINK_FAULT_CONFLICT },
    { "55P03", MR_SINK_FAULT_STALLED },
    { "55006", MR_SINK_FAULT_STALLED },
    { "53", MR_SINK_FAULT_STALLED },
    { "58030", MR_SINK_FAULT_RETRY }, /* I/O: a new connection looks at the file again */
    { "21000", MR_SINK_FAULT_DATA },
    { "22P03", MR_SINK_FAULT_BLOCKED }, /* binary values: a column was retyped */
    { "22", MR_SINK_FAULT_DATA },
    { "23", MR_SINK_FAULT_DATA },
    { "MR001", MR_SINK_FAULT_FENCED },
};

MrSinkFault mr_sink_classify(const MrError *err)
{
    if (err->status == MR_OK) {
        return MR_SINK_FAULT_NONE;
    }
    for (size_t i = 0; i < sizeof sink_faults / sizeof sink_faults[0]; i++) {
        if (strncmp(err->sqlstate, sink_faults[i].prefix, strlen(sink_faults[i].prefix)) == 0) {
            return sink_faults[i].fault;
        }
    }
    return MR_SINK_FAULT_BLOCKED;
}

static MrStatus sink_check_name(const char *name, const char *what, MrError *err)
{
    size_t length = name == NULL ? 0 : strlen(name);
    if (length == 0) {
        return mr_error_set(err, MR_ERR_INVALID_NAME, "the name of a %s is empty", what);
    }
    if (length > MR_SINK_NAME_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_NAME_TOO_LONG,
                            "the name of a %s has %zu bytes, at most %d are possible", what, length,
                            MR_SINK_NAME_BYTES_MAX);
    }
    if (mr_utf8_check(name, length) != length) {
        return mr_error_set(err, MR_ERR_BAD_ENCODING, "the name of a %s is not UTF-8", what);
    }
    return MR_OK;
}

/* A side table is named after the view, or the sink; it has no key. */
static MrSinkTable side_table(const MrSinkTable *table, const char *suffix, MrSchema schema,
                              char name[MR_SINK_SIDE_NAME_BYTES])
{
    snprintf(name, MR_SINK_SIDE_NAME_BYTES, "%s%s",
             table->is_foreign ? table->sink_name : table->name, suffix);
    return (MrSinkTable){ .schema_name = table->schema_name, .name = name, .schema = schema };
}

MrSinkTable mr_sink_late_table(const MrSinkTable *table, char name[MR_SINK_SIDE_NAME_BYTES])
{
    static const MrColumn columns[] = {
        { .name = "stream", .type = { MR_TYPE_TEXT, -1 } },
        { .name = "sequence", .type = { MR_TYPE_INT64, -1 } },
        { .name = "event_time", .type = { MR_TYPE_TIMESTAMPTZ, -1 } },
        { .name = "watermark", .type = { MR_TYPE_TIMESTAMPTZ, -1 } },
        { .name = "row", .type = { MR_TYPE_TEXT, -1 } },
    };
    return side_table(table, "_late", (MrSchema){ sizeof columns / sizeof columns[0], columns },
                      name);
}

MrSinkTable mr_sink_dead_table(const MrSinkTable *table, char name[MR_SINK_SIDE_NAME_BYTES])
{
    static const MrColumn columns[] = {
        { .name = "sequence", .type = { MR_TYPE_INT64, -1 } },
        { .name = "kind", .type = { MR_TYPE_TEXT, -1 } },
        { .name = "weight", .type = { MR_TYPE_INT64, -1 } },
        { .name = "row", .type = { MR_TYPE_TEXT, -1 } },
        { .name = "sqlstate", .type = { MR_TYPE_TEXT, -1 } },
        { .name = "message", .type = { MR_TYPE_TEXT, -1 } },
    };
    return side_table(table, "_dead", (MrSchema){ sizeof columns / sizeof columns[0], columns },
                      name);
}

uint32_t mr_sink_sides(const MrSinkTable *table, MrSinkSide out[MR_SINK_SIDES_MAX])
{
    uint32_t count = 0;
    if (table->keeps_late) {
        out[count].table = mr_sink_late_table(table, out[count].name);
        out[count++].option = "late_rows = 'table'";
    }
    if (table->keeps_dead) {
        out[count].table = mr_sink_dead_table(table, out[count].name);
        out[count++].option = "on_sink_error = 'dead_letter'";
    }
    return count;
}

MrStatus mr_sink_side_is_taken(const MrSinkSide *side, MrError *err)
{
    mr_error_set(err, MR_ERR_DUPLICATE_TABLE, "relation \"%s\" already exists in the target",
                 side->name);
    return mr_error_hint(err, "Drop it there, or leave %s out.", side->option);
}

MrStatus mr_sink_check_table(const MrSinkTable *table, MrError *err)
{
    if (table->schema_name != NULL) {
        MR_TRY(sink_check_name(table->schema_name, "schema", err));
    }
    MR_TRY(sink_check_name(table->name, "table", err));
    MrSinkSide sides[MR_SINK_SIDES_MAX];
    uint32_t side_count = mr_sink_sides(table, sides);
    for (uint32_t s = 0; s < side_count; s++) {
        MR_TRY(sink_check_name(sides[s].name, "table", err));
    }
    if (table->schema.column_count == 0 || table->schema.column_count > MR_SINK_COLUMNS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "a result table has 1 to %d columns, \"%s\" would have %u",
                            MR_SINK_COLUMNS_MAX, table->name, table->schema.column_count);
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        MR_TRY(sink_check_name(table->schema.columns[i].name, "column", err));
    }
    if (table->key_count > MR_SINK_KEY_COLUMNS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "the key of \"%s\" has %u columns, at most %d are possible",
                            table->name, table->key_count, MR_SINK_KEY_COLUMNS_MAX);
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->key_columns[i] >= table->schema.column_count) {
            return mr_error_set(err, MR_ERR_INTERNAL, "key column %u of \"%s\" is not there",
                                table->key_columns[i], table->name);
        }
    }
    return MR_OK;
}

void mr_sink_uuid_text(const uint8_t uuid[16], char out[MR_UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *next = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *next++ = '-';
        }
        *next++ = digits[uuid[i] >> 4];
        *next++ = digits[uuid[i] & 15];
    }
    *next = '\0';
}

bool mr_sink_is_key_column(const MrSinkTable *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (table->key_columns[i] == column) {
            return true;
        }
    }
    return false;
}

bool mr_sink_key_is_not_null(const MrSinkTable *table)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (!table->schema.columns[table->key_columns[i]].not_null) {
            return false;
        }
    }
    return true;
}

MrStatus mr_sink_leave_out(const char *statement, MrError *err)
{
    mr_error_detail(err, "The new result can't keep this of the old one: %.300s", statement);
    if (strncmp(err->sqlstate, "42", 2) != 0 && strncmp(err->sqlstate, "23", 2) != 0) {
        return err->status; /* the target, not what the statement says */
    }
    mr_log_error(MR_LOG_WARNING, "replace.left_out", err);
    mr_error_clear(err);
    return MR_OK;
}

MrStatus mr_sink_no_unique_key(const MrSinkTable *table, MrError *err)
{
    MrBuilder names;
    mr_builder_init(&names, 0);
    for (uint32_t i = 0; i < table->key_count; i++) {
        mr_builder_append_string(&names, i > 0 ? ", " : "");
        mr_builder_append_identifier(&names, table->schema.columns[table->key_columns[i]].name);
    }
    const char *text = mr_builder_text(&names);
    mr_error_set(
        err, MR_ERR_INVALID_COLUMN_REFERENCE,
        "table \"%s\" has no unique index over the key (%s) with columns that are NOT NULL",
        table->name, text == NULL ? "?" : text);
    mr_builder_fini(&names);
    return mr_error_hint(err, "Rows of the query change, and are found by that key: make it the "
                              "table's PRIMARY KEY, or use EMIT ON WINDOW CLOSE.");
}

bool mr_sink_is_integral(const MrSinkTable *table, uint32_t column)
{
    MrType type = table->schema.columns[column].type;
    if (type.id != MR_TYPE_NUMERIC) {
        return false;
    }
    if (type.typmod >= 4) {
        return ((type.typmod - 4) & 0x7ff) == 0; /* 11 bits of scale, two's complement */
    }
    return table->integral != NULL && table->integral[column];
}

static MrStatus sink_check_blocks(const MrSinkTable *table, const MrBlock *const *blocks,
                                  uint32_t count, MrError *err)
{
    for (uint32_t b = 0; b < count; b++) {
        bool fits = blocks[b]->column_count == table->schema.column_count;
        for (uint32_t i = 0; fits && i < blocks[b]->column_count; i++) {
            fits = blocks[b]->columns[i].type.id == table->schema.columns[i].type.id;
        }
        if (!fits) {
            return mr_error_set(err, MR_ERR_INTERNAL,
                                "a block for \"%s\" has other columns than the table", table->name);
        }
    }
    return MR_OK;
}

MrStatus mr_sink_check_changes(const MrSinkTable *table, const MrChangeSet *changes, MrError *err)
{
    if (table->key_count == 0 && changes->delete_blocks > 0) {
        return mr_error_set(err, MR_ERR_INTERNAL, "rows to delete from \"%s\", which has no key",
                            table->name);
    }
    MR_TRY(sink_check_blocks(table, changes->upserts, changes->upsert_blocks, err));
    return sink_check_blocks(table, changes->deletes, changes->delete_blocks, err);
}

MrStatus mr_sink_commit_each(MrSinkCommitOne *one, MrSink *sink, const MrEpoch *const *epochs,
                             uint32_t count, bool *unknown, int32_t *culprit, MrError *err)
{
    *unknown = false;
    *culprit = -1;
    for (uint32_t e = 0; e < count; e++) {
        MrStatus status = one(sink, epochs[e], unknown, err);
        if (status != MR_OK) {
            *unknown |= e > 0; /* those before are committed: their progress says so */
            *culprit = (int32_t)e;
            return status;
        }
    }
    return MR_OK;
}
