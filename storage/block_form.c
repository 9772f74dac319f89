/*
 * storage/block_form.c - the form of a block that leaves memory: what log and checkpoint hold.
 *
 *   BlockHead | ColumnHead × columns | per column: cells, validity, heap | weights
 *
 * Every buffer starts on a multiple of 64 bytes from the start, gaps are zero.  The cells are those
 * of the vector, but a view of long text holds an offset into the column's heap.  Integers are
 * little endian.  The place in the log is the frame's business and is not in here.
 * Must not know files, checksums or SQL.
 */
#include "storage/array.h"
#include "storage/block.h"

#include "common/clock.h"

enum { FORM_ALIGN = 64, FORM_COLUMNS_MAX = 65535, FORM_ROWS_MAX = 1 << 30 };

typedef struct BlockHead {
    uint32_t row_count;
    uint32_t column_count;
    uint64_t total_bytes;
    uint32_t has_weights;
    uint32_t unused;
} BlockHead;

typedef struct ColumnHead {
    uint16_t type_oid_low; /* OIDs, unlike our enum, never change; all of ours fit 16 bits */
    uint8_t is_constant;
    uint8_t has_validity;
    int32_t typmod;
    uint64_t data_bytes;
    uint64_t heap_bytes;
} ColumnHead;

_Static_assert(sizeof(BlockHead) == 24 && sizeof(ColumnHead) == 24, "the form has no holes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the form is little endian");

static size_t form_align(size_t bytes)
{
    return (bytes + FORM_ALIGN - 1) & ~(size_t)(FORM_ALIGN - 1);
}

static uint32_t vector_stored_rows(const MrVector *vector)
{
    return vector->is_constant ? 1 : vector->row_count;
}

static bool cell_is_valid(const MrVector *vector, uint32_t row)
{
    return vector->validity == NULL || mr_bitmap_get(vector->validity, row);
}

/* Heads and what follows them for `columns` columns. */
static size_t heads_bytes(uint32_t columns)
{
    return form_align(sizeof(BlockHead) + sizeof(ColumnHead) * (size_t)columns);
}

static ColumnHead column_head(const MrVector *vector)
{
    uint32_t rows = vector_stored_rows(vector);
    const MrTypeInfo *info = mr_type_info(vector->type.id);
    ColumnHead head = { .type_oid_low = (uint16_t)info->oid,
                        .is_constant = vector->is_constant,
                        .has_validity = vector->validity != NULL,
                        .typmod = vector->type.typmod,
                        .data_bytes = (uint64_t)info->width * rows };
    if (info->is_text) {
        const MrText *texts = vector->data;
        for (uint32_t row = 0; row < rows; row++) {
            /* Cells of null rows are not looked at: they may hold anything. */
            if (cell_is_valid(vector, row) && texts[row].length > MR_TEXT_INLINE_MAX) {
                head.heap_bytes += texts[row].length;
            }
        }
    }
    return head;
}

static size_t column_bytes(const MrVector *vector, const ColumnHead *head)
{
    size_t bytes = form_align(head->data_bytes);
    if (head->has_validity) {
        bytes += form_align(sizeof(uint64_t) * mr_bitmap_words(vector_stored_rows(vector)));
    }
    return bytes + form_align(head->heap_bytes);
}

size_t mr_block_encoded_bytes(const MrBlock *block)
{
    size_t bytes = heads_bytes(block->column_count);
    for (uint32_t i = 0; i < block->column_count; i++) {
        ColumnHead head = column_head(&block->columns[i]);
        bytes += column_bytes(&block->columns[i], &head);
    }
    if (block->weights != NULL) {
        bytes += form_align(sizeof(int32_t) * (size_t)block->row_count);
    }
    return bytes;
}

/* Copies `bytes` and zeroes up to the next multiple of 64; returns what follows. */
static char *buffer_put(char *to, const void *from, size_t bytes)
{
    if (bytes > 0) {
        memcpy(to, from, bytes);
    }
    memset(to + bytes, 0, form_align(bytes) - bytes);
    return to + form_align(bytes);
}

/* Views first, then the heap.  Decoders lay long text out row after row, so that many rows go by
 * one memcpy: `run` is what has been seen to lie side by side and waits to be copied. */
