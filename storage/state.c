/*
 * storage/state.c - writing and reading operator state: little-endian, every read checked.
 */
#include "storage/state.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "state is written as it lies in memory");

void mr_state_write_u32(MrStateWriter *writer, uint32_t value)
{
    mr_builder_append(writer->out, &value, sizeof value);
}

void mr_state_write_u64(MrStateWriter *writer, uint64_t value)
{
    mr_builder_append(writer->out, &value, sizeof value);
}

void mr_state_write_bytes(MrStateWriter *writer, const void *data, size_t length)
{
    mr_state_write_u64(writer, length);
    if (length > 0) {
        mr_builder_append(writer->out, data, length);
    }
}

static MrStatus state_take(MrStateReader *reader, void *out, size_t length, MrError *err)
{
    if (reader->at > reader->length || length > reader->length - reader->at) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "stored state ends at byte %zu, %zu more are expected", reader->length,
                            length);
    }
    memcpy(out, reader->data + reader->at, length);
    reader->at += length;
    return MR_OK;
}

MrStatus mr_state_read_u32(MrStateReader *reader, uint32_t *out, MrError *err)
{
    return state_take(reader, out, sizeof *out, err);
}

MrStatus mr_state_read_u64(MrStateReader *reader, uint64_t *out, MrError *err)
{
    return state_take(reader, out, sizeof *out, err);
}

MrStatus mr_state_read_bytes(MrStateReader *reader, const char **data, size_t *length, MrError *err)
{
    uint64_t bytes;
    MR_TRY(mr_state_read_u64(reader, &bytes, err));
    if (bytes > reader->length - reader->at) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "stored state ends at byte %zu, %llu more are expected", reader->length,
                            (unsigned long long)bytes);
    }
    *data = reader->data + reader->at;
    *length = bytes;
    reader->at += bytes;
    return MR_OK;
}
