/*
 * storage/codecs/fields.c - fields to cells.  The kernel of a type is chosen once per run of rows;
 * a field that its fast parser does not take (null, quoted, odd, wrong) goes the slow way alone.
 * Must not know where rows come from.
 */
#include "storage/codecs/fields.h"

#include "common/timezone.h"
#include "storage/codecs/fastparse.h"
#include "storage/codecs/stagetext.h"

/* ---- one field, whatever it is ------------------------------------------------------------- */

static MrStatus csv_unquote(MrFieldReader *reader, MrString raw, MrString *out, MrError *err)
{
    const MrDialect *dialect = reader->dialect;
    const char *next = raw.data;
    const char *end = raw.data + raw.length;
    bool in_quote = false;
    mr_builder_clear(&reader->scratch);
    char *to = mr_builder_reserve(&reader->scratch, raw.length);
    if (to == NULL) {
        return mr_error_no_memory(err);
    }
    char *start = to;
    while (next < end) {
        char c = *next++;
        if (!in_quote) {
            if (c == dialect->quote) {
                in_quote = true;
            } else {
                *to++ = c;
            }
        } else if (c == dialect->escape && next < end &&
                   (*next == dialect->escape || *next == dialect->quote)) {
            *to++ = *next++;
        } else if (c == dialect->quote) {
            in_quote = false;
        } else {
            *to++ = c;
        }
    }
    if (in_quote) {
        return mr_error_set(err, MR_ERR_BAD_COPY, "unterminated CSV quoted field");
    }
    *out = (MrString){ start, (size_t)(to - start) };
    return MR_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* \b \f \n \r \t \v, \ooo, \xhh, and any other character for itself.  Only the numeric forms can
 * make what is not UTF-8, so that only they are checked. */
static MrStatus text_unescape(MrFieldReader *reader, MrString raw, MrString *out, MrError *err)
{
    static const char letters[] = "b\bf\fn\nr\rt\tv\v";
    const char *next = raw.data;
    const char *end = raw.data + raw.length;
    bool numeric = false;
    mr_builder_clear(&reader->scratch);
    char *to = mr_builder_reserve(&reader->scratch, raw.length);
    if (to == NULL) {
        return mr_error_no_memory(err);
    }
    char *start = to;
    while (next < end) {
        char c = *next++;
        if (c != '\\' || next >= end) {
            if (c != '\\') {
                *to++ = c;
            }
            continue;
        }
        c = *next++;
        if (is_octal(c)) {
            int value = c - '0';
            for (int i = 0; i < 2 && next < end && is_octal(*next); i++) {
                value = value * 8 + (*next++ - '0');
            }
            c = (char)value;
            numeric = true;
        } else if (c == 'x' && next < end && hex_value(*next) >= 0) {
            int value = hex_value(*next++);
            if (next < end && hex_value(*next) >= 0) {
                value = value * 16 + hex_value(*next++);
            }
            c = (char)value;
            numeric = true;
        } else {
            for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
                if (letters[i] == c) {
                    c = letters[i + 1];
                    break;
                }
            }
        }
        *to++ = c;
    }
    *out = (MrString){ start, (size_t)(to - start) };
    if (numeric) {
        size_t bad = mr_utf8_check(out->data, out->length);
        if (bad < out->length) {
            return mr_decoder_encoding_error(out->data + bad, out->length - bad, err);
        }
    }
    return MR_OK;
}

static bool is_null_text(const MrFieldReader *reader, const char *data, size_t length)
{
    return length == reader->null_text.length && memcmp(data, reader->null_text.data, length) == 0;
}

MrStatus mr_field_resolve(MrFieldReader *reader, const MrCodecColumn *column, MrString raw,
                          MrString *out, bool *is_null, MrError *err)
{
    const MrDialect *dialect = reader->dialect;
    bool csv = dialect->is_csv;
    *is_null = is_null_text(reader, raw.data, raw.length);
    *out = raw;
    if (memchr(raw.data, csv ? dialect->quote : '\\', raw.length) != NULL) {
        /* What is quoted is not null, even where it spells the null text. */
        *is_null = *is_null && !csv;
        if (!*is_null) {
            MR_TRY(csv ? csv_unquote(reader, raw, out, err) : text_unescape(reader, raw, out, err));
        }
    }
    if (csv && column != NULL) {
        if (*is_null && column->force_not_null) {
            *is_null = false;
        } else if (!*is_null && column->force_null) {
            *is_null = is_null_text(reader, out->data, out->length);
        }
    }
    return MR_OK;
}

