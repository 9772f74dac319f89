/*
 * storage/sources/filebytes.c - plain bytes by positional reads, or inflated by zlib.
 * Must not know rows.
 */
#include "storage/sources/filebytes.h"

#include "common/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { INFLATE_BYTES = 256 << 10, SKIP_BYTES = 256 << 10 };

struct MrFileBytes {
    MrFile *file;
    char *path;
    dev_t device;
    ino_t inode;
    uint64_t file_position; /* in the file, of what was read */
    uint64_t position;      /* in the bytes that come out */
    bool is_gzip;
    bool member_open; /* inside a gzip member */
    z_stream stream;
    unsigned char *packed;
};

static MrStatus path_check(const char *path, struct stat *out, MrError *err)
{
    if (stat(path, out) != 0) {
        return mr_error_set(err, errno == ENOENT ? MR_ERR_UNDEFINED_FILE : MR_ERR_IO,
                            "could not open file \"%s\" for reading: %s", path, strerror(errno));
    }
    if (!S_ISREG(out->st_mode)) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", path);
    }
    return MR_OK;
}

static MrStatus input_changed(const MrFileBytes *bytes, const char *how, MrError *err)
{
    mr_error_set(err, MR_ERR_INPUT_CHANGED, "input file \"%s\" has changed: %s", bytes->path, how);
    return mr_error_hint(err,
                         "A file that is read may only grow. Drop and create the stream to read "
                         "the file that is there now.");
}

