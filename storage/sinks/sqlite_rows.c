/*
 * storage/sinks/sqlite_rows.c - an epoch's rows as a virtual table that `INSERT … SELECT` reads.
 *
 * A statement a row costs as much in binding, stepping and resetting as in writing, and its cursor
 * looks for every key from the root of the tree.  One statement for thousands of rows keeps the
 * cursor, and with the rows in key order the next one mostly belongs where the last one went.
 * Must not know epochs or transactions.
 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/sinks/sqlite.h"

/* A statement that may fail keeps the old form of every page that it changes: this bounds them. */
enum { STATEMENT_ROWS_MAX = 4096, PREFETCH_AHEAD = 4 };
/* SQLite keeps names that begin like this for itself: no table of the file stands in front. */
#define ROWS_NAME "sqlite_millrace_rows_"

/* ---- the order ------------------------------------------------------------------------------- */

/* Where a row stands, and its key's first two columns as numbers in the order of SQLite. */
typedef struct MrSqlitePlace {
    uint64_t first, second;
    uint32_t block, row;
} Place;

static uint64_t word_of_bytes(const char *data, size_t length)
{
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++) {
        word = word << 8 | (i < length ? (uint8_t)data[i] : 0);
    }
    return word;
}

static uint64_t word_of_real(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Words that are in the order of the cells, or, where that is much work, all the same: rows out of
 * order cost time and nothing else. */
static uint64_t word_of_cell(MrTypeId type, const void *cell)
{
    const uint64_t sign = UINT64_C(1) << 63;
    switch (type) {
    case MR_TYPE_BOOL: return *(const uint8_t *)cell;
    case MR_TYPE_INT16: return (uint64_t) * (const int16_t *)cell ^ sign;
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: return (uint64_t) * (const int32_t *)cell ^ sign;
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_INT64:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return (uint64_t) * (const int64_t *)cell ^ sign;
    case MR_TYPE_FLOAT32: return word_of_real((double)*(const float *)cell);
    case MR_TYPE_FLOAT64: return word_of_real(*(const double *)cell);
    case MR_TYPE_UUID: return word_of_bytes(cell, 16);
    default:
        return mr_type_is_text(type)
                   ? word_of_bytes(mr_text_data(cell), ((const MrText *)cell)->length)
                   : 0;
    }
}

static void set_words(const MrSinkTable *table, uint32_t key_index, const MrBlock *block,
                      Place *places, size_t offset)
{
    const MrVector *column = &block->columns[table->key_columns[key_index]];
    for (uint32_t row = 0; row < block->row_count; row++) {
        uint64_t word = mr_vector_is_null(column, row)
                            ? 0
                            : word_of_cell(column->type.id, mr_vector_cell(column, row));
        memcpy((char *)&places[row] + offset, &word, sizeof word);
    }
}

/* One pass of a sort from the least digit up: stable, by one byte of one word. */
static void sort_by_byte(const Place *from, Place *to, uint32_t count, size_t offset,
                         uint32_t shift)
{
    uint32_t starts[257] = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, (const char *)&from[i] + offset, sizeof word);
        starts[(word >> shift & 0xff) + 1]++;
    }
    for (uint32_t b = 1; b < 257; b++) {
        starts[b] += starts[b - 1];
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, (const char *)&from[i] + offset, sizeof word);
        to[starts[word >> shift & 0xff]++] = from[i];
    }
}

static bool is_in_order(const Place *places, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const Place *before = &places[i - 1], *place = &places[i];
        if (place->first < before->first ||
            (place->first == before->first && place->second < before->second)) {
            return false;
        }
    }
    return true;
}

