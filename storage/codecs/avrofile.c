/*
 * storage/codecs/avrofile.c - see avrofile.h.
 */
#include "storage/codecs/avrofile.h"

#include <string.h>

static const char magic[4] = { 'O', 'b', 'j', 1 };

bool mr_avro_long(MrAvroBytes *bytes, int64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && bytes->next < bytes->end; shift += 7) {
        unsigned char byte = *bytes->next++;
        value |= (uint64_t)(byte & 0x7f) << (shift < 64 ? shift : 63);
        if (byte < 0x80) {
            *out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return shift < 63 || byte <= 1;
        }
    }
    return false;
}

bool mr_avro_text(MrAvroBytes *bytes, MrString *out)
{
    int64_t length;
    if (!mr_avro_long(bytes, &length) || length < 0 || length > bytes->end - bytes->next) {
        return false;
    }
    *out = (MrString){ (const char *)bytes->next, (size_t)length };
    bytes->next += length;
    return true;
}

static MrStatus damaged(MrError *err, const char *what)
{
    return mr_error_set(err, MR_ERR_BAD_COPY, "the Avro data is damaged: %s", what);
}

/* The entries of the metadata.  *whole: all of them are there. */
static MrStatus metadata_read(MrAvroBytes *bytes, MrAvroHead *out, bool *whole, MrError *err)
{
    for (;;) {
        int64_t count, ignored;
        *whole = mr_avro_long(bytes, &count);
        if (!*whole || count == 0) {
            return MR_OK;
        }
        if (count < -MR_AVRO_HEAD_BYTES_MAX || count > MR_AVRO_HEAD_BYTES_MAX) {
            return damaged(err, "its header has too many entries");
        }
        if (count < 0 && !mr_avro_long(bytes, &ignored)) {
            *whole = false;
            return MR_OK;
        }
        for (count = count < 0 ? -count : count; count > 0; count--) {
            MrString name, value;
            if (!mr_avro_text(bytes, &name) || !mr_avro_text(bytes, &value)) {
                *whole = false;
                return MR_OK;
            }
            if (mr_string_equal(name, MR_STRING("avro.schema"))) {
                out->schema = value;
            } else if (mr_string_equal(name, MR_STRING("avro.codec"))) {
                out->codec = value;
            }
        }
    }
}

MrStatus mr_avro_head_read(const char *data, size_t length, MrAvroHead *out, MrError *err)
{
    bool whole = false;
    *out = (MrAvroHead){ .length = 0 };
    size_t seen = length < sizeof magic ? length : sizeof magic;
    if (seen > 0 && memcmp(data, magic, seen) != 0) {
        mr_error_set(err, MR_ERR_BAD_COPY, "the input is not an Avro object container file");
        return mr_error_hint(err, "Such a file begins with \"Obj\" and has its schema with it.");
    }
    if (length < sizeof magic) {
        return MR_OK;
    }
    MrAvroBytes bytes = mr_avro_bytes(data + sizeof magic, length - sizeof magic);
    MR_TRY(metadata_read(&bytes, out, &whole, err));
    if (!whole || bytes.end - bytes.next < MR_AVRO_MARKER_BYTES) {
        return length > MR_AVRO_HEAD_BYTES_MAX ? damaged(err, "its header has no end") : MR_OK;
    }
    if (out->schema.length == 0) {
        return damaged(err, "its header has no schema");
    }
    out->marker = (const char *)bytes.next;
    out->length = (size_t)(out->marker - data) + MR_AVRO_MARKER_BYTES;
    return MR_OK;
}

MrStatus mr_avro_frame_read(const char *data, size_t length, const char *marker, MrAvroFrame *out,
                            MrError *err)
{
    MrAvroBytes bytes = mr_avro_bytes(data, length);
    int64_t count, size;
    *out = (MrAvroFrame){ .length = 0 };
    if (!mr_avro_long(&bytes, &count) || !mr_avro_long(&bytes, &size)) {
        return length >= 20 ? damaged(err, "a block has no length") : MR_OK;
    }
    if (count < 0 || size < 0 || size > MR_AVRO_BLOCK_BYTES_MAX) {
        return damaged(err, "a block has an impossible length, or more than 16 MB");
    }
    if (bytes.end - bytes.next < size + MR_AVRO_MARKER_BYTES) {
        return MR_OK;
    }
    if (memcmp(bytes.next + size, marker, MR_AVRO_MARKER_BYTES) != 0) {
        return damaged(err, "a block does not end in the file's marker");
    }
    out->count = (uint64_t)count;
    out->data = (MrString){ (const char *)bytes.next, (size_t)size };
    out->length =
        (size_t)(bytes.next - (const unsigned char *)data) + (size_t)size + MR_AVRO_MARKER_BYTES;
    return MR_OK;
}