static char *texts_put(char *to, const MrVector *vector, const ColumnHead *head, char *heap)
{
    const MrText *from = vector->data;
    MrText *views = (MrText *)(void *)to;
    uint32_t rows = vector_stored_rows(vector);
    const char *run = NULL;
    size_t run_bytes = 0;
    uint64_t offset = 0;
    for (uint32_t row = 0; row < rows; row++) {
        if (!cell_is_valid(vector, row)) {
            memset(&views[row], 0, sizeof views[row]);
            continue;
        }
        memcpy(&views[row], &from[row], sizeof views[row]);
        uint32_t length = from[row].length;
        if (length <= MR_TEXT_INLINE_MAX) {
            continue;
        }
        memcpy(views[row].rest, &offset, sizeof offset);
        if (run == NULL || from[row].pointer != run + run_bytes) {
            if (run != NULL) {
                memcpy(heap + offset - run_bytes, run, run_bytes);
            }
            run = from[row].pointer;
            run_bytes = 0;
        }
        run_bytes += length;
        offset += length;
    }
    if (run != NULL) {
        memcpy(heap + offset - run_bytes, run, run_bytes);
    }
    memset(to + head->data_bytes, 0, form_align(head->data_bytes) - head->data_bytes);
    memset(heap + offset, 0, form_align(offset) - offset);
    return to + form_align(head->data_bytes);
}

static char *column_put(char *to, const MrVector *vector, const ColumnHead *head)
{
    size_t words_bytes = sizeof(uint64_t) * mr_bitmap_words(vector_stored_rows(vector));
    if (mr_type_is_text(vector->type.id)) {
        char *heap =
            to + form_align(head->data_bytes) + (head->has_validity ? form_align(words_bytes) : 0);
        to = texts_put(to, vector, head, heap);
    } else {
        to = buffer_put(to, vector->data, head->data_bytes);
    }
    if (head->has_validity) {
        to = buffer_put(to, vector->validity, words_bytes);
    }
    return to + form_align(head->heap_bytes);
}

void mr_block_encode(const MrBlock *block, void *out)
{
    char *start = out;
    size_t heads = sizeof(BlockHead) + sizeof(ColumnHead) * (size_t)block->column_count;
    char *to = start + form_align(heads);
    memset(start + heads, 0, form_align(heads) - heads);
    for (uint32_t i = 0; i < block->column_count; i++) {
        ColumnHead head = column_head(&block->columns[i]);
        memcpy(start + sizeof(BlockHead) + sizeof head * i, &head, sizeof head);
        to = column_put(to, &block->columns[i], &head);
    }
    if (block->weights != NULL) {
        to = buffer_put(to, block->weights, sizeof(int32_t) * (size_t)block->row_count);
    }
    BlockHead head = { .row_count = block->row_count,
                       .column_count = block->column_count,
                       .total_bytes = (uint64_t)(to - start),
                       .has_weights = block->weights != NULL };
    memcpy(start, &head, sizeof head);
}

/* ---- back ---------------------------------------------------------------------------------- */

typedef struct FormReader {
    char *next;
    char *end;
} FormReader;

/* The next buffer of `bytes` bytes, or NULL when they are not there. */
static char *buffer_take(FormReader *reader, uint64_t bytes)
{
    size_t left = (size_t)(reader->end - reader->next);
    if (bytes > left || form_align(bytes) > left) {
        return NULL;
    }
    char *start = reader->next;
    reader->next += form_align(bytes);
    return start;
}

static MrStatus form_corrupt(MrError *err, const char *what)
{
    return mr_error_set(err, MR_ERR_CORRUPT, "stored block is damaged: %s", what);
}

static bool texts_resolve(MrText *texts, uint32_t rows, const char *heap, uint64_t heap_bytes)
{
    bool good = true;
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t offset;
        uint32_t length = texts[row].length;
        if (length <= MR_TEXT_INLINE_MAX) {
            continue;
        }
        memcpy(&offset, texts[row].rest, sizeof offset);
        if (offset > heap_bytes || length > heap_bytes - offset) {
            good = false;
            break;
        }
        texts[row].pointer = heap + offset;
    }
    return good;
}

/* Cells of null rows may hold anything; a bool that is neither 0 nor 1 would lead C astray. */
static void bools_settle(uint8_t *cells, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        cells[row] = cells[row] != 0;
    }
}

/* A scale or kind out of range would lead arithmetic astray. */
static bool decimals_are_good(const MrDecimal *cells, const uint64_t *validity, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        if ((cells[row].scale < 0 || cells[row].scale > MR_DECIMAL_DIGITS_MAX ||
             cells[row].kind > MR_DECIMAL_NEGATIVE_INFINITY) &&
            (validity == NULL || mr_bitmap_get(validity, row))) {
            return false;
        }
    }
    return true;
}

