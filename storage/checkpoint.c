/*
 * storage/checkpoint.c - checkpoint files: written under another name, synced, renamed, and found
 * again by their names.
 */
#include "storage/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crc32c.h"
#include "common/fault.h"
#include "common/file.h"
#include "common/grow.h"
#include "common/logging.h"

enum { CHECKPOINT_VERSION = 1, NAME_BYTES = 80 };

/* In front of the content; a CRC of header and content follows it. */
typedef struct CheckpointHeader {
    char magic[8]; /* "MRCHKPNT" */
    uint32_t version;
    uint32_t incompatible;
    uint32_t compatible;
    uint32_t unused;
    uint8_t query[16];
    uint64_t sequence;
    uint64_t plan_hash;
    uint64_t content_bytes;
} CheckpointHeader;

_Static_assert(sizeof(CheckpointHeader) == 64, "no holes on disk");

static const char header_magic[8] = { 'M', 'R', 'C', 'H', 'K', 'P', 'N', 'T' };

/* ---- names ------------------------------------------------------------------------------- */

static void name_format(const uint8_t query[16], uint64_t sequence, char out[NAME_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *to = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *to++ = '-';
        }
        *to++ = digits[query[i] >> 4];
        *to++ = digits[query[i] & 15];
    }
    snprintf(to, NAME_BYTES - 36, "-%020" PRIu64 ".ckpt", sequence);
}

/* True when the name is a checkpoint of the query. */
static bool name_parse(const char *name, const uint8_t query[16], uint64_t *sequence)
{
    char again[NAME_BYTES];
    if (strlen(name) != 36 + 1 + 20 + 5) {
        return false;
    }
    *sequence = strtoull(name + 37, NULL, 10);
    name_format(query, *sequence, again);
    return strcmp(name, again) == 0;
}

static bool path_format(const char *directory, const char *name, const char *suffix, char out[4096])
{
    int length = snprintf(out, 4096, "%s/%s%s", directory, name, suffix);
    return length > 0 && length < 4096;
}

static MrStatus path_too_long(const char *directory, MrError *err)
{
    return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                        "the name of directory \"%.100s…\" is too long", directory);
}

static MrStatus path_of(const char *directory, const uint8_t query[16], uint64_t sequence,
                        char out[4096], MrError *err)
{
    char name[NAME_BYTES];
    name_format(query, sequence, name);
    return path_format(directory, name, "", out) ? MR_OK : path_too_long(directory, err);
}

/* ---- the list ---------------------------------------------------------------------------- */

/* A walk over the directory. */
typedef struct Collect {
    const uint8_t *query;
    MrCheckpointList *list;
    MrError *err;
    MrStatus status;
} Collect;

static MrStatus list_append(MrCheckpointList *list, uint64_t sequence, MrError *err)
{
    MR_GROW(list->points, list->count, list->capacity, err);
    list->points[list->count++] =
        (MrCheckpointPoint){ .sequence = sequence, .reached_us = INT64_MAX };
    return MR_OK;
}

/* Names come sorted, and sort as their sequences do. */
static void sequence_collect(void *context, const char *name)
{
    Collect *collect = context;
    uint64_t sequence;
    if (collect->status == MR_OK && name_parse(name, collect->query, &sequence)) {
        collect->status = list_append(collect->list, sequence, collect->err);
    }
}

MrStatus mr_checkpoint_list_read(const char *directory, const uint8_t query[16], uint64_t covered,
                                 MrCheckpointList *list, MrError *err)
{
    Collect collect = { .query = query, .list = list, .err = err };
    char path[4096];
    list->count = 0;
    MR_TRY(mr_file_list_directory(directory, sequence_collect, &collect, err));
    MR_TRY(collect.status);
    for (size_t i = 0; i < list->count && list->points[i].sequence <= covered; i++) {
        MR_TRY(path_of(directory, query, list->points[i].sequence, path, err));
        (void)mr_file_time(path, &list->points[i].reached_us);
    }
    list->is_read = true;
    return MR_OK;
}

