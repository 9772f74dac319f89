/*
 * storage/table_checkpoint.c - a table's rows written to a file and read again: see
 * table_checkpoint.h.
 */
#include "storage/table_checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crc32c.h"
#include "common/fault.h"
#include "common/file.h"
#include "common/logging.h"
#include "storage/table_internal.h"

enum { TABLE_CHECKPOINT_VERSION = 1, NAME_BYTES = 48 };

typedef struct FileHeader {
    char magic[8]; /* "MRTBLCKP" */
    uint32_t version;
    uint32_t incompatible;
    uint32_t compatible;
    uint32_t stream_id;
    uint64_t sequence;
    int64_t next_number; /* of the number column: rows that went had numbers, too */
    uint64_t unused[2];
    uint32_t unused_word;
    uint32_t crc; /* of what stands before it */
} FileHeader;

/* Before each block (storage/block_form.c); the end is one without bytes. */
typedef struct BlockHead {
    uint64_t bytes;
    uint32_t row_count; /* of the end: how many blocks there were */
    uint32_t crc; /* goes on from the one before, over `bytes`, `row_count` and the block itself */
} BlockHead;

_Static_assert(sizeof(FileHeader) == 64 && sizeof(BlockHead) == 16, "no holes on disk");

static const char header_magic[8] = { 'M', 'R', 'T', 'B', 'L', 'C', 'K', 'P' };

struct MrTableCheckpoint {
    FileHeader header;
    MrTableScan *scan;
};

/* ---- names ----------------------------------------------------------------------------------- */

static void name_format(uint32_t stream_id, uint64_t sequence, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "table-%010" PRIu32 "-%020" PRIu64 ".ckpt", stream_id, sequence);
}

static MrStatus path_format(const char *directory, uint32_t stream_id, uint64_t sequence,
                            const char *suffix, char out[4096], MrError *err)
{
    char name[NAME_BYTES];
    name_format(stream_id, sequence, name);
    int length = snprintf(out, 4096, "%s/%s%s", directory, name, suffix);
    return length < 4096 ? MR_OK
                         : mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                        "the name of directory \"%.100s…\" is too long", directory);
}

typedef struct Walk {
    void (*each)(void *context, uint32_t stream_id, uint64_t sequence);
    void *context;
} Walk;

static void name_take(void *context, const char *name)
{
    const Walk *walk = context;
    char again[NAME_BYTES];
    if (strncmp(name, "table-", 6) != 0 || strlen(name) != 6 + 10 + 1 + 20 + 5) {
        return;
    }
    uint32_t stream_id = (uint32_t)strtoull(name + 6, NULL, 10);
    uint64_t sequence = strtoull(name + 17, NULL, 10);
    name_format(stream_id, sequence, again);
    if (strcmp(name, again) == 0) {
        walk->each(walk->context, stream_id, sequence);
    }
}

MrStatus mr_table_checkpoint_each(const char *directory,
                                  void (*each)(void *context, uint32_t stream_id,
                                               uint64_t sequence),
                                  void *context, MrError *err)
{
    Walk walk = { each, context };
    return mr_file_exists(directory) ? mr_file_list_directory(directory, name_take, &walk, err)
                                     : MR_OK;
}

MrStatus mr_table_checkpoint_remove(const char *directory, uint32_t stream_id, uint64_t sequence,
                                    MrError *err)
{
    char path[4096];
    MR_TRY(path_format(directory, stream_id, sequence, "", path, err));
    return mr_file_remove(path, err);
}

/* ---- writing --------------------------------------------------------------------------------- */

MrStatus mr_table_checkpoint_open(MrTable *table, uint32_t stream_id, uint64_t sequence,
                                  MrTableCheckpoint **out, MrError *err)
{
    MrTableCheckpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (checkpoint == NULL) {
        return mr_error_no_memory(err);
    }
    checkpoint->header = (FileHeader){ .version = TABLE_CHECKPOINT_VERSION,
                                       .stream_id = stream_id,
                                       .sequence = sequence,
                                       .next_number = table->next_number };
    memcpy(checkpoint->header.magic, header_magic, sizeof header_magic);
    checkpoint->header.crc = mr_crc32c(0, &checkpoint->header, offsetof(FileHeader, crc));
    MrStatus status = mr_table_scan_open(table, sequence, &checkpoint->scan, err);
    if (status != MR_OK) {
        free(checkpoint);
        return status;
    }
    *out = checkpoint;
    return MR_OK;
}

void mr_table_checkpoint_close(MrTableCheckpoint *checkpoint)
{
    if (checkpoint != NULL) {
        mr_table_scan_close(checkpoint->scan);
        free(checkpoint);
    }
}

