/*
 * storage/sources/filerange.c - ranges written, read and checked: see filerange.h.
 */
#include "storage/sources/filerange.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/crc32c.h"
#include "common/file.h"

enum { RANGE_VERSION = 1 };

/* As it stands in the log. */
typedef struct StoredRange {
    uint32_t version;
    uint32_t crc;
    uint64_t byte, line, device, inode, bytes;
    uint32_t head_bytes, head_crc;
    uint8_t line_end, is_last;
    uint16_t path_bytes; /* the path follows, without a NUL */
    uint32_t unused;
} StoredRange;

_Static_assert(sizeof(StoredRange) == 64, "no holes on disk");

void mr_file_range_write(const MrFileRange *range, MrBuilder *out)
{
    size_t path_bytes = strlen(range->path);
    if (path_bytes > PATH_MAX) {
        out->failed = true; /* no file with it can be open */
        return;
    }
    StoredRange stored = { .version = RANGE_VERSION,
                           .crc = range->crc,
                           .byte = range->start.byte,
                           .line = range->start.line,
                           .device = range->start.device,
                           .inode = range->start.inode,
                           .bytes = range->bytes,
                           .head_bytes = range->head_bytes,
                           .head_crc = range->head_crc,
                           .line_end = (uint8_t)range->line_end,
                           .is_last = range->is_last,
                           .path_bytes = (uint16_t)path_bytes };
    mr_builder_append(out, &stored, sizeof stored);
    mr_builder_append(out, range->path, path_bytes);
}

MrStatus mr_file_range_parse(MrString text, MrArena *arena, MrFileRange *out, MrError *err)
{
    StoredRange stored;
    if (text.length < sizeof stored) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a stored range is cut off");
    }
    memcpy(&stored, text.data, sizeof stored);
    if (stored.version > RANGE_VERSION) {
        return mr_error_set(err, MR_ERR_UNSUPPORTED,
                            "a stored range has version %u; this server reads version %d",
                            stored.version, RANGE_VERSION);
    }
    if (stored.path_bytes != text.length - sizeof stored || stored.line_end > MR_LINE_CR ||
        stored.bytes > SIZE_MAX / 2 || stored.byte > INT64_MAX) {
        return mr_error_set(err, MR_ERR_CORRUPT, "a stored range is damaged");
    }
    *out = (MrFileRange){ .start = { .byte = stored.byte,
                                     .line = stored.line,
                                     .device = stored.device,
                                     .inode = stored.inode },
                          .bytes = stored.bytes,
                          .crc = stored.crc,
                          .head_bytes = stored.head_bytes,
                          .head_crc = stored.head_crc,
                          .line_end = (MrLineEnd)stored.line_end,
                          .is_last = stored.is_last != 0 };
    out->path = mr_arena_strndup(arena, text.data + sizeof stored, stored.path_bytes);
    return out->path == NULL ? mr_error_no_memory(err) : MR_OK;
}

/* ---- reading again --------------------------------------------------------------------------- */

static MrStatus changed(const MrFileRange *range, const char *how, MrError *err)
{
    mr_error_set(err, MR_ERR_INPUT_CHANGED, "input file \"%s\" has changed: %s", range->path, how);
    mr_error_detail(err,
                    "Rows from its bytes %" PRIu64 " to %" PRIu64
                    " are not in the log and must be read from it again.",
                    range->start.byte, range->start.byte + range->bytes);
    return mr_error_hint(err, "Put the file back as it was. A stream made with log = 'rows' keeps "
                              "the rows in the log, and its file may go.");
}

/* Regular, and the file that was read. */
static MrStatus identity_check(const MrFileRange *range, const struct stat *now, MrError *err)
{
    if (!S_ISREG(now->st_mode) || (uint64_t)now->st_dev != range->start.device ||
        (uint64_t)now->st_ino != range->start.inode) {
        return changed(range, "another file has its name", err);
    }
    return (uint64_t)now->st_size < range->start.byte + range->bytes
               ? changed(range, "it has become shorter", err)
               : MR_OK;
}

static MrStatus bytes_read(const MrFileRange *range, MrFile *file, char *data, MrError *err)
{
    size_t head = range->head_bytes;
    if (head > 0) {
        MR_TRY(mr_file_read(file, 0, data, head, err));
    }
    MR_TRY(mr_file_read(file, range->start.byte, data + head, range->bytes, err));
    if (mr_crc32c(0, data, head) != range->head_crc) {
        return changed(range, "its header line is another one", err);
    }
    return mr_crc32c(0, data + head, range->bytes) != range->crc
               ? changed(range, "its bytes are not those that were read before", err)
               : MR_OK;
}

static MrStatus file_open(const MrFileRange *range, MrFile **out, MrError *err)
{
    struct stat now;
    /* Looked at first: opening a pipe would wait for its writer. */
    if (stat(range->path, &now) != 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? changed(range, "it is not there any more", err)
                   : mr_error_set(err, MR_ERR_IO, "could not open file \"%s\" for reading: %s",
                                  range->path, strerror(errno));
    }
    MR_TRY(identity_check(range, &now, err));
    MR_TRY(mr_file_open(range->path, MR_FILE_READ, out, err));
    MrStatus status = fstat(mr_file_descriptor(*out), &now) != 0
                          ? mr_error_set(err, MR_ERR_IO, "could not stat file \"%s\": %s",
                                         range->path, strerror(errno))
                          : identity_check(range, &now, err);
    if (status != MR_OK) {
        mr_file_close(*out);
    }
    return status;
}

MrStatus mr_file_range_load(const MrFileRange *range, char **out, MrError *err)
{
    MrFile *file;
    *out = NULL;
    MR_TRY(file_open(range, &file, err));
    char *data = malloc(range->head_bytes + range->bytes + 1);
    MrStatus status = data == NULL ? mr_error_no_memory(err) : bytes_read(range, file, data, err);
    mr_file_close(file);
    if (status != MR_OK) {
        free(data);
        return status;
    }
    *out = data;
    return MR_OK;
}