/* Bytes in which no two rows differ, most of them as a rule, need no pass. */
static MrStatus sort_places(Place **places, uint32_t count, MrError *err)
{
    static const size_t offsets[2] = { offsetof(Place, second), offsetof(Place, first) };
    uint64_t differing[2] = { 0 };
    for (uint32_t i = 1; i < count; i++) {
        differing[0] |= (*places)[i].second ^ (*places)[0].second;
        differing[1] |= (*places)[i].first ^ (*places)[0].first;
    }
    Place *other = malloc(count * sizeof *other);
    if (other == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t w = 0; w < 2; w++) {
        for (uint32_t shift = 0; shift < 64; shift += 8) {
            if ((differing[w] >> shift & 0xff) != 0) {
                sort_by_byte(*places, other, count, offsets[w], shift);
                Place *sorted = other;
                other = *places;
                *places = sorted;
            }
        }
    }
    free(other);
    return MR_OK;
}

static uint64_t count_places(const MrSqliteRows *rows)
{
    uint64_t count = 0;
    for (uint32_t b = 0; b < rows->block_count; b++) {
        const MrBlock *block = rows->blocks[b];
        for (uint32_t row = 0;
             block->weights != NULL && rows->table->key_count == 0 && row < block->row_count;
             row++) {
            count += mr_sink_row_copies(block, row) - 1;
        }
        count += block->row_count;
    }
    return count;
}

/* Without a key a row is written as often as its weight says, in the order of the rows. */
static MrStatus place_rows(MrSqliteRows *rows, MrError *err)
{
    const MrSinkTable *table = rows->table;
    uint64_t count = count_places(rows);
    if (count > UINT32_MAX / 2) {
        return mr_error_set(err, MR_ERR_PROGRAM_LIMIT, "a commit can have at most %u rows",
                            UINT32_MAX / 2);
    }
    rows->places = malloc((count + 1) * sizeof *rows->places);
    if (rows->places == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t b = 0; b < rows->block_count; b++) {
        const MrBlock *block = rows->blocks[b];
        Place *places = rows->places + rows->place_count;
        for (uint32_t row = 0; row < block->row_count; row++) {
            uint32_t copies = table->key_count > 0 ? 1 : mr_sink_row_copies(block, row);
            for (uint32_t copy = 0; copy < copies; copy++) {
                rows->places[rows->place_count++] = (Place){ .block = b, .row = row };
            }
        }
        if (table->key_count > 0) {
            set_words(table, 0, block, places, offsetof(Place, first));
        }
        if (table->key_count > 1) {
            set_words(table, 1, block, places, offsetof(Place, second));
        }
    }
    rows->is_scattered = !is_in_order(rows->places, rows->place_count);
    return rows->is_scattered ? sort_places(&rows->places, rows->place_count, err) : MR_OK;
}

/* ---- the virtual table ----------------------------------------------------------------------- */

typedef struct RowsTable {
    sqlite3_vtab base;
    MrSqliteSink *sink;
} RowsTable;

typedef struct RowsCursor {
    sqlite3_vtab_cursor base;
    MrSqliteRows *rows;
    uint32_t at;
} RowsCursor;