static uint32_t block_crc(uint32_t before, const BlockHead *head, const void *data)
{
    return mr_crc32c(mr_crc32c(before, head, offsetof(BlockHead, crc)), data, head->bytes);
}

static MrStatus write_block(MrFile *file, const MrBlock *scanned, MrArena *arena, uint64_t *at,
                            uint32_t *crc, MrError *err)
{
    MrBlock block = *scanned;
    block.column_count--; /* places mean nothing in a file */
    BlockHead head = { .bytes = mr_block_encoded_bytes(&block), .row_count = block.row_count };
    char *data = mr_arena_alloc_aligned(arena, head.bytes);
    if (data == NULL) {
        return mr_error_no_memory(err);
    }
    mr_block_encode(&block, data);
    *crc = head.crc = block_crc(*crc, &head, data);
    MR_TRY(mr_file_write(file, *at, &head, sizeof head, err));
    MR_TRY(mr_file_write(file, *at + sizeof head, data, head.bytes, err));
    *at += sizeof head + head.bytes;
    return MR_OK;
}

static MrStatus write_blocks(MrTableCheckpoint *checkpoint, MrFile *file, MrArena *arena,
                             const atomic_bool *is_cancelled, MrError *err)
{
    uint64_t at = sizeof checkpoint->header;
    uint32_t crc = checkpoint->header.crc;
    BlockHead end = { 0 };
    const MrBlock *block;
    MR_TRY(mr_file_write(file, 0, &checkpoint->header, sizeof checkpoint->header, err));
    for (;; end.row_count++) {
        if (atomic_load_explicit(is_cancelled, memory_order_relaxed)) {
            return mr_error_set(err, MR_ERR_CANCELED, "the server ends");
        }
        mr_arena_reset(arena);
        MR_TRY(mr_table_scan_next(checkpoint->scan, arena, &block, err));
        if (block == NULL) {
            break;
        }
        MR_TRY(write_block(file, block, arena, &at, &crc, err));
    }
    end.crc = block_crc(crc, &end, NULL);
    return mr_file_write(file, at, &end, sizeof end, err);
}

static MrStatus write_file(MrTableCheckpoint *checkpoint, const char *path,
                           const atomic_bool *is_cancelled, MrError *err)
{
    MrFile *file;
    MrArena arena;
    if (mr_file_exists(path)) { /* one that a crash left is in the way of O_EXCL */
        MR_TRY(mr_file_remove(path, err));
    }
    MR_TRY(mr_file_open(path, MR_FILE_CREATE, &file, err));
    mr_arena_init(&arena, 0);
    MrStatus status = write_blocks(checkpoint, file, &arena, is_cancelled, err);
    mr_fault_point("table.checkpoint_written");
    if (status == MR_OK) {
        status = mr_file_sync(file, err);
    }
    mr_arena_fini(&arena);
    mr_file_close(file);
    return status;
}