MrStatus mr_checkpoint_list_add(MrCheckpointList *list, uint64_t sequence, MrError *err)
{
    if (list->count > 0 && sequence <= list->points[list->count - 1].sequence) {
        mr_checkpoint_list_fini(list);
        return MR_OK;
    }
    return list_append(list, sequence, err);
}

void mr_checkpoint_list_fini(MrCheckpointList *list)
{
    free(list->points);
    *list = (MrCheckpointList){ 0 };
}

/* ---- writing ----------------------------------------------------------------------------- */

static MrStatus file_fill(MrFile *file, const MrCheckpointName *name, uint64_t plan_hash,
                          const void *data, size_t length, MrError *err)
{
    CheckpointHeader header = { .version = CHECKPOINT_VERSION,
                                .sequence = name->sequence,
                                .plan_hash = plan_hash,
                                .content_bytes = length };
    memcpy(header.magic, header_magic, sizeof header.magic);
    memcpy(header.query, name->query, sizeof header.query);
    uint32_t crc = mr_crc32c(mr_crc32c(0, &header, sizeof header), data, length);
    MR_TRY(mr_file_write(file, 0, &header, sizeof header, err));
    if (length > 0) {
        MR_TRY(mr_file_write(file, sizeof header, data, length, err));
    }
    MR_TRY(mr_file_write(file, sizeof header + length, &crc, sizeof crc, err));
    mr_fault_point("checkpoint.after_write");
    return mr_file_sync(file, err);
}

MrStatus mr_checkpoint_write(const char *directory, const MrCheckpointName *name,
                             uint64_t plan_hash, const void *data, size_t length, int64_t now_us,
                             MrError *err)
{
    char file_name[NAME_BYTES], path[4096], temporary[4096];
    MrFile *file;
    name_format(name->query, name->sequence, file_name);
    if (!path_format(directory, file_name, "", path) ||
        !path_format(directory, file_name, ".tmp", temporary)) {
        return path_too_long(directory, err);
    }
    /* One that was left by a crash is in the way of O_EXCL. */
    if (mr_file_exists(temporary)) {
        MR_TRY(mr_file_remove(temporary, err));
    }
    MR_TRY(mr_file_open(temporary, MR_FILE_CREATE, &file, err));
    MrStatus status = file_fill(file, name, plan_hash, data, length, err);
    mr_file_close(file);
    if (status == MR_OK) {
        status = mr_file_set_time(temporary, now_us, err);
    }
    if (status == MR_OK) {
        status = mr_file_rename(temporary, path, err);
    }
    if (status != MR_OK) {
        (void)mr_file_remove(temporary,
                             NULL); /* the first cause is told; the old checkpoint stays */
        return status;
    }
    mr_fault_point("checkpoint.after_rename");
    /* The log below is given back only after this: until then the name may vanish. */
    return mr_fault_planted("skip_directory_fsync") ? MR_OK
                                                    : mr_file_sync_directory(directory, err);
}

/* ---- reading ----------------------------------------------------------------------------- */

static MrStatus content_check(const char *path, const MrBuilder *bytes, const uint8_t query[16],
                              uint64_t sequence, CheckpointHeader *header, MrError *err)
{
    uint32_t expected, actual;
    if (bytes->length < sizeof *header + sizeof expected) {
        return mr_error_set(err, MR_ERR_CORRUPT, "checkpoint \"%s\" is cut off: it has %zu bytes",
                            path, bytes->length);
    }
    memcpy(header, bytes->data, sizeof *header);
    memcpy(&expected, bytes->data + bytes->length - sizeof expected, sizeof expected);
    if (memcmp(header->magic, header_magic, sizeof header_magic) != 0) {
        return mr_error_set(err, MR_ERR_CORRUPT, "checkpoint \"%s\" does not start as one", path);
    }
    if (header->version > CHECKPOINT_VERSION || header->incompatible != 0) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "checkpoint \"%s\" has format version %u with feature bits %#x; "
                     "this server reads version %d",
                     path, header->version, header->incompatible, CHECKPOINT_VERSION);
        return mr_error_hint(err, "Start the server version that wrote it.");
    }
    actual = mr_crc32c(0, bytes->data, bytes->length - sizeof expected);
    if ((actual != expected && !mr_fault_planted("ignore_crc")) ||
        header->content_bytes != bytes->length - sizeof *header - sizeof expected ||
        memcmp(header->query, query, 16) != 0 || header->sequence != sequence) {
        return mr_error_set(err, MR_ERR_CORRUPT,
                            "checkpoint \"%s\" is damaged: checksum %08x expected, %08x found",
                            path, expected, actual);
    }
    return MR_OK;
}

