/*
 * storage/sinks/sift.c - see sift.h.
 *
 * A commit that fails on a row is rolled back whole and done again here: as long as nothing is
 * refused there is no savepoint.  Halves of the changes are written under one each until single
 * rows are left that fail.  Those are tried once more at the end, since what stood in the way, such
 * as a value that two rows exchange, may have gone by then.
 */
#include "storage/sinks/sift.h"

#include <stdio.h>
#include <stdlib.h>

#include "storage/row_text.h"

typedef struct Refused {
    MrSiftKind kind;
    const MrBlock *block;
    uint32_t row;
    MrError err;
} Refused;

typedef struct Sift {
    const MrSiftClass *sift;
    MrSink *sink;
    const MrEpoch *epoch;
    MrSinkTable dead; /* the table of dead letters */
    Refused *refused;
    uint32_t refused_count, refused_capacity;
    MrArena arena; /* of one write */
} Sift;

/* ---- rows under a savepoint ------------------------------------------------------------------ */

static MrStatus write_rows(Sift *s, MrSiftKind kind, const MrBlock *block, uint32_t first,
                           uint32_t count, MrError *err)
{
    MrBlock *part;
    uint32_t *rows;
    if (count == block->row_count) {
        return s->sift->write(s->sink, s->epoch->table, kind, block, err);
    }
    mr_arena_reset(&s->arena);
    MR_NEW_ARRAY(&s->arena, rows, count, err);
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = first + i;
    }
    MR_TRY(mr_block_select(&s->arena, block, rows, count, &part, err));
    return s->sift->write(s->sink, s->epoch->table, kind, part, err);
}

/* *refused: the target would not have one of the rows, `why` says for what reason, and nothing was
 * written.  Another error ends the transaction. */
static MrStatus try_rows(Sift *s, MrSiftKind kind, const MrBlock *block, uint32_t first,
                         uint32_t count, bool *refused, MrError *why, MrError *err)
{
    *refused = false;
    MR_TRY(s->sift->run(s->sink, "SAVEPOINT millrace_sift", err));
    mr_error_clear(why);
    MrStatus status = write_rows(s, kind, block, first, count, why);
    if (status != MR_OK && mr_sink_classify(why) != MR_SINK_FAULT_DATA) {
        *err = *why;
        return status;
    }
    if (status != MR_OK) {
        *refused = true;
        MR_TRY(s->sift->run(s->sink, "ROLLBACK TO SAVEPOINT millrace_sift", err));
    }
    return s->sift->run(s->sink, "RELEASE SAVEPOINT millrace_sift", err);
}

/* ---- the rows that are refused --------------------------------------------------------------- */

/* The query stops with the error of the row, which tells more than the number. */
static MrStatus too_many(const Sift *s, const MrError *why, MrError *err)
{
    char message[sizeof why->message];
    snprintf(message, sizeof message, "%s", why->message);
    *err = *why;
    mr_error_set(err, why->status, "\"%s\" would have more than %u rows: %s", s->dead.name,
                 s->epoch->dead->limit, message);
    mr_error_sqlstate(err, why->sqlstate);
    return mr_error_hint(
        err,
        "Mend what is refused, delete the rows of \"%s\", and RESUME; the limit is "
        "the setting error_limit.",
        s->dead.name);
}

static MrStatus refuse(Sift *s, MrSiftKind kind, const MrBlock *block, uint32_t row,
                       const MrError *why, MrError *err)
{
    if (s->epoch->dead->rows + s->refused_count >= s->epoch->dead->limit) {
        return too_many(s, why, err);
    }
    if (s->refused_count == s->refused_capacity) {
        uint32_t capacity = s->refused_capacity * 2 + 16;
        Refused *refused = realloc(s->refused, capacity * sizeof *refused);
        if (refused == NULL) {
            return mr_error_no_memory(err);
        }
        s->refused = refused;
        s->refused_capacity = capacity;
    }
    s->refused[s->refused_count++] =
        (Refused){ .kind = kind, .block = block, .row = row, .err = *why };
    return MR_OK;
}

/* The row from before must not stand for the one that was refused. */
static MrStatus delete_former(Sift *s, const MrBlock *block, uint32_t row, MrError *why,
                              MrError *err)
{
    bool kept;
    MrError reason = MR_ERROR_INIT;
    MR_TRY(try_rows(s, MR_SIFT_DELETE, block, row, 1, &kept, &reason, err));
    if (kept && strncmp(reason.sqlstate, "23", 2) == 0) { /* 22: no row can have such a key */
        size_t length = strlen(why->message);
        snprintf(why->message + length, sizeof why->message - length, "; its former row stays: %s",
                 reason.message);
    }
    return MR_OK;
}

/* Halves, the earlier rows first: of two that cannot both be there the first one stays. */
static MrStatus sift_range(Sift *s, MrSiftKind kind, const MrBlock *block, uint32_t first,
                           uint32_t count, MrError *err)
{
    bool refused;
    MrError why = MR_ERROR_INIT;
    MR_TRY(try_rows(s, kind, block, first, count, &refused, &why, err));
    if (!refused) {
        return MR_OK;
    }
    if (count > 1) {
        MR_TRY(sift_range(s, kind, block, first, count / 2, err));
        return sift_range(s, kind, block, first + count / 2, count - count / 2, err);
    }
    if (kind == MR_SIFT_UPSERT) {
        MR_TRY(delete_former(s, block, first, &why, err));
    }
    return refuse(s, kind, block, first, &why, err);
}

