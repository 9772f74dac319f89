/*
 * storage/sinks/notify_rows.c - see notify_rows.h.
 */
#include "storage/sinks/notify_rows.h"

#include <inttypes.h>

#include "common/timezone.h"
#include "storage/codec.h"
#include "storage/sinks/sinks.h"

/* Rows that are JSON at once. */
enum { ROWS_AT_ONCE = 1024 };

/* Which columns of the rows are told, and the text under way. */
typedef struct RowTeller {
    const MrEpoch *epoch;
    MrNotifyRows *out;
    MrCodecOptions form;
    MrBuilder lines, object;
} RowTeller;

/* The oldest make room: at least half of what is there, so that each text is moved once. */
static void drop_oldest(MrNotifyRows *out)
{
    MrBuilder *texts = &out->texts;
    size_t from = 0;
    while (texts->length - from > MR_NOTIFY_ROWS_BYTES_MAX) {
        from += strlen(texts->data + from) + 1;
        out->dropped++;
    }
    if (from > 0) {
        memmove(texts->data, texts->data + from, texts->length - from);
        texts->length -= from;
    }
}

static void add_text(MrNotifyRows *out, MrBuilder *object)
{
    if (object->failed) {
        out->texts.failed = true;
        return;
    }
    mr_builder_append(&out->texts, object->data, object->length);
    mr_builder_append_char(&out->texts, '\0');
    if (!out->texts.failed && out->texts.length > 2 * (size_t)MR_NOTIFY_ROWS_BYTES_MAX) {
        drop_oldest(out);
    }
}

static void begin_object(RowTeller *teller, int64_t weight)
{
    mr_builder_clear(&teller->object);
    mr_builder_append_format(&teller->object, "{\"mr_seq\":%" PRIu64 ",\"mr_diff\":%" PRId64,
                             teller->epoch->sequence, weight);
}

/* The columns one by one, as long as they fit. */
static MrStatus tell_cut(RowTeller *teller, const MrBlock *block, uint32_t row, int64_t weight,
                         MrError *err)
{
    MrArena arena;
    MrBlock *alone;
    mr_arena_init(&arena, 0);
    begin_object(teller, weight);
    mr_builder_append_string(&teller->object, ",\"mr_cut\":true");
    MrStatus status = mr_block_select(&arena, block, &row, 1, &alone, err);
    for (uint32_t c = 0; status == MR_OK && c < teller->form.column_count; c++) {
        MrCodecOptions one = teller->form;
        one.columns = &teller->form.columns[c];
        one.column_count = 1;
        mr_builder_clear(&teller->lines);
        status = mr_codec_json.encode(&one, alone, &teller->lines, err);
        /* "{…}\n": what is inside, a comma before it and the brace behind all. */
        if (status == MR_OK &&
            teller->object.length + teller->lines.length - 1 <= MR_NOTIFY_PAYLOAD_BYTES_MAX) {
            mr_builder_append_char(&teller->object, ',');
            mr_builder_append(&teller->object, teller->lines.data + 1, teller->lines.length - 3);
        }
    }
    mr_builder_append_char(&teller->object, '}');
    add_text(teller->out, &teller->object);
    mr_arena_fini(&arena);
    return status;
}

/* `line`: the row's object and a line end. */
static bool tell_whole(RowTeller *teller, MrString line, int64_t weight)
{
    begin_object(teller, weight);
    if (teller->object.length + line.length - 1 > MR_NOTIFY_PAYLOAD_BYTES_MAX) {
        return false;
    }
    mr_builder_append_char(&teller->object, ',');
    mr_builder_append(&teller->object, line.data + 1, line.length - 2);
    add_text(teller->out, &teller->object);
    return true;
}

static int64_t weight_of(const MrBlock *block, uint32_t row, bool goes)
{
    return goes ? -1 : (int64_t)mr_sink_row_copies(block, row);
}

