/*
 * server/tables.c - the contents of tables, the turn to change them, commit: see tables.h.
 */
#include "server/tables.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/fault.h"
#include "common/grow.h"
#include "common/logging.h"
#include "server/session.h"
#include "server/tables_internal.h"

enum { TURN_GRACE_US = 10 * 1000 };

/* ---- the tables ------------------------------------------------------------------------------ */

void mr_tables_set_memory(MrServer *server)
{
    atomic_store_explicit(&server->tables->memory.bytes_max,
                          mr_settings_int(server->settings, MR_SET_TABLE_MEMORY),
                          memory_order_relaxed);
}

MrStatus mr_tables_create(MrServer *server, MrError *err)
{
    server->tables = calloc(1, sizeof *server->tables);
    if (server->tables == NULL) {
        return mr_error_no_memory(err);
    }
    mr_tables_set_memory(server);
    return MR_OK;
}

void mr_tables_destroy(MrServer *server)
{
    MrTables *tables = server->tables;
    if (tables == NULL) {
        return;
    }
    mr_tables_end_checkpoint(server);
    mr_tables_end_netting(server);
    for (uint32_t t = 0; t < tables->count; t++) {
        mr_table_destroy(tables->entries[t].table);
        mr_catalog_unref(tables->entries[t].expected_catalog);
    }
    while (tables->queue != NULL) {
        Turn *turn = tables->queue;
        tables->queue = turn->next;
        free(turn);
    }
    if (tables->grace != NULL) {
        event_free(tables->grace);
    }
    free(tables->entries);
    free(tables);
    server->tables = NULL;
}