/* Text that must outlive the input goes to the column's heap. */
static MrStatus text_keep(MrStage *stage, uint32_t target, MrText *cell, MrError *err)
{
    if (cell->length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    char *copy = mr_stage_text(stage, target, cell->length);
    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    memcpy(copy, cell->pointer, cell->length);
    cell->pointer = copy;
    return MR_OK;
}

/* Field to cell for every case that a kernel leaves over. */
static MrStatus field_slow(MrFieldReader *reader, const MrCodecColumn *column, const char *data,
                           size_t length, uint32_t row, MrError *err)
{
    MrStage *stage = &reader->decoder->stage;
    uint32_t target = (uint32_t)column->target;
    MrString value = { 0 };
    bool is_null = false;
    reader->bad_column = column;
    reader->bad_value = (MrString){ data, length };
    MR_TRY(mr_field_resolve(reader, column, (MrString){ data, length }, &value, &is_null, err));
    reader->bad_value = value;
    if (is_null) {
        reader->bad_value.data = NULL;
        if (column->not_null) {
            return mr_decoder_null_error(reader->decoder, column, err);
        }
        return mr_stage_set_null(stage, target, row, err);
    }
    MrType type = stage->columns[target].type;
    void *cell = mr_stage_cell(stage, target, row);
    MR_TRY(mr_text_decode_cell(&stage->arena, type, value.data, value.length,
                               reader->decoder->options.zone, cell, err));
    if (type.id == MR_TYPE_BYTEA || type.id == MR_TYPE_JSONB || mr_type_is_array(type.id)) {
        /* In the arena by now; reading a document takes a multiple of its text. */
        stage->text_bytes += value.length * (type.id == MR_TYPE_BYTEA ? 1 : 8);
        return MR_OK;
    }
    return mr_type_is_text(type.id) ? text_keep(stage, target, cell, err) : MR_OK;
}

/* ---- kernels: a column of a run, up to `limit` rows; the first bad row, or limit ------------- */

typedef struct KernelInput {
    MrFieldReader *reader;
    const MrFieldRun *run;
    const MrCodecColumn *column;
    uint32_t field;
    uint32_t first_row; /* of the stage */
    uint32_t limit;
} KernelInput;

/* Sets data and length to the field of each row in turn. */
#define FOR_EACH_FIELD(in, row, data, length)                                             \
    const uint32_t *ends_ = (in)->run->ends + (in)->field;                                \
    const uint32_t cut_ = (in)->field + 1 == (in)->run->stride ? (in)->run->last_cut : 0; \
    const char *data;                                                                     \
    size_t length;                                                                        \
    for (uint32_t row = 0;                                                                \
         row < (in)->limit &&                                                             \
         (data = (in)->run->data + (uint32_t)(ends_[-1] + 1),                             \
         length = (size_t)(uint32_t)(*ends_ - cut_ - (uint32_t)(ends_[-1] + 1)), true);   \
         row++, ends_ += (in)->run->stride)

static uint32_t kernel_any(const KernelInput *in, MrError *err)
{
    FOR_EACH_FIELD(in, row, data, length)
    {
        if (field_slow(in->reader, in->column, data, length, in->first_row + row, err) != MR_OK) {
            return row;
        }
    }
    return in->limit;
}

/* FAST: sets `value` or is false.  Cells are written in row order behind the stage's rows. */
#define DEFINE_KERNEL(name, cell_type, value_type, FAST)                                          \
    static uint32_t name(const KernelInput *in, MrError *err)                                     \
    {                                                                                             \
        MrStage *stage_ = &in->reader->decoder->stage;                                            \
        cell_type *cells = (cell_type *)stage_->columns[in->column->target].data + in->first_row; \
        const char *end = in->run->data_end;                                                      \
        (void)end;                                                                                \
        FOR_EACH_FIELD(in, row, data, length)                                                     \
        {                                                                                         \
            value_type value;                                                                     \
            if (__builtin_expect(FAST, 1)) {                                                      \
                cells[row] = (cell_type)value;                                                    \
                continue;                                                                         \
            }                                                                                     \
            if (field_slow(in->reader, in->column, data, length, in->first_row + row, err) !=     \
                MR_OK) {                                                                          \
                return row;                                                                       \
            }                                                                                     \
        }                                                                                         \
        return in->limit;                                                                         \
    }

DEFINE_KERNEL(kernel_int64, int64_t, int64_t, mr_parse_int_fast(data, length, end, &value))
DEFINE_KERNEL(kernel_int32, int32_t, int64_t,
              mr_parse_int_fast(data, length, end, &value) && value == (int32_t)value)
DEFINE_KERNEL(kernel_int16, int16_t, int64_t,
              mr_parse_int_fast(data, length, end, &value) && value == (int16_t)value)
DEFINE_KERNEL(kernel_float64, double, double, mr_parse_float_fast(data, length, &value))
DEFINE_KERNEL(kernel_date, int32_t, int32_t, mr_parse_date_fast(data, length, &value))

static inline bool bool_fast(const char *data, size_t length, uint8_t *value)
{
    *value = length == 1 && (data[0] == 't' || data[0] == '1');
    return length == 1 && (*value || data[0] == 'f' || data[0] == '0');
}
DEFINE_KERNEL(kernel_bool, uint8_t, uint8_t, bool_fast(data, length, &value))

static inline bool decimal_fast(const char *data, size_t length, MrDecimal *value)
{
    int64_t coefficient;
    int scale;
    if (!mr_parse_decimal_fast(data, length, &coefficient, &scale)) {
        return false;
    }
    *value = mr_decimal_make(coefficient, (int16_t)scale);
    return true;
}
DEFINE_KERNEL(kernel_numeric, MrDecimal, MrDecimal, decimal_fast(data, length, &value))

/* Rows of a stream mostly have the day of the row before: its text and its start. */
typedef struct DayMemo {
    char text[10];
    int64_t start_us;
} DayMemo;

/* The same day as before, without a zone. */
static inline bool timestamp_of_day(const char *data, size_t length, const char *end,
                                    const DayMemo *day, int64_t *value)
{
    static const uint32_t scales[8] = { 0, 0, 100000, 10000, 1000, 100, 10, 1 };
    uint32_t seconds;
    uint64_t fraction = 0;
    if (length < 19 || memcmp(data, day->text, 10) != 0 || (data[10] != ' ' && data[10] != 'T') ||
        !mr_parse_clock_fast(data + 11, &seconds)) {
        return false;
    }
    if (length > 19) {
        size_t digits = length - 20;
        if (length == 20 || digits > 6 || data[19] != '.' ||
            !mr_parse_digits8(data + 20, digits, end, &fraction)) {
            return false;
        }
        fraction *= scales[digits + 1];
    }
    *value = day->start_us + (int64_t)seconds * MR_US_PER_SECOND + (int64_t)fraction;
    return true;
}

static inline bool timestamp_fast(const char *data, size_t length, const char *end,
                                  bool zone_needed, DayMemo *day, int64_t *value)
{
    bool zoned;
    if (!zone_needed && timestamp_of_day(data, length, end, day, value)) {
        return true;
    }
    if (!mr_parse_timestamp_fast(data, length, end, value, &zoned) || (zone_needed && !zoned)) {
        return false;
    }
    memcpy(day->text, data, 10);
    int64_t within = *value % MR_US_PER_DAY;
    day->start_us = *value - (within < 0 ? within + MR_US_PER_DAY : within);
    return true;
}

static uint32_t kernel_time_line(const KernelInput *in, bool zone_needed, MrError *err)
{
    MrStage *stage = &in->reader->decoder->stage;
    int64_t *cells = (int64_t *)stage->columns[in->column->target].data + in->first_row;
    const char *end = in->run->data_end;
    DayMemo day = { .start_us = 0 };
    FOR_EACH_FIELD(in, row, data, length)
    {
        if (__builtin_expect(timestamp_fast(data, length, end, zone_needed, &day, &cells[row]),
                             1)) {
            continue;
        }
        if (field_slow(in->reader, in->column, data, length, in->first_row + row, err) != MR_OK) {
            return row;
        }
    }
    return in->limit;
}

/* "…" without a quote inside: the common quoted field. */
static inline bool strip_quotes(const char **data, size_t *length, char quote)
{
    if (*length < 2 || (*data)[0] != quote || (*data)[*length - 1] != quote ||
        memchr(*data + 1, quote, *length - 2) != NULL) {
        return false;
    }
    *data += 1;
    *length -= 2;
    return true;
}

static uint32_t kernel_text(const KernelInput *in, MrError *err)
{
    MrFieldReader *reader = in->reader;
    MrStage *stage = &reader->decoder->stage;
    uint32_t target = (uint32_t)in->column->target;
    MrText *cells = (MrText *)stage->columns[target].data + in->first_row;
    const char *end = in->run->data_end;
    const bool csv = reader->dialect->is_csv;
    const char mark = csv ? reader->dialect->quote : '\\';
    const bool special = in->run->special;
    const bool strip = csv && !in->column->force_null && reader->dialect->escape == mark;
    MrType type = stage->columns[target].type;
    const size_t length_max =
        type.id == MR_TYPE_VARCHAR && type.typmod >= 4 ? (size_t)(type.typmod - 4) : SIZE_MAX;
    FOR_EACH_FIELD(in, row, data, length)
    {
        bool plain = !is_null_text(reader, data, length) && length <= length_max;
        if (special && plain && memchr(data, mark, length) != NULL) {
            plain = strip && strip_quotes(&data, &length, mark);
        }
        if (__builtin_expect(!plain, 0)) {
            if (field_slow(reader, in->column, data, length, in->first_row + row, err) != MR_OK) {
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
    MrFieldReader *reader = in->reader;
    MrType type = reader->decoder->stage.columns[in->column->target].type;
    const MrTimezone *zone = reader->decoder->options.zone;
    if (type.id == MR_TYPE_TEXT || type.id == MR_TYPE_VARCHAR) {
        return kernel_text(in, err);
    }
    if (reader->null_parses) {
        return kernel_any(in, err);
    }
    switch (type.id) {
    case MR_TYPE_BOOL: return kernel_bool(in, err);
    case MR_TYPE_INT16: return kernel_int16(in, err);
    case MR_TYPE_INT32: return kernel_int32(in, err);
    case MR_TYPE_INT64: return kernel_int64(in, err);
    case MR_TYPE_FLOAT64: return kernel_float64(in, err);
    case MR_TYPE_NUMERIC: return type.typmod < 0 ? kernel_numeric(in, err) : kernel_any(in, err);
    case MR_TYPE_DATE: return kernel_date(in, err);
    case MR_TYPE_TIMESTAMP:
        return type.typmod < 0 ? kernel_time_line(in, false, err) : kernel_any(in, err);
    case MR_TYPE_TIMESTAMPTZ:
        return type.typmod < 0
                   ? kernel_time_line(in, zone != NULL && zone != mr_timezone_utc(), err)
                   : kernel_any(in, err);
    default: return kernel_any(in, err);
    }
}

/* The scratch buffer is used again by later columns. */
static void bad_value_keep(MrFieldReader *reader)
{
    if (reader->bad_value.data != NULL && reader->bad_value.data == reader->scratch.data) {
        size_t length = reader->bad_value.length < 256 ? reader->bad_value.length : 256;
        char *kept =
            mr_arena_strndup(&reader->decoder->stage.arena, reader->bad_value.data, length);
        reader->bad_value = kept != NULL ? (MrString){ kept, length } : (MrString){ "", 0 };
    }
}

uint32_t mr_fields_convert(MrFieldReader *reader, const MrFieldRun *run,
                           const MrCodecColumn *const *columns, MrError *err)
{
    MrStage *stage = &reader->decoder->stage;
    KernelInput in = {
        .reader = reader, .run = run, .first_row = stage->row_count, .limit = run->row_count
    };
    const MrCodecColumn *bad_column = NULL;
    MrString bad_value = { 0 };
    for (uint32_t field = 0; field < run->stride && in.limit > 0; field++) {
        if (columns[field] != NULL && columns[field]->target >= 0) {
            /* After a bad row only rows before it matter: the first bad row is the one to tell, and
             * of its fields the first one, as columns go in order. */
            in.column = columns[field];
            in.field = field;
            MrError mine = MR_ERROR_INIT;
            uint32_t good = column_convert(&in, &mine);
            if (good < in.limit) {
                bad_value_keep(reader);
                bad_column = reader->bad_column;
                bad_value = reader->bad_value;
                if (err != NULL) {
                    *err = mine;
                }
            }
            in.limit = good;
        }
    }
    if (in.limit < run->row_count) {
        reader->bad_column = bad_column; /* later columns had good fields that went the slow way */
        reader->bad_value = bad_value;
        mr_stage_forget_nulls(stage, in.first_row + in.limit, in.first_row + run->row_count);
    }
    stage->row_count += in.limit;
    reader->decoder->counts.rows += in.limit;
    return in.limit;
}
