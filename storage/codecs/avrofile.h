/*
 * storage/codecs/avrofile.h - how an Avro object container file is framed: a header, then blocks of
 * whole records.  Must not know what a record looks like.
 *
 *     "Obj" 1 | map of metadata | 16 bytes of marker
 *     count | bytes | data, deflated or not | marker        … again and again
 *
 * A reader of our own and not libavro-c: that one reads a value at a time into trees of its own,
 * from a file that it opens, and cannot be cut into pieces that several threads convert.
 * Source: the Apache Avro 1.11 specification, "Object Container Files" and "Binary Encoding".
 */
#ifndef MR_STORAGE_CODECS_AVROFILE_H
#define MR_STORAGE_CODECS_AVROFILE_H

#include "common/text.h"

enum {
    MR_AVRO_MARKER_BYTES = 16,
    MR_AVRO_HEAD_BYTES_MAX = 1 << 20,
    MR_AVRO_BLOCK_BYTES_MAX = 16 << 20, /* also once inflated */
};

/* Bytes that are read one value after the other. */
typedef struct MrAvroBytes {
    const unsigned char *next, *end;
} MrAvroBytes;
static inline MrAvroBytes mr_avro_bytes(const char *data, size_t length)
{
    const unsigned char *start = (const unsigned char *)data;
    return (MrAvroBytes){ start, start + length };
}
/* A zig-zag number of up to 10 bytes; false: it is cut off, or too long. */
bool mr_avro_long(MrAvroBytes *bytes, int64_t *out);
/* A length and so many bytes, borrowed; false: they are not all there. */
bool mr_avro_text(MrAvroBytes *bytes, MrString *out);

typedef struct MrAvroHead {
    size_t length;          /* of the header; 0: it is not whole yet */
    MrString schema, codec; /* borrowed; codec empty: "null" */
    const char *marker;
} MrAvroHead;
/* 22P04: the bytes do not begin a container file. */
MrStatus mr_avro_head_read(const char *data, size_t length, MrAvroHead *out, MrError *err);

typedef struct MrAvroFrame {
    size_t length; /* of the whole block; 0: it is not whole yet */
    uint64_t count;
    MrString data;
} MrAvroFrame;
/* The block that begins here, whose end must be the marker; 22P04: it is damaged. */
MrStatus mr_avro_frame_read(const char *data, size_t length, const char *marker, MrAvroFrame *out,
                            MrError *err);

#endif
