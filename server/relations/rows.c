/*
 * server/relations/rows.c - rows of a system view, value after value: see rows.h.
 */
#include "server/relations/rows.h"

#include "storage/reg.h"

enum { FIRST_BLOCK_ROWS = 32 };

void mr_rows_init(MrRows *rows, MrArena *arena, const MrSchema *schema)
{
    *rows = (MrRows){ .arena = arena,
                      .schema = schema,
                      .next_column = schema->column_count,
                      .error = MR_ERROR_INIT };
}

static MrBlock *last_block(const MrRows *rows)
{
    return rows->blocks[rows->block_count - 1];
}

static MrStatus blocks_grow(MrRows *rows)
{
    if (rows->block_count < rows->block_room) {
        return MR_OK;
    }
    uint32_t room = rows->block_room == 0 ? 8 : rows->block_room * 2;
    MrBlock **blocks;
    MR_NEW_ARRAY(rows->arena, blocks, room, &rows->error);
    if (rows->block_count > 0) {
        memcpy(blocks, rows->blocks, rows->block_count * sizeof *blocks);
    }
    rows->blocks = blocks;
    rows->block_room = room;
    return MR_OK;
}

/* A block has the number of each row behind the relation's columns: that tells rows apart. */
static MrStatus block_create(MrRows *rows, uint32_t room, MrBlock **out)
{
    const uint32_t count = rows->schema->column_count;
    MrSchema schema = { .column_count = count + 1 };
    MrColumn *columns;
    MR_NEW_ARRAY(rows->arena, columns, count + 1, &rows->error);
    if (count > 0) {
        memcpy(columns, rows->schema->columns, count * sizeof *columns);
    }
    columns[count] = (MrColumn){ .type = mr_type(MR_TYPE_INT64), .not_null = true };
    schema.columns = columns;
    return mr_block_create(rows->arena, &schema, room, out, &rows->error);
}

/* Each twice as large as the one before: small views take little, large ones few blocks. */
static MrStatus block_add(MrRows *rows)
{
    MrBlock *block;
    uint32_t room = rows->block_count == 0 ? FIRST_BLOCK_ROWS : rows->room * 2;
    MR_TRY(blocks_grow(rows));
    room = room < MR_VECTOR_ROWS ? room : MR_VECTOR_ROWS;
    MR_TRY(block_create(rows, room, &block));
    block->row_count = 0;
    rows->room = room;
    rows->blocks[rows->block_count++] = block;
    return MR_OK;
}

static void *cell_next(MrRows *rows, MrVector **vector)
{
    MrBlock *block = last_block(rows);
    *vector = &block->columns[rows->next_column++];
    return (char *)(*vector)->data +
           (size_t)(block->row_count - 1) * mr_type_info((*vector)->type.id)->width;
}

static void put_null(MrRows *rows)
{
    MrVector *vector;
    void *cell = cell_next(rows, &vector);
    memset(cell, 0, mr_type_info(vector->type.id)->width);
    if (mr_vector_make_nullable(vector, rows->arena, &rows->error) == MR_OK) {
        mr_bitmap_clear(vector->validity, last_block(rows)->row_count - 1);
    }
}

static void row_end(MrRows *rows)
{
    while (rows->error.status == MR_OK && rows->next_column < rows->schema->column_count) {
        put_null(rows);
    }
}

void mr_rows_begin(MrRows *rows)
{
    row_end(rows);
    if (rows->error.status != MR_OK) {
        return;
    }
    if ((rows->block_count == 0 || last_block(rows)->row_count == rows->room) &&
        block_add(rows) != MR_OK) {
        return;
    }
    last_block(rows)->row_count++;
    rows->next_column = 0;
}

/* Whether a value may be put into the next column: it is there, and of a type that fits. */
static bool may_put(MrRows *rows, bool (*fits)(MrTypeId type))
{
    if (rows->error.status != MR_OK) {
        return false;
    }
    if (rows->next_column >= rows->schema->column_count) {
        mr_error_set(&rows->error, MR_ERR_INTERNAL, "a system view has more values than columns");
        return false;
    }
    const MrColumn *column = &rows->schema->columns[rows->next_column];
    if (fits != NULL && !fits(column->type.id)) {
        mr_error_set(&rows->error, MR_ERR_INTERNAL,
                     "column \"%s\" of a system view got another type", column->name);
        return false;
    }
    return true;
}

bool mr_rows_wants_next(const MrRows *rows)
{
    return rows->wanted == NULL || (rows->next_column < rows->schema->column_count &&
                                    mr_bitmap_get(rows->wanted, rows->next_column));
}

void mr_rows_null(MrRows *rows)
{
    if (may_put(rows, NULL)) {
        put_null(rows);
    }
}

static bool takes_text(MrTypeId type)
{
    return mr_type_is_own_text(type);
}

void mr_rows_string(MrRows *rows, MrString text)
{
    if (!may_put(rows, takes_text)) {
        return;
    }
    MrVector *vector;
    MrText *cell = cell_next(rows, &vector);
    size_t length = text.length < UINT32_MAX ? text.length : UINT32_MAX;
    const char *data = text.data;
    if (length > MR_TEXT_INLINE_MAX) {
        data = mr_arena_strndup(rows->arena, text.data, length);
        if (data == NULL) {
            mr_error_no_memory(&rows->error);
            return;
        }
    }
    *cell = mr_text_make(data, (uint32_t)length);
}

