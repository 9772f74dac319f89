/*
 * storage/sinks/file_progress.c - see file_progress.h.
 */
#include "storage/sinks/file_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/crc32c.h"

enum { SLOT_BYTES = 512, CRC_DIGITS = 8 };

static const char head_text[] = "millrace file sink, format 1";

MrStatus mr_file_progress_path(const char *output, char **out, MrError *err)
{
    const char *slash = strrchr(output, '/');
    const char *name = slash == NULL ? output : slash + 1;
    size_t bytes = strlen(output) + sizeof "..millrace";
    *out = malloc(bytes);
    if (*out == NULL) {
        return mr_error_no_memory(err);
    }
    snprintf(*out, bytes, "%.*s.%s.millrace", (int)(name - output), output, name);
    return MR_OK;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static void slot_pad(char slot[SLOT_BYTES])
{
    size_t length = strlen(slot);
    memset(slot + length, ' ', SLOT_BYTES - length - 1);
    slot[SLOT_BYTES - 1] = '\n';
}

/* "checksum serial query generation owner epoch sequence length tail clean": the sum is of all that
 * follows it. */
static void slot_write(const MrFileProgress *progress, char slot[SLOT_BYTES])
{
    char sum[CRC_DIGITS + 1];
    snprintf(slot, SLOT_BYTES,
             "%0*x %" PRIu64 " %s %" PRId64 " %s %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIx32
             " %d",
             CRC_DIGITS, 0, progress->serial, progress->query, progress->progress.generation,
             progress->owner, progress->progress.epoch, progress->progress.sequence,
             progress->length, progress->tail_crc, progress->is_clean);
    slot_pad(slot);
    uint32_t crc = mr_crc32c(0, slot + CRC_DIGITS, SLOT_BYTES - CRC_DIGITS);
    snprintf(sum, sizeof sum, "%08" PRIx32, crc);
    memcpy(slot, sum, CRC_DIGITS);
}

static bool slot_read(const char slot[SLOT_BYTES], MrFileProgress *out)
{
    char text[SLOT_BYTES + 1];
    uint32_t crc;
    int is_clean = 0;
    memcpy(text, slot, SLOT_BYTES);
    text[SLOT_BYTES] = '\0';
    *out = (MrFileProgress){ .serial = 0 };
    int found = sscanf(text,
                       "%8" SCNx32 " %" SCNu64 " %36s %" SCNd64 " %36s %" SCNd64 " %" SCNu64
                       " %" SCNu64 " %" SCNx32 " %d",
                       &crc, &out->serial, out->query, &out->progress.generation, out->owner,
                       &out->progress.epoch, &out->progress.sequence, &out->length, &out->tail_crc,
                       &is_clean);
    out->is_clean = is_clean != 0;
    return found == 10 && crc == mr_crc32c(0, slot + CRC_DIGITS, SLOT_BYTES - CRC_DIGITS);
}

/* ---- The file -------------------------------------------------------------------------------- */

MrStatus mr_file_progress_create(const char *output, const MrFileProgress *first, MrError *err)
{
    char bytes[3][SLOT_BYTES];
    MrFileProgress second = *first;
    char *path;
    MR_TRY(mr_file_progress_path(output, &path, err));
    snprintf(bytes[0], SLOT_BYTES, "%s", head_text);
    slot_pad(bytes[0]);
    second.serial++;
    slot_write(first, bytes[1]);
    slot_write(&second, bytes[2]);
    char *slash = strrchr(path, '/');
    *slash = '\0'; /* outputs are named by absolute paths */
    MrStatus status =
        mr_file_replace(slash == path ? "/" : path, slash + 1, bytes, sizeof bytes, err);
    free(path);
    return status;
}

static MrStatus progress_lock(const MrFile *file, const char *path, MrError *err)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(mr_file_descriptor(file), F_OFD_SETLK, &whole) == 0) {
        return MR_OK;
    }
    if (errno != EAGAIN && errno != EACCES) {
        return mr_error_set(err, MR_ERR_IO, "could not lock \"%s\": %m", path);
    }
    return mr_error_set(err, MR_ERR_LOCK_NOT_AVAILABLE, "another server has \"%s\" open", path);
}

static MrStatus progress_read(MrFile *file, const char *path, MrFileProgress *out, MrError *err)
{
    char bytes[3][SLOT_BYTES];
    MrFileProgress slots[2];
    MR_TRY(mr_file_read(file, 0, bytes, sizeof bytes, err));
    if (strncmp(bytes[0], head_text, sizeof head_text - 1) != 0) {
        mr_error_set(err, MR_ERR_CORRUPT, "\"%s\" is not of this version's form", path);
        return mr_error_hint(err, "Its output is written by another version of the server, or the "
                                  "file is damaged.");
    }
    bool first = slot_read(bytes[1], &slots[0]), second = slot_read(bytes[2], &slots[1]);
    if (!first && !second) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "both copies of the progress in \"%s\" are damaged", path);
    }
    *out = slots[second && (!first || slots[1].serial > slots[0].serial)];
    return MR_OK;
}

MrStatus mr_file_progress_open(const char *output, MrFile **file, MrFileProgress *out, MrError *err)
{
    char *path;
    *file = NULL;
    MR_TRY(mr_file_progress_path(output, &path, err));
    MrStatus status = mr_file_open(path, MR_FILE_WRITE, file, err);
    if (status == MR_OK) {
        status = progress_lock(*file, path, err);
    }
    if (status == MR_OK) {
        status = progress_read(*file, path, out, err);
    }
    if (status != MR_OK) {
        mr_file_close(*file);
        *file = NULL;
    }
    free(path);
    return status;
}

MrStatus mr_file_progress_write(MrFile *file, MrFileProgress *progress, MrError *err)
{
    char slot[SLOT_BYTES];
    progress->serial++;
    slot_write(progress, slot);
    return mr_file_write(file, SLOT_BYTES * (1 + (progress->serial & 1)), slot, sizeof slot, err);
}

MrStatus mr_file_progress_check(const char *path, const MrFile *file, MrError *err)
{
    struct stat named, open_file;
    if (lstat(path, &named) == 0 && fstat(mr_file_descriptor(file), &open_file) == 0 &&
        named.st_dev == open_file.st_dev && named.st_ino == open_file.st_ino) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNDEFINED_FILE, "\"%s\" was moved, replaced or deleted", path);
    return mr_error_hint(err, "Put the file back where it was, or drop the sink.");
}
