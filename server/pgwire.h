/*
 * server/pgwire.h - the bytes of PostgreSQL's protocol 3: bodies read with every length checked,
 * messages written into a buffer.  Must not know sessions, sockets or statements.
 */
#ifndef MR_SERVER_PGWIRE_H
#define MR_SERVER_PGWIRE_H

#include "storage/block.h"

enum {
    MR_WIRE_PROTOCOL_3 = 3 << 16,
    MR_WIRE_PROTOCOL_3_2 = 3 << 16 | 2, /* the newest that is known: longer keys for cancelling */
    MR_WIRE_CANCEL = 80877102,
    MR_WIRE_SSL = 80877103,
    MR_WIRE_GSSENC = 80877104,
    MR_WIRE_ENCRYPTION_BYTES = 8, /* SSLRequest, GSSENCRequest */
    MR_WIRE_STARTUP_BYTES_MAX = 10000,
    MR_WIRE_QUERY_BYTES_MAX = 1024 * 1024,     /* Query, Parse: 54000 beyond */
    MR_WIRE_DATA_BYTES_MAX = 16 * 1024 * 1024, /* Bind, CopyData: 54000 beyond */
    MR_WIRE_SHORT_BYTES_MAX = 10000,           /* everything else */
};

/* A body under reading.  A read beyond its end sets `failed` and gives zeros, so that a reader of a
 * message checks once at the end. */
typedef struct MrWireReader {
    const char *next;
    const char *end;
    bool failed;
} MrWireReader;

/* Reads a message's body, big-endian; past its end values are 0 and `failed` is set. */
MrWireReader mr_wire_reader(const char *data, size_t length);
uint8_t mr_wire_u8(MrWireReader *reader);
int16_t mr_wire_i16(MrWireReader *reader);
int32_t mr_wire_i32(MrWireReader *reader);
/* Up to and including the next NUL; the empty text when there is none. */
MrString mr_wire_text(MrWireReader *reader);
/* `length` bytes; NULL when there are not so many (a negative length too). */
const char *mr_wire_bytes(MrWireReader *reader, int32_t length);
/* All was read, nothing is left over, nothing was missing. */
bool mr_wire_is_done(const MrWireReader *reader);

/* Most bytes that the body of a message of this type may have; 0: no such type. */
uint32_t mr_wire_bytes_max(char type);

/* A message is begun with its type and ended when its body stands: the length is filled in then. */
size_t mr_wire_begin(MrBuilder *out, char type);
void mr_wire_end(MrBuilder *out, size_t start);
void mr_wire_append_text(MrBuilder *out, const char *text); /* with its NUL */
/* A message without body: '1' ParseComplete, 'n' NoData … */
void mr_wire_empty(MrBuilder *out, char type);
void mr_wire_parameter_status(MrBuilder *out, const char *name, const char *value);
void mr_wire_command_complete(MrBuilder *out, const char *tag);
void mr_wire_ready(MrBuilder *out, char transaction_status);

/* ErrorResponse ('E') or NoticeResponse ('N').  The position of `err` is a byte of `text` and
 * becomes a character; text NULL: no position.  A last line of detail that names a line of COPY is
 * the field W. */
void mr_wire_report(MrBuilder *out, char type, const char *severity, const MrError *err,
                    const char *text, size_t length);

/* RowDescription.  `formats`: one code for all, one per column, or none (text). */
typedef struct MrWireFormats {
    const int16_t *codes;
    uint32_t count;
} MrWireFormats;
bool mr_wire_is_binary(const MrWireFormats *formats, uint32_t column);
void mr_wire_row_description(MrBuilder *out, const MrSchema *schema, const MrWireFormats *formats);
void mr_wire_data_row(MrBuilder *out, const MrSchema *schema, const MrBlock *block, uint32_t row,
                      const MrWireFormats *formats, const MrTimezone *zone);
/* The OID by which clients know the type, and its length as pg_type has it. */
uint32_t mr_wire_type_oid(MrTypeId type);
int16_t mr_wire_type_length(MrTypeId type);
/* The type that a client gave for a parameter; 0: UNKNOWN, to be inferred. */
MrStatus mr_wire_parameter_type(uint32_t oid, MrType *out, MrError *err);

/* Bytes compared in a time that does not depend on where they differ. */
bool mr_wire_same_secret(const uint8_t *a, const uint8_t *b, size_t length);

#endif