static bool arrays_are_good(MrTypeId type, const MrText *cells, const uint64_t *validity,
                            uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        if ((validity == NULL || mr_bitmap_get(validity, row)) &&
            !mr_array_check(mr_type_element(type), mr_text_data(&cells[row]), cells[row].length)) {
            return false;
        }
    }
    return true;
}

static MrStatus column_take(FormReader *reader, const ColumnHead *head, const MrColumn *column,
                            uint32_t block_rows, MrVector *out, MrError *err)
{
    const MrTypeInfo *info = mr_type_info(column->type.id);
    uint32_t rows = head->is_constant ? 1 : block_rows;
    if (head->type_oid_low != (uint16_t)info->oid) {
        return form_corrupt(err, "a column has another type");
    }
    if (head->is_constant > 1 || head->has_validity > 1 ||
        head->data_bytes != (uint64_t)info->width * rows ||
        (!info->is_text && head->heap_bytes != 0)) {
        return form_corrupt(err, "a column header");
    }
    *out = (MrVector){ .type = column->type,
                       .row_count = block_rows,
                       .is_constant = head->is_constant == 1 };
    out->data = buffer_take(reader, head->data_bytes);
    if (out->data != NULL && head->has_validity) {
        out->validity =
            (uint64_t *)(void *)buffer_take(reader, sizeof(uint64_t) * mr_bitmap_words(rows));
    }
    if (out->data == NULL || (head->has_validity && out->validity == NULL)) {
        return form_corrupt(err, "a column is cut off");
    }
    char *heap = buffer_take(reader, head->heap_bytes);
    if (heap == NULL) {
        return form_corrupt(err, "the text of a column is cut off");
    }
    if (info->is_text && !texts_resolve(out->data, rows, heap, head->heap_bytes)) {
        return form_corrupt(err, "text outside its column");
    }
    if (column->type.id == MR_TYPE_BOOL) {
        bools_settle(out->data, rows);
    }
    if (mr_type_is_array(column->type.id) &&
        !arrays_are_good(column->type.id, out->data, out->validity, rows)) {
        return form_corrupt(err, "a value is not of its type");
    }
    if (column->type.id == MR_TYPE_NUMERIC && !decimals_are_good(out->data, out->validity, rows)) {
        return form_corrupt(err, "a value is not of its type");
    }
    return MR_OK;
}

MrStatus mr_block_decode(MrArena *arena, const MrSchema *schema, void *data, size_t length,
                         MrBlock **out, MrError *err)
{
    BlockHead head;
    if (length < sizeof head) {
        return form_corrupt(err, "it is shorter than its header");
    }
    if (((uintptr_t)data & 7) != 0) {
        return mr_error_set(err, MR_ERR_INTERNAL, "a stored block must lie aligned in memory");
    }
    memcpy(&head, data, sizeof head);
    if (head.column_count > FORM_COLUMNS_MAX || head.row_count > FORM_ROWS_MAX ||
        head.total_bytes != length || heads_bytes(head.column_count) > length ||
        head.has_weights > 1) {
        return form_corrupt(err, "its header");
    }
    if (head.column_count > schema->column_count) {
        return form_corrupt(err, "it has more columns than its stream");
    }
    MrBlock *block;
    MR_NEW(arena, block, err);
    MR_NEW_ARRAY(arena, block->columns, schema->column_count, err);
    block->row_count = head.row_count;
    block->column_count = schema->column_count;
    block->place = (MrPlace){ .watermark_us = MR_TIME_MIN,
                              .watermark_after_us = MR_TIME_MIN,
                              .event_min_us = MR_TIME_MAX };
    FormReader reader = { .next = (char *)data + heads_bytes(head.column_count),
                          .end = (char *)data + length };
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (i >= head.column_count) {
            /* The stream has got columns since. */
            MR_TRY(mr_column_missing(&schema->columns[i], arena, head.row_count, &block->columns[i],
                                     err));
            continue;
        }
        ColumnHead column;
        memcpy(&column, (char *)data + sizeof head + sizeof column * i, sizeof column);
        MR_TRY(column_take(&reader, &column, &schema->columns[i], head.row_count,
                           &block->columns[i], err));
    }
    if (head.has_weights) {
        block->weights = (const int32_t *)(void *)buffer_take(
            &reader, sizeof(int32_t) * (uint64_t)head.row_count);
        if (block->weights == NULL) {
            return form_corrupt(err, "its weights are cut off");
        }
    }
    *out = block;
    return MR_OK;
}