static MrStatus gzip_start(MrFileBytes *bytes, MrError *err)
{
    memset(&bytes->stream, 0, sizeof bytes->stream);
    bytes->file_position = 0;
    bytes->position = 0;
    bytes->member_open = false;
    if (inflateInit2(&bytes->stream, 15 + 16) != Z_OK) {
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

static MrStatus bytes_open(MrFileBytes *bytes, const char *path, MrError *err)
{
    struct stat before, now;
    /* Looked at first: opening a pipe would wait for its writer. */
    MR_TRY(path_check(path, &before, err));
    MR_TRY(mr_file_open(path, MR_FILE_READ, &bytes->file, err));
    if (fstat(mr_file_descriptor(bytes->file), &now) != 0 || !S_ISREG(now.st_mode)) {
        return mr_error_set(err, MR_ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", path);
    }
    bytes->device = now.st_dev;
    bytes->inode = now.st_ino;
    bytes->path = strdup(path);
    size_t length = strlen(path);
    bytes->is_gzip = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    if (bytes->is_gzip) {
        bytes->packed = malloc(INFLATE_BYTES);
    }
    if (bytes->path == NULL || (bytes->is_gzip && bytes->packed == NULL)) {
        return mr_error_no_memory(err);
    }
    return bytes->is_gzip ? gzip_start(bytes, err) : MR_OK;
}

MrStatus mr_file_bytes_open(const char *path, MrFileBytes **out, MrError *err)
{
    *out = NULL;
    MrFileBytes *bytes = calloc(1, sizeof *bytes);
    if (bytes == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = bytes_open(bytes, path, err);
    if (status != MR_OK) {
        mr_file_bytes_close(bytes);
        return status;
    }
    *out = bytes;
    return MR_OK;
}

void mr_file_bytes_close(MrFileBytes *bytes)
{
    if (bytes == NULL) {
        return;
    }
    if (bytes->is_gzip) {
        inflateEnd(&bytes->stream);
    }
    mr_file_close(bytes->file);
    free(bytes->packed);
    free(bytes->path);
    free(bytes);
}

static MrStatus gzip_read(MrFileBytes *bytes, char *data, size_t room, size_t *got, MrError *err)
{
    z_stream *stream = &bytes->stream;
    stream->next_out = (unsigned char *)data;
    stream->avail_out = (unsigned)room;
    while (stream->avail_out > 0) {
        size_t more = 0;
        if (stream->avail_in == 0) {
            MR_TRY(mr_file_read_some(bytes->file, bytes->file_position, bytes->packed,
                                     INFLATE_BYTES, &more, err));
            bytes->file_position += more;
            stream->next_in = bytes->packed;
            stream->avail_in = (unsigned)more;
        }
        if (stream->avail_in == 0 && !bytes->member_open) {
            break;
        }
        bytes->member_open = true;
        /* Also without input: what it holds back may be more than there was room for. */
        int result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_BUF_ERROR && stream->avail_in == 0) {
            break; /* in the middle of a member: it may be growing */
        }
        if (result == Z_STREAM_END) {
            /* A gzip file may be several, one after the other. */
            bytes->member_open = false;
            result = inflateReset(stream);
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            return mr_error_set(
                err, result == Z_MEM_ERROR ? MR_ERR_OUT_OF_MEMORY : MR_ERR_DATA_EXCEPTION,
                "could not inflate file \"%s\": %s", bytes->path,
                stream->msg != NULL ? stream->msg : "not gzip data");
        }
    }
    *got = room - stream->avail_out;
    return MR_OK;
}

MrStatus mr_file_bytes_read(MrFileBytes *bytes, char *data, size_t room, size_t *got, MrError *err)
{
    *got = 0;
    if (bytes->is_gzip) {
        MR_TRY(gzip_read(bytes, data, room, got, err));
    } else {
        MR_TRY(mr_file_read_some(bytes->file, bytes->file_position, data, room, got, err));
        bytes->file_position += *got;
    }
    bytes->position += *got;
    return MR_OK;
}

static MrStatus gzip_skip(MrFileBytes *bytes, uint64_t position, MrError *err)
{
    char *nothing = malloc(SKIP_BYTES);
    if (nothing == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status = MR_OK;
    while (status == MR_OK && bytes->position < position) {
        uint64_t left = position - bytes->position;
        size_t got = 0;
        status = mr_file_bytes_read(bytes, nothing, left < SKIP_BYTES ? (size_t)left : SKIP_BYTES,
                                    &got, err);
        if (status == MR_OK && got == 0) {
            status = input_changed(bytes, "it ends before the place that was read up to", err);
        }
    }
    free(nothing);
    return status;
}

MrStatus mr_file_bytes_seek(MrFileBytes *bytes, uint64_t position, MrError *err)
{
    if (!bytes->is_gzip) {
        uint64_t size;
        MR_TRY(mr_file_size(bytes->file, &size, err));
        if (size < position) {
            return input_changed(bytes, "it ends before the place that was read up to", err);
        }
        bytes->file_position = position;
        bytes->position = position;
        return MR_OK;
    }
    if (position < bytes->position) {
        inflateEnd(&bytes->stream);
        MR_TRY(gzip_start(bytes, err));
    }
    return gzip_skip(bytes, position, err);
}

MrStatus mr_file_bytes_check(MrFileBytes *bytes, MrError *err)
{
    struct stat now;
    if (fstat(mr_file_descriptor(bytes->file), &now) != 0) {
        return mr_error_set(err, MR_ERR_IO, "could not stat file \"%s\": %s", bytes->path,
                            strerror(errno));
    }
    if ((uint64_t)now.st_size < bytes->file_position) {
        return input_changed(bytes, "it has become shorter", err);
    }
    if (stat(bytes->path, &now) != 0 || now.st_dev != bytes->device || now.st_ino != bytes->inode) {
        return input_changed(bytes, "another file, or none, has its name", err);
    }
    return MR_OK;
}

void mr_file_bytes_identity(const MrFileBytes *bytes, uint64_t *device, uint64_t *inode)
{
    *device = (uint64_t)bytes->device;
    *inode = (uint64_t)bytes->inode;
}

bool mr_file_bytes_is_inflated(const MrFileBytes *bytes)
{
    return bytes->is_gzip;
}

bool mr_file_bytes_is_cut(const MrFileBytes *bytes)
{
    return bytes->member_open;
}
