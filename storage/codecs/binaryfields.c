/*
 * storage/codecs/binaryfields.c - see binaryfields.h.  The kernel of a type is chosen once per run
 * of rows; a value that it does not take (null, of another width, out of range) goes alone.
 */
#include "storage/codecs/binaryfields.h"

#include "common/clock.h"
#include "storage/codecs/stagetext.h"

static inline uint32_t load32(const char *data)
{
    uint32_t value;
    memcpy(&value, data, sizeof value);
    return __builtin_bswap32(value);
}

static inline uint64_t load64(const char *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
    return __builtin_bswap64(value);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Behind the row that starts at `at`; 0: it is not whole, or not of the form. */
static inline size_t row_end(const char *data, size_t length, size_t at, uint32_t stride,
                             uint32_t *fields)
{
    if (length - at < 2 ||
        (uint32_t)((unsigned char)data[at] << 8 | (unsigned char)data[at + 1]) != stride) {
        return 0;
    }
    size_t next = at + 2;
    for (uint32_t i = 0; i < stride; i++) {
        if (length - next < 4) {
            return 0;
        }
        uint32_t size = load32(data + next);
        fields[i] = (uint32_t)next;
        next += 4;
        if (size == UINT32_MAX) {
            continue; /* null */
        }
        if (size > length - next) {
            return 0;
        }
        next += size;
    }
    return next - at <= MR_ROW_BYTES_MAX ? next : 0;
}

uint32_t mr_binary_rows_find(const char *data, size_t length, uint32_t stride, uint32_t rows_max,
                             uint32_t *fields, size_t *bytes)
{
    uint32_t rows = 0;
    *bytes = 0;
    while (rows < rows_max) {
        size_t end = row_end(data, length, *bytes, stride, fields + (size_t)rows * stride);
        if (end == 0) {
            break;
        }
        *bytes = end;
        rows++;
    }
    return rows;
}

/* ---- one field, whatever it is --------------------------------------------------------------- */

MrStatus mr_binary_field_read(MrDecoder *decoder, const MrCodecColumn *column, const char *data,
                              int32_t size, uint32_t row, MrError *err)
{
    MrStage *stage = &decoder->stage;
    uint32_t target = (uint32_t)column->target;
    if (size < 0) {
        if (column->not_null) {
            return mr_decoder_null_error(decoder, column, err);
        }
        return mr_stage_set_null(stage, target, row, err);
    }
    MrType type = stage->columns[target].type;
    MrText *text = mr_stage_cell(stage, target, row);
    MR_TRY(mr_binary_decode_cell(&stage->arena, type, data, (size_t)size, text, err));
    if (!mr_type_is_text(type.id) || text->length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    if (type.id == MR_TYPE_JSONB || mr_type_is_array(type.id)) {
        stage->text_bytes += (size_t)size * 8;
        return MR_OK;
    }
    char *copy = mr_stage_text(stage, target, text->length);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(copy, text->pointer, text->length);
    text->pointer = copy;
    return MR_OK;
}

/* ---- kernels: a column of a run, up to `limit` rows; the first bad row, or limit ------------- */

typedef struct KernelInput {
    MrDecoder *decoder;
    const MrBinaryRun *run;
    const MrCodecColumn *column;
    uint32_t field;
    uint32_t first_row; /* of the stage */
    uint32_t limit;
} KernelInput;

static bool field_slow(const KernelInput *in, const char *field, uint32_t row, MrError *err)
{
    return mr_binary_field_read(in->decoder, in->column, field + 4, (int32_t)load32(field),
                                in->first_row + row, err) == MR_OK;
}

static uint32_t kernel_any(const KernelInput *in, MrError *err)
{
    const uint32_t *fields = in->run->fields + in->field;
    for (uint32_t row = 0; row < in->limit; row++, fields += in->run->stride) {
        if (!field_slow(in, in->run->data + *fields, row, err)) {
            return row;
        }
    }
    return in->limit;
}

/* `width` bytes on the wire; FAST sets `value` of the bytes at `field + 4`, or is false. */
#define DEFINE_KERNEL(name, cell_type, width, FAST)                               \
    static uint32_t name(const KernelInput *in, MrError *err)                     \
    {                                                                             \
        const MrVector *vector = &in->decoder->stage.columns[in->column->target]; \
        cell_type *cells = (cell_type *)vector->data + in->first_row;             \
        const uint32_t *fields = in->run->fields + in->field;                     \
        const uint32_t stride = in->run->stride;                                  \
        for (uint32_t row = 0; row < in->limit; row++, fields += stride) {        \
            const char *field = in->run->data + *fields;                          \
            cell_type value;                                                      \
            if (__builtin_expect(load32(field) == (width) && (FAST), 1)) {        \
                cells[row] = value;                                               \
            } else if (!field_slow(in, field, row, err)) {                        \
                return row;                                                       \
            }                                                                     \
        }                                                                         \
        return in->limit;                                                         \
    }

DEFINE_KERNEL(kernel_int64, uint64_t, 8, (value = load64(field + 4), true))
DEFINE_KERNEL(kernel_int32, uint32_t, 4, (value = load32(field + 4), true))
DEFINE_KERNEL(kernel_int16, uint16_t, 2,
              (value = (uint16_t)((unsigned char)field[4] << 8 | (unsigned char)field[5]), true))
DEFINE_KERNEL(kernel_bool, uint8_t, 1, (value = field[4] != 0, true))

/* Times count from 2000; those about which there is a doubt (infinite, out of range) are far. */
static inline bool time_fast(const char *data, int64_t *value)
{
    const int64_t to_2000 = INT64_C(10957) * MR_US_PER_DAY;
    const int64_t far = INT64_C(200) * 365 * MR_US_PER_DAY;
    *value = (int64_t)load64(data);
    bool is_near = *value > -far && *value < far;
    *value += is_near ? to_2000 : 0;
    return is_near;
}
DEFINE_KERNEL(kernel_time, int64_t, 8, time_fast(field + 4, &value))

static uint32_t kernel_text(const KernelInput *in, MrError *err)
{
    MrStage *stage = &in->decoder->stage;
    uint32_t target = (uint32_t)in->column->target;
    MrText *cells = (MrText *)stage->columns[target].data + in->first_row;
    const uint32_t *fields = in->run->fields + in->field;
    const char *end = in->run->data_end;
    for (uint32_t row = 0; row < in->limit; row++, fields += in->run->stride) {
        const char *field = in->run->data + *fields;
        const char *data = field + 4;
        uint32_t length = load32(field);
        bool is_plain = length != UINT32_MAX && mr_text_is_plain(data, length, end);
        if (__builtin_expect(!is_plain, 0)) {
            if (!field_slow(in, field, row, err)) {
                return row;
            }
        } else if (!mr_stage_put_text(stage, target, data, length, end, &cells[row])) {
            mr_error_no_memory(err);
            return row;
        }
    }
    return in->limit;
}

static uint32_t column_convert(const KernelInput *in, MrError *err)
{
    MrType type = in->decoder->stage.columns[in->column->target].type;
    switch (type.id) {
    case MR_TYPE_BOOL: return kernel_bool(in, err);
    case MR_TYPE_INT16: return kernel_int16(in, err);
    case MR_TYPE_INT32:
    case MR_TYPE_FLOAT32: return kernel_int32(in, err);
    case MR_TYPE_INT64:
    case MR_TYPE_FLOAT64: return kernel_int64(in, err);
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return kernel_time(in, err);
    case MR_TYPE_TEXT: return kernel_text(in, err);
    case MR_TYPE_VARCHAR: return type.typmod < 0 ? kernel_text(in, err) : kernel_any(in, err);
    default: return kernel_any(in, err);
    }
}

uint32_t mr_binary_fields_convert(MrDecoder *decoder, const MrBinaryRun *run,
                                  const MrCodecColumn **bad_column, bool *is_null, MrError *err)
{
    MrStage *stage = &decoder->stage;
    KernelInput in = {
        .decoder = decoder, .run = run, .first_row = stage->row_count, .limit = run->row_count
    };
    for (uint32_t field = 0; field < run->stride && in.limit > 0; field++) {
        in.column = &decoder->options.columns[field];
        in.field = field;
        if (in.column->target < 0) {
            continue;
        }
        /* After a bad row only rows before it matter: the first bad row is the one to tell, and of
         * its fields the first one, as columns go in order. */
        MrError mine = MR_ERROR_INIT;
        uint32_t good = column_convert(&in, &mine);
        if (good < in.limit) {
            *bad_column = in.column;
            *is_null =
                load32(run->data + run->fields[(size_t)good * run->stride + field]) == UINT32_MAX;
            *err = mine;
        }
        in.limit = good;
    }
    if (in.limit < run->row_count) {
        mr_stage_forget_nulls(stage, in.first_row + in.limit, in.first_row + run->row_count);
    }
    stage->row_count += in.limit;
    decoder->counts.rows += in.limit;
    return in.limit;
}