static MrStatus file_load(const char *path, MrBuilder *bytes, MrError *err)
{
    MrFile *file;
    uint64_t length;
    MR_TRY(mr_file_open(path, MR_FILE_READ, &file, err));
    MrStatus status = mr_file_size(file, &length, err);
    mr_builder_clear(bytes);
    if (status == MR_OK && length > 0) {
        char *room = mr_builder_reserve(bytes, length);
        status = room == NULL ? mr_error_no_memory(err) : mr_file_read(file, 0, room, length, err);
    }
    mr_file_close(file);
    return status;
}

/* Fills `data` with the content when the file is good and of this plan. */
static MrStatus checkpoint_try(const char *path, const uint8_t query[16], uint64_t sequence,
                               uint64_t plan_hash, MrBuilder *data, bool *is_good, MrError *err)
{
    MrError cause = MR_ERROR_INIT;
    CheckpointHeader header;
    *is_good = false;
    MrStatus status = file_load(path, data, &cause);
    if (status == MR_OK) {
        status = content_check(path, data, query, sequence, &header, &cause);
    }
    if (status == MR_ERR_CORRUPT || status == MR_ERR_IO) {
        /* An older one and a longer replay give the same answer. */
        mr_log_error(MR_LOG_WARNING, "checkpoint.skipped", &cause);
        return MR_OK;
    }
    if (status != MR_OK) {
        if (err != NULL) {
            *err = cause;
        }
        return status;
    }
    if (header.plan_hash == plan_hash) {
        memmove(data->data, data->data + sizeof header, header.content_bytes);
        data->length = header.content_bytes;
        *is_good = true;
    }
    return MR_OK;
}

MrStatus mr_checkpoint_read(const char *directory, const uint8_t query[16],
                            const MrCheckpointList *list, uint64_t at_most, uint64_t plan_hash,
                            MrBuilder *data, uint64_t *sequence, bool *found, MrError *err)
{
    char path[4096];
    MrStatus status = MR_OK;
    *found = false;
    *sequence = 0;
    for (size_t i = list->count; status == MR_OK && i-- > 0 && !*found;) {
        if (list->points[i].sequence > at_most) {
            continue;
        }
        status = path_of(directory, query, list->points[i].sequence, path, err);
        if (status == MR_OK) {
            status =
                checkpoint_try(path, query, list->points[i].sequence, plan_hash, data, found, err);
        }
        *sequence = *found ? list->points[i].sequence : 0;
    }
    if (!*found) {
        mr_builder_clear(data);
    }
    return status;
}

/* ---- removing ---------------------------------------------------------------------------- */

static MrStatus checkpoint_remove(const char *directory, const uint8_t query[16], uint64_t sequence,
                                  MrError *err)
{
    char path[4096];
    MR_TRY(path_of(directory, query, sequence, path, err));
    return mr_file_remove(path, err);
}

bool mr_checkpoint_is_passed(const MrCheckpointPoint *point, const MrRewindMargin *margin)
{
    return point->reached_us < INT64_MAX &&
           (point->reached_us <= margin->reached_us || point->sequence <= margin->sequence);
}

/* What is_kept asks of a list: counts up to the newest that the margin has passed over, and up to
 * the newest that the target has reached; 0: there is none. */
typedef struct KeptBy {
    size_t count, passed, reached;
} KeptBy;

static KeptBy kept_by(const MrCheckpointList *list, uint64_t covered, const MrRewindMargin *margin)
{
    KeptBy by = { list->count, list->count, list->count };
    while (by.passed > 0 && !mr_checkpoint_is_passed(&list->points[by.passed - 1], margin)) {
        by.passed--;
    }
    while (by.reached > 0 && list->points[by.reached - 1].sequence > covered) {
        by.reached--;
    }
    return by;
}