void mr_rows_text(MrRows *rows, const char *text)
{
    if (text == NULL) {
        mr_rows_null(rows);
    } else {
        mr_rows_string(rows, mr_string(text));
    }
}

static void put_datum(MrRows *rows, MrDatum *datum)
{
    MrVector *vector;
    void *cell = cell_next(rows, &vector);
    datum->type = vector->type;
    mr_datum_store(datum, cell);
}

static bool takes_integer(MrTypeId type)
{
    return type == MR_TYPE_INT16 || type == MR_TYPE_INT32 || type == MR_TYPE_INT64 ||
           type == MR_TYPE_OID || type == MR_TYPE_XID;
}

void mr_rows_int(MrRows *rows, int64_t value)
{
    if (may_put(rows, takes_integer)) {
        MrDatum datum = { .integer = value };
        put_datum(rows, &datum);
    }
}

void mr_rows_count(MrRows *rows, uint64_t value)
{
    mr_rows_int(rows, value < INT64_MAX ? (int64_t)value : INT64_MAX);
}

static bool takes_real(MrTypeId type)
{
    return type == MR_TYPE_FLOAT32 || type == MR_TYPE_FLOAT64;
}

void mr_rows_real(MrRows *rows, double value)
{
    if (may_put(rows, takes_real)) {
        MrDatum datum = { .real = value };
        put_datum(rows, &datum);
    }
}

static bool takes_time(MrTypeId type)
{
    return type == MR_TYPE_TIMESTAMPTZ;
}

void mr_rows_moment(MrRows *rows, int64_t time_us)
{
    if (may_put(rows, takes_time)) {
        MrDatum datum = { .integer = time_us };
        put_datum(rows, &datum);
    }
}

void mr_rows_time(MrRows *rows, int64_t time_us)
{
    if (time_us == MR_TIME_MIN) {
        mr_rows_null(rows);
    } else {
        mr_rows_moment(rows, time_us);
    }
}

static bool takes_bool(MrTypeId type)
{
    return type == MR_TYPE_BOOL;
}

void mr_rows_bool(MrRows *rows, bool value)
{
    if (may_put(rows, takes_bool)) {
        MrDatum datum = { .boolean = value };
        put_datum(rows, &datum);
    }
}

static bool takes_uuid(MrTypeId type)
{
    return type == MR_TYPE_UUID;
}

void mr_rows_uuid(MrRows *rows, const uint8_t uuid[16])
{
    if (may_put(rows, takes_uuid)) {
        MrDatum datum = { 0 };
        memcpy(datum.uuid, uuid, sizeof datum.uuid);
        put_datum(rows, &datum);
    }
}

void mr_rows_cell(MrRows *rows, MrTypeId type, const void *cell)
{
    if (!may_put(rows, NULL)) {
        return;
    }
    const MrColumn *column = &rows->schema->columns[rows->next_column];
    if (column->type.id != type) {
        mr_error_set(&rows->error, MR_ERR_INTERNAL,
                     "column \"%s\" of a system view got another type", column->name);
        return;
    }
    MrVector *vector;
    void *to = cell_next(rows, &vector);
    memcpy(to, cell, mr_type_info(type)->width);
}

void mr_rows_reg(MrRows *rows, uint32_t number, const char *name)
{
    if (may_put(rows, mr_type_is_reg)) {
        MrVector *vector;
        MrText *cell = cell_next(rows, &vector);
        mr_reg_make(rows->arena, number, mr_string(name), cell, &rows->error);
    }
}

void mr_rows_skip(MrRows *rows, uint32_t columns)
{
    for (uint32_t i = 0; i < columns && may_put(rows, NULL); i++) {
        const MrColumn *column = &rows->schema->columns[rows->next_column];
        if (!column->not_null) {
            put_null(rows);
        } else if (mr_type_is_reg(column->type.id)) {
            mr_rows_reg(rows, 0, "-");
        } else {
            MrVector *vector;
            void *cell = cell_next(rows, &vector);
            memset(cell, 0, mr_type_info(vector->type.id)->width);
        }
    }
}

MrStatus mr_rows_finish(MrRows *rows, const MrBlock *const **blocks, uint32_t *block_count,
                        MrError *err)
{
    row_end(rows);
    if (rows->error.status != MR_OK) {
        if (err != NULL) {
            *err = rows->error;
        }
        return rows->error.status;
    }
    int64_t number = 0;
    for (uint32_t b = 0; b < rows->block_count; b++) {
        MrBlock *block = rows->blocks[b];
        for (uint32_t c = 0; c < block->column_count; c++) {
            block->columns[c].row_count = block->row_count;
        }
        int64_t *numbers = block->columns[rows->schema->column_count].data;
        for (uint32_t r = 0; r < block->row_count; r++) {
            numbers[r] = number++;
        }
    }
    *blocks = (const MrBlock *const *)rows->blocks;
    *block_count = rows->block_count;
    return MR_OK;
}