/* The module's name ends in the number of columns. */
static int rows_connect(sqlite3 *db, void *context, int argument_count,
                        const char *const *arguments, sqlite3_vtab **out, char **message)
{
    (void)argument_count;
    (void)message;
    unsigned long columns = strtoul(arguments[0] + strlen(ROWS_NAME), NULL, 10);
    MrBuilder sql;
    mr_builder_init(&sql, 0);
    for (unsigned long c = 0; c < columns; c++) {
        mr_builder_append_format(&sql, "%sc%lu", c == 0 ? "CREATE TABLE t(" : ", ", c);
    }
    mr_builder_append_char(&sql, ')');
    const char *text = mr_builder_text(&sql);
    int code = text == NULL ? SQLITE_NOMEM : sqlite3_declare_vtab(db, text);
    mr_builder_fini(&sql);
    RowsTable *table = code == SQLITE_OK ? calloc(1, sizeof *table) : NULL;
    if (table == NULL) {
        return code == SQLITE_OK ? SQLITE_NOMEM : code;
    }
    /* Nothing that stands in the file, such as a trigger, may read it. */
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    table->sink = context;
    *out = &table->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int rows_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = STATEMENT_ROWS_MAX;
    info->estimatedRows = STATEMENT_ROWS_MAX;
    return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    RowsCursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    cursor->rows = ((RowsTable *)table)->sink->rows;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

/* Rows that were sorted are anywhere in their blocks, which another core has written. */
static void prefetch_row(const MrSqliteRows *rows, const Place *place)
{
    const MrBlock *block = rows->blocks[place->block];
    for (uint32_t c = 0; c < rows->table->schema.column_count; c++) {
        __builtin_prefetch(mr_vector_cell(&block->columns[c], place->row));
    }
}

/* The binders look at the block of the row that the cursor is at. */
static void enter_row(RowsCursor *cursor)
{
    MrSqliteRows *rows = cursor->rows;
    if (cursor->at >= rows->last) {
        return;
    }
    if (rows->is_scattered && cursor->at + PREFETCH_AHEAD < rows->last) {
        prefetch_row(rows, &rows->places[cursor->at + PREFETCH_AHEAD]);
    }
    uint32_t block = rows->places[cursor->at].block;
    if (cursor->at > rows->first && rows->places[cursor->at - 1].block == block) {
        return;
    }
    for (uint32_t c = 0; c < rows->table->schema.column_count; c++) {
        mr_sqlite_binder_enter(&rows->binders[c], &rows->blocks[block]->columns[c]);
    }
}

static int rows_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argument_count,
                       sqlite3_value **arguments)
{
    RowsCursor *cursor = (RowsCursor *)base;
    (void)number;
    (void)text;
    (void)argument_count;
    (void)arguments;
    if (cursor->rows == NULL) {
        return SQLITE_MISUSE;
    }
    cursor->at = cursor->rows->first;
    enter_row(cursor);
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    RowsCursor *cursor = (RowsCursor *)base;
    cursor->at++;
    enter_row(cursor);
    return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    const RowsCursor *cursor = (const RowsCursor *)base;
    return cursor->at >= cursor->rows->last;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int column)
{
    MrSqliteRows *rows = ((RowsCursor *)base)->rows;
    uint32_t row = rows->places[((RowsCursor *)base)->at].row;
    rows->status = mr_sqlite_value_result(&rows->binders[column], row, result, &rows->err);
    if (rows->status != MR_OK) {
        sqlite3_result_error(result, rows->err.message, -1);
        return SQLITE_ERROR;
    }
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((RowsCursor *)base)->at;
    return SQLITE_OK;
}