TableEntry *mr_tables_entry(MrTables *tables, uint32_t stream_id)
{
    uint32_t low = 0, high = tables->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (tables->entries[middle].stream_id < stream_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < tables->count && tables->entries[low].stream_id == stream_id
               ? &tables->entries[low]
               : NULL;
}

MrTable *mr_tables_find(MrServer *server, uint32_t stream_id)
{
    TableEntry *entry = mr_tables_entry(server->tables, stream_id);
    return entry == NULL ? NULL : entry->table;
}

/* Ids only grow: a new table is the last. */
static MrStatus add_entry(MrTables *tables, const TableEntry *entry, MrError *err)
{
    MR_GROW(tables->entries, tables->count, tables->capacity, err);
    tables->entries[tables->count++] = *entry;
    return MR_OK;
}

MrStatus mr_tables_add_index(MrTable *table, const MrIndexDef *index, uint32_t *twice, MrError *err)
{
    uint32_t columns[MR_INDEX_COLUMNS_MAX];
    for (uint32_t c = 0; c < index->column_count; c++) {
        columns[c] = (uint32_t)index->columns[c].column;
    }
    const MrTableIndexOptions options = { .id = index->oid,
                                          .columns = columns,
                                          .column_count = index->column_count,
                                          .is_unique = index->is_unique,
                                          .nulls_are_equal = index->nulls_not_distinct };
    return mr_table_index_create(table, &options, twice, err);
}

MrStatus mr_tables_define(MrServer *server, const MrRelation *relation, MrError *err)
{
    MrTable *there = mr_tables_find(server, relation->stream->id);
    if (there != NULL) {
        return mr_table_add_columns(there, &relation->stream->schema, err);
    }
    TableEntry entry = { .stream_id = relation->stream->id };
    MrTableOptions options = { .name = relation->name,
                               .schema = &relation->stream->schema,
                               .keys = relation->table->keys,
                               .key_count = relation->table->key_count,
                               .number_column = relation->table->number_column,
                               .memory = &server->tables->memory };
    MR_TRY(mr_table_create(&options, &entry.table, err));
    MrStatus status = MR_OK;
    for (uint32_t i = 0; i < relation->index_count && status == MR_OK; i++) {
        uint32_t twice; /* there are no rows yet */
        status = mr_tables_add_index(entry.table, &relation->indexes[i], &twice, err);
    }
    if (status == MR_OK) {
        status = add_entry(server->tables, &entry, err);
    }
    if (status != MR_OK) {
        mr_table_destroy(entry.table);
    }
    return status;
}

static void put_aside(MrServer *server);

/* Who has changed the table and not committed finds at COMMIT that it is gone, unless it has
 * dropped the table itself. */
void mr_tables_remove(MrServer *server, uint32_t stream_id)
{
    MrTables *tables = server->tables;
    TableEntry *entry = mr_tables_entry(tables, stream_id);
    if (entry != NULL) {
        const MrSession *holder = tables->holder;
        if (entry->is_touched && holder != NULL && holder->current == NULL) {
            put_aside(server);
        }
        uint32_t at = (uint32_t)(entry - tables->entries);
        mr_tables_forget_checkpoint(server, entry);
        mr_table_destroy(entry->table);
        mr_catalog_unref(entry->expected_catalog);
        tables->count--;
        memmove(entry, entry + 1, (tables->count - at) * sizeof *entry);
    }
}

/* ---- turns ----------------------------------------------------------------------------------- */

bool mr_tables_has_turn(const MrSession *session)
{
    return session->server->tables->holder == session;
}

static void give_turn(MrTables *tables, MrSession *session)
{
    tables->holder = session;
    tables->turn++;
}

bool mr_tables_take_turn(MrSession *session)
{
    MrTables *tables = session->server->tables;
    MrSession *holder = tables->holder;
    if (holder != NULL && holder != session && !holder->is_advancing) {
        mr_tables_yield_turn(holder, false);
    }
    if (tables->holder == NULL) {
        give_turn(tables, session);
    }
    return tables->holder == session;
}

void mr_tables_yield_turn(MrSession *session, bool if_awaited)
{
    bool is_idle = session->transaction.state == MR_TX_NONE && session->current == NULL &&
                   !session->script.is_active && !session->is_waiting;
    MrError err = MR_ERROR_INIT;
    if (!mr_tables_has_turn(session)) {
        return;
    }
    session->server->tables->is_quiet = false;
    if (is_idle && (!if_awaited || session->server->tables->queue != NULL) &&
        mr_transaction_cut(session, &err) != MR_OK) {
        mr_log_error(MR_LOG_WARNING, "tables.commit", &err);
    }
}

static void forget_cancelled(MrServer *server)
{
    Turn **link = &server->tables->queue;
    while (*link != NULL) {
        Turn *turn = *link;
        if (mr_wait_is_cancelled(turn->wait)) {
            *link = turn->next;
            mr_wait_tell(server, turn->wait, MR_OK, NULL);
            free(turn);
        } else {
            link = &turn->next;
        }
    }
}

/* No statement of the explicit transaction is at the tables. */
static bool can_put_aside(const MrSession *session)
{
    return session->transaction.state != MR_TX_NONE && session->adhoc == NULL &&
           session->changes_then == NULL && !session->is_advancing;
}

/* What the holder's transaction did runs again when it goes on; not in the midst of a statement. */
static void put_aside(MrServer *server)
{
    MrSession *holder = server->tables->holder;
    if (holder != NULL && can_put_aside(holder)) {
        holder->transaction.is_applied = false;
        mr_tables_rollback(server);
        mr_tables_end_turn(holder);
    }
}

static void start_grace(MrServer *server);

static void on_grace(evutil_socket_t fd, short what, void *context)
{
    MrServer *server = context;
    MrTables *tables = server->tables;
    (void)fd;
    (void)what;
    forget_cancelled(server);
    if (tables->queue == NULL || tables->holder == NULL) {
        return;
    }
    if (tables->is_quiet) {
        put_aside(server);
    }
    start_grace(server);
    tables->is_quiet = true; /* unless something comes from it */
}

/* A client may think as long as it likes, but not with the turn.  Without memory for a timer others
 * wait until its transaction ends. */
static void start_grace(MrServer *server)
{
    const struct timeval interval = { .tv_usec = TURN_GRACE_US };
    MrTables *tables = server->tables;
    if (tables->grace == NULL) {
        tables->grace = event_new(server->base, -1, 0, on_grace, server);
    }
    if (tables->grace != NULL && !event_pending(tables->grace, EV_TIMEOUT, NULL)) {
        tables->is_quiet = false;
        event_add(tables->grace, &interval);
    }
}

MrWait *mr_tables_wait_turn(MrSession *session)
{
    Turn *turn = calloc(1, sizeof *turn);
    if (turn == NULL) {
        MrError err = MR_ERROR_INIT;
        mr_error_no_memory(&err);
        mr_server_panic(&err);
    }
    start_grace(session->server);
    turn->session = session;
    turn->wait = mr_wait_told(session->server, mr_session_wait_done, session);
    Turn **last = &session->server->tables->queue;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = turn;
    return turn->wait;
}

void mr_tables_end_turn(MrSession *session)
{
    MrServer *server = session->server;
    MrTables *tables = server->tables;
    if (tables == NULL || tables->holder != session) {
        return;
    }
    tables->holder = NULL;
    while (tables->holder == NULL && tables->queue != NULL) {
        Turn *turn = tables->queue;
        tables->queue = turn->next;
        if (!mr_wait_is_cancelled(turn->wait)) {
            give_turn(tables, turn->session);
        }
        mr_wait_tell(server, turn->wait, MR_OK, NULL);
        free(turn);
    }
}

/* ---- statements ------------------------------------------------------------------------------ */

void mr_tables_begin_statement(MrServer *server)
{
    server->tables->statement++;
}

uint64_t mr_tables_statement(const MrServer *server)
{
    return server->tables->statement;
}

/* ---- a transaction's changes ----------------------------------------------------------------- */

MrStatus mr_tables_touch(MrServer *server, MrTable *table, uint32_t stream_id, MrError *err)
{
    TableEntry *entry = mr_tables_entry(server->tables, stream_id);
    if (entry == NULL || entry->table != table) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a table is changed that is not there");
    }
    entry->is_touched = true;
    return MR_OK;
}