MrStatus mr_table_checkpoint_write(MrTableCheckpoint *checkpoint, const char *directory,
                                   const atomic_bool *is_cancelled, MrError *err)
{
    const FileHeader *header = &checkpoint->header;
    char path[4096], temporary[4096];
    MR_TRY(path_format(directory, header->stream_id, header->sequence, "", path, err));
    MR_TRY(path_format(directory, header->stream_id, header->sequence, ".tmp", temporary, err));
    MR_TRY(mr_file_make_directory(directory, err));
    MrStatus status = write_file(checkpoint, temporary, is_cancelled, err);
    if (status == MR_OK) {
        status = mr_file_rename(temporary, path, err);
    }
    if (status != MR_OK) {
        (void)mr_file_remove(temporary, NULL); /* the first cause is told */
        return status;
    }
    mr_fault_point("table.checkpoint_renamed");
    return mr_file_sync_directory(directory, err);
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct Reader {
    const char *path;
    const MrSchema *schema;
    MrFile *file;
    uint64_t at, size;
    uint32_t crc;
    MrArena arena;
} Reader;

static MrStatus damaged(const Reader *reader, const char *what, MrError *err)
{
    return mr_error_set(err, MR_ERR_CORRUPT, "checkpoint \"%s\" is damaged at byte %llu: %s",
                        reader->path, (unsigned long long)reader->at, what);
}

static MrStatus read_header(Reader *reader, uint32_t stream_id, uint64_t sequence, FileHeader *out,
                            MrError *err)
{
    if (reader->size < sizeof *out) {
        return damaged(reader, "it is cut off", err);
    }
    MR_TRY(mr_file_read(reader->file, 0, out, sizeof *out, err));
    if (memcmp(out->magic, header_magic, sizeof header_magic) != 0) {
        return damaged(reader, "it does not start as one of a table", err);
    }
    if (mr_crc32c(0, out, offsetof(FileHeader, crc)) != out->crc) {
        return damaged(reader, "the checksum of its header is wrong", err);
    }
    if (out->version > TABLE_CHECKPOINT_VERSION || out->incompatible != 0) {
        mr_error_set(err, MR_ERR_UNSUPPORTED,
                     "checkpoint \"%s\" has format version %u with feature bits %#x; "
                     "this server reads version %d",
                     reader->path, out->version, out->incompatible, TABLE_CHECKPOINT_VERSION);
        return mr_error_hint(err, "Start the server version that wrote it.");
    }
    if (out->stream_id != stream_id || out->sequence != sequence) {
        return damaged(reader, "it has another's name", err);
    }
    reader->at = sizeof *out;
    reader->crc = out->crc;
    return MR_OK;
}

/* The next block's bytes, in the arena; NULL: the end, and all blocks were there. */
static MrStatus read_block(Reader *reader, uint32_t block_count, char **data, size_t *bytes,
                           MrError *err)
{
    BlockHead head;
    *data = NULL;
    if (reader->size - reader->at < sizeof head) {
        return damaged(reader, "it is cut off", err);
    }
    MR_TRY(mr_file_read(reader->file, reader->at, &head, sizeof head, err));
    if (head.bytes > reader->size - reader->at - sizeof head) {
        return damaged(reader, "a block is cut off", err);
    }
    mr_arena_reset(&reader->arena);
    char *room = mr_arena_alloc_aligned(&reader->arena, head.bytes + 1);
    if (room == NULL) {
        return mr_error_no_memory(err);
    }
    MR_TRY(mr_file_read(reader->file, reader->at + sizeof head, room, head.bytes, err));
    if (block_crc(reader->crc, &head, room) != head.crc && !mr_fault_planted("ignore_crc")) {
        return damaged(reader, "a checksum is wrong", err);
    }
    if (head.bytes == 0 && head.row_count != block_count) {
        return damaged(reader, "blocks are missing", err);
    }
    reader->crc = head.crc;
    reader->at += sizeof head + head.bytes;
    *data = head.bytes == 0 ? NULL : room;
    *bytes = head.bytes;
    return MR_OK;
}

static MrStatus load_rows(Reader *reader, MrTable *table, MrError *err)
{
    for (uint32_t blocks = 0;; blocks++) {
        char *data;
        size_t bytes = 0;
        MrBlock *block;
        MR_TRY(read_block(reader, blocks, &data, &bytes, err));
        if (data == NULL) {
            return MR_OK;
        }
        MR_TRY(mr_block_decode(&reader->arena, reader->schema, data, bytes, &block, err));
        for (uint32_t row = 0; row < block->row_count; row++) {
            MR_TRY(table_load_row(table, block, row, err));
        }
    }
}

static MrStatus load_file(Reader *reader, uint32_t stream_id, uint64_t sequence, MrTable *table,
                          MrError *err)
{
    FileHeader header;
    MR_TRY(mr_file_size(reader->file, &reader->size, err));
    MR_TRY(read_header(reader, stream_id, sequence, &header, err));
    MrStatus status = load_rows(reader, table, err);
    if (status != MR_OK) {
        mr_table_rollback(table, 0);
        return status;
    }
    mr_table_commit(table, sequence);
    table->next_number = header.next_number;
    return MR_OK;
}

MrStatus mr_table_checkpoint_load(const char *directory, uint32_t stream_id, uint64_t sequence,
                                  const MrSchema *schema, MrTable *table, bool *found, MrError *err)
{
    char path[4096];
    MrError cause = MR_ERROR_INIT;
    Reader reader = { .path = path, .schema = schema };
    *found = false;
    MR_TRY(path_format(directory, stream_id, sequence, "", path, err));
    mr_arena_init(&reader.arena, 0);
    MrStatus status = mr_file_open(path, MR_FILE_READ, &reader.file, &cause);
    const bool is_open = status == MR_OK;
    if (is_open) {
        status = load_file(&reader, stream_id, sequence, table, &cause);
        mr_file_close(reader.file);
    }
    mr_arena_fini(&reader.arena);
    if (!is_open || status == MR_ERR_CORRUPT || status == MR_ERR_IO) {
        mr_log_error(MR_LOG_WARNING, "checkpoint.skipped", &cause); /* the log has it all */
        return MR_OK;
    }
    if (status != MR_OK && err != NULL) {
        *err = cause;
    }
    *found = status == MR_OK;
    return status;
}