/* A row that must be cut uses the builder of the lines: its block is taken up again behind it. */
static MrStatus tell_rows(RowTeller *teller, const MrBlock *block, bool goes, uint32_t *next,
                          MrArena *arena, MrError *err)
{
    MrBlock *part;
    uint32_t first = *next, left = block->row_count - first;
    uint32_t *rows, count = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    MR_NEW_ARRAY(arena, rows, count, err);
    for (uint32_t row = 0; row < count; row++) {
        rows[row] = first + row;
    }
    MR_TRY(mr_block_select(arena, block, rows, count, &part, err));
    mr_builder_clear(&teller->lines);
    MR_TRY(mr_codec_json.encode(&teller->form, part, &teller->lines, err));
    for (size_t at = 0; at < teller->lines.length;) {
        const char *line = teller->lines.data + at;
        const char *end = memchr(line, '\n', teller->lines.length - at);
        MrString text = { line, (size_t)(end - line) + 1 };
        uint32_t row = (*next)++;
        int64_t weight = weight_of(block, row, goes);
        at += text.length;
        if (weight != 0 && !tell_whole(teller, text, weight)) {
            return tell_cut(teller, block, row, weight, err);
        }
    }
    return MR_OK;
}

static MrStatus tell_block(RowTeller *teller, const MrBlock *block, bool goes, MrError *err)
{
    for (uint32_t next = 0; next < block->row_count;) {
        MrArena arena;
        mr_arena_init(&arena, 0);
        MrStatus status = tell_rows(teller, block, goes, &next, &arena, err);
        mr_arena_fini(&arena);
        MR_TRY(status);
    }
    return MR_OK;
}

/* All columns of the table, or those of the key.  Text is UTC whatever zone the query has. */
static MrStatus choose_columns(RowTeller *teller, MrArena *arena, bool key_only, MrError *err)
{
    const MrSinkTable *table = teller->epoch->table;
    uint32_t count = key_only ? table->key_count : table->schema.column_count;
    MrCodecColumn *columns;
    MR_NEW_ARRAY(arena, columns, count + 1, err);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t c = key_only ? table->key_columns[i] : i;
        columns[i] = (MrCodecColumn){ .name = table->schema.columns[c].name,
                                      .type = table->schema.columns[c].type,
                                      .target = (int32_t)c };
    }
    teller->form = (MrCodecOptions){ .columns = columns,
                                     .column_count = count,
                                     .schema = &table->schema,
                                     .zone = mr_timezone_utc(),
                                     .relation = table->sink_name };
    return MR_OK;
}

static MrStatus tell_changes(RowTeller *teller, MrArena *arena, MrError *err)
{
    const MrChangeSet *changes = &teller->epoch->changes;
    MR_TRY(choose_columns(teller, arena, true, err));
    for (uint32_t b = 0; b < changes->delete_blocks; b++) {
        MR_TRY(tell_block(teller, changes->deletes[b], true, err));
    }
    MR_TRY(choose_columns(teller, arena, false, err));
    for (uint32_t b = 0; b < changes->upsert_blocks; b++) {
        MR_TRY(tell_block(teller, changes->upserts[b], false, err));
    }
    return MR_OK;
}

MrStatus mr_notify_rows(const MrEpoch *epoch, MrNotifyRows *out, MrError *err)
{
    RowTeller teller = { .epoch = epoch, .out = out };
    MrArena arena;
    mr_arena_init(&arena, 0);
    mr_builder_init(&teller.lines, 0);
    mr_builder_init(&teller.object, 0);
    mr_builder_clear(&out->texts);
    out->dropped = 0;
    MrStatus status = tell_changes(&teller, &arena, err);
    if (status == MR_OK && out->texts.failed) {
        status = mr_error_no_memory(err);
    } else if (status == MR_OK) {
        drop_oldest(out);
    }
    mr_builder_fini(&teller.lines);
    mr_builder_fini(&teller.object);
    mr_arena_fini(&arena);
    return status;
}