/* Without xCreate it is there by its name alone, and can be named nowhere else. */
static const sqlite3_module rows_module = {
    .xConnect = rows_connect,
    .xBestIndex = rows_plan,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

static MrStatus know_rows_table(MrSqliteSink *sink, uint32_t columns, MrError *err)
{
    char name[sizeof ROWS_NAME + 12];
    if (columns >= MR_SQLITE_COLUMNS_MAX) {
        return mr_error_set(err, MR_ERR_TOO_MANY_COLUMNS,
                            "SQLite's tables can have at most %d columns",
                            MR_SQLITE_COLUMNS_MAX - 1);
    }
    if (mr_bitmap_get(sink->row_tables, columns)) {
        return MR_OK;
    }
    snprintf(name, sizeof name, ROWS_NAME "%u", columns);
    int code = sqlite3_create_module(sink->db, name, &rows_module, sink);
    if (code != SQLITE_OK) {
        return mr_sqlite_error(sink->db, code, "prepare to write to the target", err);
    }
    mr_bitmap_set(sink->row_tables, columns);
    return MR_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void sql_append_conflict(const MrSinkTable *table, MrBuilder *out)
{
    bool updates = false;
    for (uint32_t i = 0; i < table->key_count; i++) {
        mr_builder_append_string(out, i == 0 ? " ON CONFLICT (" : ", ");
        mr_sqlite_append_conflict_key(table, i, out);
    }
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (mr_sink_is_key_column(table, i)) {
            continue;
        }
        mr_builder_append_string(out, updates ? ", " : ") DO UPDATE SET ");
        mr_builder_append_quoted_identifier(out, table->schema.columns[i].name);
        mr_builder_append_string(out, " = excluded.");
        mr_builder_append_quoted_identifier(out, table->schema.columns[i].name);
        updates = true;
    }
    if (!updates) {
        mr_builder_append_string(out, ") DO NOTHING");
    }
}

static void sql_append_insert(const MrSinkTable *table, MrBuilder *out)
{
    uint32_t columns = table->schema.column_count;
    mr_builder_clear(out);
    mr_builder_append_string(out, "INSERT INTO main.");
    mr_builder_append_quoted_identifier(out, table->name);
    for (uint32_t i = 0; i < columns; i++) {
        mr_builder_append_string(out, i == 0 ? " (" : ", ");
        mr_builder_append_quoted_identifier(out, table->schema.columns[i].name);
    }
    for (uint32_t i = 0; i < columns; i++) {
        mr_builder_append_format(out, "%sc%u", i == 0 ? ") SELECT " : ", ", i);
    }
    /* WHERE keeps "ON" from being read as a join's. */
    mr_builder_append_format(out, " FROM " ROWS_NAME "%u WHERE true", columns);
    if (table->key_count > 0) {
        sql_append_conflict(table, out);
    }
}

static MrStatus run_statement(MrSqliteSink *sink, sqlite3_stmt *statement, MrError *err)
{
    MrSqliteRows *rows = sink->rows;
    int code = sqlite3_step(statement);
    /* Only the reset gives the error's own code and ends the statement. */
    int reset = sqlite3_reset(statement);
    if (rows->status != MR_OK) {
        *err = rows->err;
        return rows->status;
    }
    if (code != SQLITE_DONE || reset != SQLITE_OK) {
        return mr_sqlite_error(sink->db, reset != SQLITE_OK ? reset : code,
                               "write a row to the target", err);
    }
    return MR_OK;
}

static MrStatus write_rows(MrSqliteSink *sink, MrSqliteRows *rows, MrError *err)
{
    sqlite3_stmt *statement;
    MR_TRY(know_rows_table(sink, rows->table->schema.column_count, err));
    sql_append_insert(rows->table, &sink->sql);
    MR_TRY(mr_sqlite_prepare(sink, &statement, err));
    while (rows->first < rows->place_count) {
        uint32_t left = rows->place_count - rows->first;
        rows->last = rows->first + (left < STATEMENT_ROWS_MAX ? left : STATEMENT_ROWS_MAX);
        MR_TRY(run_statement(sink, statement, err));
        rows->first = rows->last;
    }
    return MR_OK;
}

MrStatus mr_sqlite_insert_blocks(MrSqliteSink *sink, const MrSinkTable *table,
                                 const MrBlock *const *blocks, uint32_t block_count, MrError *err)
{
    uint32_t columns = table->schema.column_count;
    MrSqliteRows rows = {
        .table = table, .blocks = blocks, .block_count = block_count, .err = MR_ERROR_INIT
    };
    rows.binders = calloc(columns, sizeof *rows.binders);
    MrStatus status = rows.binders == NULL ? mr_error_no_memory(err) : place_rows(&rows, err);
    for (uint32_t c = 0; c < columns && status == MR_OK; c++) {
        status = mr_sqlite_binder_init(&rows.binders[c], table, c);
    }
    if (status == MR_OK) {
        sink->rows = &rows;
        status = write_rows(sink, &rows, err);
        sink->rows = NULL;
    }
    for (uint32_t c = 0; c < columns && rows.binders != NULL; c++) {
        mr_sqlite_binder_fini(&rows.binders[c]);
    }
    free(rows.binders);
    free(rows.places);
    return status;
}