static MrStatus sift_blocks(Sift *s, MrSiftKind kind, const MrBlock *const *blocks, uint32_t count,
                            MrError *err)
{
    for (uint32_t b = 0; b < count; b++) {
        if (blocks[b]->row_count > 0) {
            MR_TRY(sift_range(s, kind, blocks[b], 0, blocks[b]->row_count, err));
        }
    }
    return MR_OK;
}

static MrStatus try_refused_again(Sift *s, MrError *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->refused_count; i++) {
        Refused *item = &s->refused[i];
        MrError why = MR_ERROR_INIT;
        bool refused;
        MR_TRY(try_rows(s, item->kind, item->block, item->row, 1, &refused, &why, err));
        if (refused) {
            s->refused[kept++] = *item;
        }
    }
    s->refused_count = kept;
    return MR_OK;
}

/* ---- dead letters ---------------------------------------------------------------------------- */

static MrStatus put_text(MrBlock *block, uint32_t column, uint32_t row, MrString text,
                         MrArena *arena, MrError *err)
{
    char *copy = mr_arena_alloc(arena, text.length + 1);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(copy, text.data, text.length);
    ((MrText *)block->columns[column].data)[row] = mr_text_make(copy, (uint32_t)text.length);
    return MR_OK;
}

/* In UTC: no session's settings decide how a row is written down. */
static MrStatus put_row(const Refused *item, MrBlock *block, uint32_t row, MrArena *arena,
                        MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    mr_row_text_whole(item->block, item->row, NULL, &text);
    MrStatus status =
        text.failed ? mr_error_no_memory(err)
                    : put_text(block, 3, row, (MrString){ text.data, text.length }, arena, err);
    mr_builder_fini(&text);
    return status;
}

static MrStatus put_letter(const Sift *s, const Refused *item, MrBlock *block, uint32_t row,
                           MrArena *arena, MrError *err)
{
    static const char *const kinds[] = {
        [MR_SIFT_INSERT] = "insert",
        [MR_SIFT_UPSERT] = "upsert",
        [MR_SIFT_DELETE] = "delete",
    };
    size_t length = strlen(item->err.message); /* may have been cut within a character */
    length = mr_utf8_check(item->err.message, length);
    ((int64_t *)block->columns[0].data)[row] = (int64_t)s->epoch->sequence;
    ((int64_t *)block->columns[2].data)[row] =
        item->kind == MR_SIFT_INSERT ? mr_sink_row_copies(item->block, item->row) : 1;
    MR_TRY(put_text(block, 1, row, mr_string(kinds[item->kind]), arena, err));
    MR_TRY(put_row(item, block, row, arena, err));
    MR_TRY(put_text(block, 4, row, mr_string(item->err.sqlstate), arena, err));
    return put_text(block, 5, row, (MrString){ item->err.message, length }, arena, err);
}

static MrStatus write_letters(Sift *s, MrError *err)
{
    MrBlock *block;
    if (s->refused_count == 0) {
        return MR_OK;
    }
    mr_arena_reset(&s->arena);
    MR_TRY(mr_block_create(&s->arena, &s->dead.schema, s->refused_count, &block, err));
    for (uint32_t i = 0; i < s->refused_count; i++) {
        MR_TRY(put_letter(s, &s->refused[i], block, i, &s->arena, err));
    }
    MR_TRY(s->sift->write(s->sink, &s->dead, MR_SIFT_INSERT, block, err));
    s->epoch->dead->rows += s->refused_count;
    return MR_OK;
}

static MrStatus sift_changes(Sift *s, MrError *err)
{
    const MrChangeSet *changes = &s->epoch->changes;
    MrSiftKind kind = s->epoch->table->key_count > 0 ? MR_SIFT_UPSERT : MR_SIFT_INSERT;
    MR_TRY(s->sift->count(s->sink, &s->dead, &s->epoch->dead->rows, err));
    MR_TRY(sift_blocks(s, MR_SIFT_DELETE, changes->deletes, changes->delete_blocks, err));
    MR_TRY(sift_blocks(s, kind, changes->upserts, changes->upsert_blocks, err));
    MR_TRY(try_refused_again(s, err));
    return write_letters(s, err);
}

MrStatus mr_sink_sift(const MrSiftClass *sift, MrSink *sink, const MrEpoch *epoch, MrError *err)
{
    char name[MR_SINK_SIDE_NAME_BYTES];
    Sift s = { .sift = sift, .sink = sink, .epoch = epoch };
    s.dead = mr_sink_dead_table(epoch->table, name);
    mr_arena_init(&s.arena, 0);
    MrStatus status = sift_changes(&s, err);
    mr_arena_fini(&s.arena);
    free(s.refused);
    return status;
}

MrStatus mr_sink_count_dead(MrSinkCount *count, MrSink *sink, const MrSinkTable *table,
                            uint64_t *out, MrError *err)
{
    char name[MR_SINK_SIDE_NAME_BYTES];
    if (table == NULL || !table->keeps_dead) {
        return MR_OK;
    }
    MrSinkTable dead = mr_sink_dead_table(table, name);
    return count(sink, &dead, out, err);
}