bool mr_tables_are_touched(const MrServer *server)
{
    const MrTables *tables = server->tables;
    for (uint32_t t = 0; t < tables->count; t++) {
        if (tables->entries[t].is_touched && mr_table_change_mark(tables->entries[t].table) > 0) {
            return true;
        }
    }
    return false;
}

static MrStatus append_changes(const TableEntry *entry, MrLogTransaction *transaction, MrError *err)
{
    MrArena arena;
    MrStatus status;
    MrBlock *block;
    uint32_t mark = 0, count = mr_table_change_mark(entry->table);
    mr_arena_init(&arena, 0);
    do {
        mr_arena_reset(&arena);
        block = NULL;
        status = mr_table_changes(entry->table, &mark, &arena, &block, err);
        if (status == MR_OK && block != NULL) {
            status = mr_log_append(transaction, entry->stream_id, block, (MrString){ 0 }, err);
        }
    } while (status == MR_OK && mark < count);
    mr_arena_fini(&arena);
    return status;
}

MrStatus mr_tables_append(MrServer *server, MrLogTransaction *transaction, MrError *err)
{
    MrTables *tables = server->tables;
    for (uint32_t t = 0; t < tables->count; t++) {
        if (tables->entries[t].is_touched) {
            MR_TRY(append_changes(&tables->entries[t], transaction, err));
        }
    }
    return MR_OK;
}

void mr_tables_commit(MrServer *server, uint64_t sequence)
{
    MrTables *tables = server->tables;
    mr_fault_point("table.before_state"); /* a kill here: the log has the changes, and decides */
    for (uint32_t t = 0; t < tables->count; t++) {
        TableEntry *entry = &tables->entries[t];
        if (entry->is_touched) {
            entry->changes += mr_table_change_mark(entry->table);
            mr_table_commit(entry->table, sequence);
            mr_table_vacuum(entry->table);
            entry->is_touched = false;
        }
    }
    mr_tables_checkpoint_due(server);
}

void mr_tables_rollback(MrServer *server)
{
    MrTables *tables = server->tables;
    for (uint32_t t = 0; t < tables->count; t++) {
        if (tables->entries[t].is_touched) {
            mr_table_rollback(tables->entries[t].table, 0);
            mr_table_vacuum(tables->entries[t].table);
            tables->entries[t].is_touched = false;
        }
    }
}

/* ---- savepoints ------------------------------------------------------------------------------ */

struct MrTableMark {
    uint32_t stream_id, mark;
};

MrStatus mr_tables_mark(MrSession *session, MrTablesMark *out, MrError *err)
{
    const MrTables *tables = session->server->tables;
    *out = (MrTablesMark){ 0 };
    if (tables->holder != session) {
        return MR_OK;
    }
    out->items = malloc((tables->count + 1) * sizeof *out->items);
    if (out->items == NULL) {
        return mr_error_no_memory(err);
    }
    out->turn = tables->turn;
    for (uint32_t t = 0; t < tables->count; t++) {
        if (tables->entries[t].is_touched) {
            out->items[out->count++] =
                (struct MrTableMark){ tables->entries[t].stream_id,
                                      mr_table_change_mark(tables->entries[t].table) };
        }
    }
    return MR_OK;
}

void mr_tables_mark_free(MrTablesMark *mark)
{
    free(mark->items);
    mark->items = NULL;
}

static uint32_t find_mark(const MrTablesMark *mark, uint32_t stream_id)
{
    for (uint32_t i = 0; i < mark->count; i++) {
        if (mark->items[i].stream_id == stream_id) {
            return mark->items[i].mark;
        }
    }
    return 0; /* it was touched later */
}

bool mr_tables_roll_back_to(MrSession *session, const MrTablesMark *mark)
{
    MrTables *tables = session->server->tables;
    if (tables->holder != session || tables->turn != mark->turn) {
        return false;
    }
    for (uint32_t t = 0; t < tables->count; t++) {
        if (tables->entries[t].is_touched) {
            mr_table_rollback(tables->entries[t].table,
                              find_mark(mark, tables->entries[t].stream_id));
        }
    }
    return true;
}