static bool is_kept(const KeptBy *by, size_t index)
{
    return index + 2 >= by->count || index + 1 == by->reached || index + 1 == by->passed ||
           index == by->passed;
}

bool mr_checkpoint_is_kept(const MrCheckpointList *list, size_t index, uint64_t covered,
                           const MrRewindMargin *margin)
{
    const KeptBy by = kept_by(list, covered, margin);
    return is_kept(&by, index);
}

MrStatus mr_checkpoint_prune(const char *directory, const uint8_t query[16], MrCheckpointList *list,
                             uint64_t covered, const MrRewindMargin *margin, MrError *err)
{
    const KeptBy by = kept_by(list, covered, margin);
    size_t kept = 0;
    MrStatus status = MR_OK;
    for (size_t i = 0; i < by.count; i++) {
        bool stays = is_kept(&by, i) || status != MR_OK;
        if (!stays) {
            status = checkpoint_remove(directory, query, list->points[i].sequence, err);
            stays = status != MR_OK;
        }
        if (stays) {
            list->points[kept++] = list->points[i];
        }
    }
    list->count = kept;
    return status;
}

MrStatus mr_checkpoint_remove_above(const char *directory, const uint8_t query[16],
                                    MrCheckpointList *list, uint64_t sequence, MrError *err)
{
    while (list->count > 0 && list->points[list->count - 1].sequence > sequence) {
        MR_TRY(checkpoint_remove(directory, query, list->points[list->count - 1].sequence, err));
        list->count--;
    }
    return MR_OK;
}

MrStatus mr_checkpoint_remove_oldest(const char *directory, const uint8_t query[16],
                                     MrCheckpointList *list, size_t count, MrError *err)
{
    for (; count > 0; count--) {
        MR_TRY(checkpoint_remove(directory, query, list->points[0].sequence, err));
        memmove(list->points, list->points + 1, --list->count * sizeof *list->points);
    }
    return MR_OK;
}

MrStatus mr_checkpoint_reach(const char *directory, const uint8_t query[16], MrCheckpointList *list,
                             uint64_t covered, int64_t now_us, MrError *err)
{
    char path[4096];
    MrStatus status = MR_OK;
    for (size_t i = list->count; i-- > 0 && list->points[i].reached_us == INT64_MAX;) {
        MrCheckpointPoint *point = &list->points[i];
        if (point->sequence > covered) {
            continue;
        }
        point->reached_us = now_us;
        status = status == MR_OK ? path_of(directory, query, point->sequence, path, err) : status;
        status = status == MR_OK ? mr_file_set_time(path, now_us, err) : status;
    }
    return status;
}

typedef struct CleanWalk {
    const char *directory;
    MrError *err;
    MrStatus status; /* of the first removal that failed */
} CleanWalk;

static void temporary_remove(void *context, const char *name)
{
    static const char suffix[] = ".ckpt.tmp";
    CleanWalk *walk = context;
    size_t length = strlen(name);
    char path[4096];
    if (walk->status != MR_OK || length < sizeof suffix ||
        strcmp(name + length - (sizeof suffix - 1), suffix) != 0) {
        return;
    }
    walk->status = path_format(walk->directory, name, "", path)
                       ? mr_file_remove(path, walk->err)
                       : path_too_long(walk->directory, walk->err);
}

MrStatus mr_checkpoint_clean(const char *directory, MrError *err)
{
    CleanWalk walk = { .directory = directory, .err = err, .status = MR_OK };
    if (!mr_file_exists(directory)) {
        return MR_OK;
    }
    MR_TRY(mr_file_list_directory(directory, temporary_remove, &walk, err));
    return walk.status;
}

MrStatus mr_checkpoint_remove_all(const char *directory, const uint8_t query[16], MrError *err)
{
    MrCheckpointList list = { 0 };
    MrStatus status = mr_checkpoint_list_read(directory, query, 0, &list, err);
    for (size_t i = 0; status == MR_OK && i < list.count; i++) {
        status = checkpoint_remove(directory, query, list.points[i].sequence, err);
    }
    mr_checkpoint_list_fini(&list);
    return status;
}
