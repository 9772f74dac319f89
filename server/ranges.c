/*
 * server/ranges.c - see ranges.h.  A range must give the same rows whenever it is read, so that it
 * holds the stream's options as they were (ALTER STREAM may change them), and only streams have
 * ranges whose columns depend on nothing but the input.
 */
#include "server/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "planner/logical.h"
#include "server/feed.h"

enum { RANGE_OPTIONS_MAX = 1 << 16 };

/* A stream of which ranges may be read. */
typedef struct RangeStream {
    uint32_t stream_id;
    MrCatalog *catalog; /* a reference: it has the relation */
    const MrRelation *relation;
} RangeStream;

struct MrRanges {
    pthread_mutex_t mutex;
    RangeStream *streams;
    uint32_t count, capacity;
};

/* ---- the streams ----------------------------------------------------------------------------- */

MrStatus mr_ranges_create(MrServer *server, MrError *err)
{
    MrRanges *ranges = calloc(1, sizeof *ranges);
    if (ranges == NULL) {
        return mr_error_no_memory(err);
    }
    pthread_mutex_init(&ranges->mutex, NULL);
    server->ranges = ranges;
    return MR_OK;
}

void mr_ranges_destroy(MrServer *server)
{
    MrRanges *ranges = server->ranges;
    if (ranges != NULL) {
        for (uint32_t i = 0; i < ranges->count; i++) {
            mr_catalog_unref(ranges->streams[i].catalog);
        }
        free(ranges->streams);
        pthread_mutex_destroy(&ranges->mutex);
        free(ranges);
        server->ranges = NULL;
    }
}

/* The mutex is held. */
static RangeStream *stream_find(MrRanges *ranges, uint32_t stream_id)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        if (ranges->streams[i].stream_id == stream_id) {
            return &ranges->streams[i];
        }
    }
    return NULL;
}

static RangeStream *stream_make(MrRanges *ranges, uint32_t stream_id)
{
    RangeStream *stream = stream_find(ranges, stream_id);
    if (stream != NULL) {
        return stream;
    }
    if (ranges->count == ranges->capacity) {
        void *larger = mr_grow(ranges->streams, sizeof *ranges->streams, &ranges->capacity);
        if (larger == NULL) {
            return NULL;
        }
        ranges->streams = larger;
    }
    stream = &ranges->streams[ranges->count++];
    *stream = (RangeStream){ .stream_id = stream_id };
    return stream;
}

MrStatus mr_ranges_define(MrServer *server, const MrRelation *relation, MrError *err)
{
    MrRanges *ranges = server->ranges;
    pthread_mutex_lock(&ranges->mutex);
    RangeStream *stream = stream_make(ranges, relation->stream->id);
    MrCatalog *old = stream != NULL ? stream->catalog : NULL;
    if (stream != NULL) {
        stream->catalog = mr_catalog_ref(server->catalog);
        stream->relation = relation;
    }
    pthread_mutex_unlock(&ranges->mutex);
    mr_catalog_unref(old);
    return stream == NULL ? mr_error_no_memory(err) : MR_OK;
}

void mr_ranges_forget(MrServer *server, uint32_t stream_id)
{
    MrRanges *ranges = server->ranges;
    MrCatalog *old = NULL;
    pthread_mutex_lock(&ranges->mutex);
    RangeStream *stream = stream_find(ranges, stream_id);
    if (stream != NULL) {
        old = stream->catalog;
        *stream = ranges->streams[--ranges->count];
    }
    pthread_mutex_unlock(&ranges->mutex);
    mr_catalog_unref(old);
}

static MrStatus stream_hold(MrServer *server, uint32_t stream_id, RangeStream *out, MrError *err)
{
    MrRanges *ranges = server->ranges;
    pthread_mutex_lock(&ranges->mutex);
    const RangeStream *stream = stream_find(ranges, stream_id);
    if (stream != NULL) {
        *out = *stream;
        out->catalog = mr_catalog_ref(stream->catalog);
    }
    pthread_mutex_unlock(&ranges->mutex);
    return stream != NULL ? MR_OK
                          : mr_error_set(err, MR_ERR_UNDEFINED_OBJECT, "there is no file stream %u",
                                         stream_id);
}

/* ---- when ------------------------------------------------------------------------------------ */

static const char *stream_option(const MrStream *stream, const char *name, const char *otherwise)
{
    return mr_option_text(stream->options, stream->option_count, name, otherwise);
}

static bool option_is(const MrStream *stream, const char *name, const char *word)
{
    const char *text = stream_option(stream, name, "");
    return mr_string_equal_nocase(mr_string(text), mr_string(word));
}

/* The same value whenever it is computed. */
static bool is_pure(const MrExpr *tree)
{
    return tree == NULL || (!mr_expr_is_volatile(tree) && !mr_expr_has_kind(tree, MR_EXPR_ARRIVAL));
}

static bool is_inflated(const char *path)
{
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

/* Why ranges of the stream could not be read again; NULL: they can. */
static const char *hindrance(const MrStream *stream)
{
    if (strcmp(stream->connector, "file") != 0) {
        return "it does not read a file";
    }
    if (is_inflated(stream_option(stream, "path", ""))) {
        return "its file is compressed";
    }
    if (stream->event_column >= 0 && stream->null_time == MR_NULL_TIME_ARRIVAL) {
        return "null_time = 'arrival' takes times from the clock";
    }
    for (uint32_t i = 0; i < stream->schema.column_count; i++) {
        const MrStreamColumn *column = &stream->columns[i];
        if (!is_pure(column->default_value) || !is_pure(column->generated)) {
            return "a default or generated column depends on more than the input";
        }
    }
    return NULL;
}

MrRangeUse mr_ranges_use(const MrStream *stream)
{
    if (hindrance(stream) != NULL || option_is(stream, "log", "rows")) {
        return MR_RANGES_NEVER;
    }
    if (option_is(stream, "log", "ranges")) {
        return MR_RANGES_ALWAYS;
    }
    /* What still grows may also be rotated away. */
    return option_is(stream, "at_end", "close") || option_is(stream, "at_end", "stop")
               ? MR_RANGES_LARGE
               : MR_RANGES_NEVER;
}

MrStatus mr_ranges_check(const MrStream *stream, MrError *err)
{
    const char *why = hindrance(stream);
    if (why == NULL || !option_is(stream, "log", "ranges")) {
        return MR_OK;
    }
    mr_error_set(err, MR_ERR_UNSUPPORTED, "the log of this stream cannot hold ranges: %s", why);
    return mr_error_hint(err, "Leave the option \"log\" out, or write log = 'rows'.");
}

/* ---- options in a range ---------------------------------------------------------------------- */

/* uint32_t bytes, then name, NUL, value, NUL of each. */
MrStatus mr_ranges_begin(const MrStream *stream, MrBuilder *out, MrError *err)
{
    size_t start = out->length;
    uint32_t bytes = 0;
    mr_builder_append(out, &bytes, sizeof bytes);
    for (uint32_t i = 0; i < stream->option_count; i++) {
        mr_builder_append(out, stream->options[i].name, strlen(stream->options[i].name) + 1);
        mr_builder_append(out, stream->options[i].value, strlen(stream->options[i].value) + 1);
    }
    if (out->failed) {
        return mr_error_no_memory(err);
    }
    bytes = (uint32_t)(out->length - start - sizeof bytes);
    memcpy(out->data + start, &bytes, sizeof bytes);
    return MR_OK;
}

static MrStatus range_corrupt(MrError *err)
{
    return mr_error_set(err, MR_ERR_CORRUPT, "the options of a stored range are damaged");
}

MrStatus mr_ranges_source_part(MrString range, MrString *out, MrError *err)
{
    uint32_t bytes;
    if (range.length < sizeof bytes) {
        return range_corrupt(err);
    }
    memcpy(&bytes, range.data, sizeof bytes);
    if (bytes > RANGE_OPTIONS_MAX || bytes > range.length - sizeof bytes) {
        return range_corrupt(err);
    }
    *out = (MrString){ range.data + sizeof bytes + bytes, range.length - sizeof bytes - bytes };
    return MR_OK;
}

static uint32_t strings_count(const char *data, size_t bytes)
{
    uint32_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        count += data[i] == '\0';
    }
    return count;
}

/* *rest: the source's part. */
static MrStatus options_parse(MrString range, MrArena *arena, const MrOption **options,
                              uint32_t *count, MrString *rest, MrError *err)
{
    MrOption *list;
    MR_TRY(mr_ranges_source_part(range, rest, err));
    size_t bytes = range.length - rest->length - sizeof(uint32_t);
    const char *next = mr_arena_strndup(arena, range.data + sizeof(uint32_t), bytes);
    if (next == NULL) {
        return mr_error_no_memory(err);
    }
    uint32_t strings = strings_count(next, bytes);
    if (strings % 2 != 0 || (bytes > 0 && next[bytes - 1] != '\0')) {
        return range_corrupt(err);
    }
    *count = strings / 2;
    MR_NEW_ARRAY(arena, list, *count + 1, err);
    for (uint32_t i = 0; i < *count; i++) {
        list[i] = (MrOption){ .name = next, .position = -1 };
        list[i].value = next + strlen(next) + 1;
        next = list[i].value + strlen(list[i].value) + 1;
    }
    *options = list;
    return MR_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A block that is not the decoder's: rows were left out of it, or columns computed. */
typedef struct CopiedBlock {
    MrBlockLoan base;
    MrArena arena;
} CopiedBlock;

static void copied_give_back(MrBlockLoan *base)
{
    CopiedBlock *copied = (CopiedBlock *)base;
    mr_arena_fini(&copied->arena);
    free(copied);
}

static MrStatus block_copy(const MrBlock *block, MrBlockLoan **out, MrError *err)
{
    CopiedBlock *copied = calloc(1, sizeof *copied);
    if (copied == NULL) {
        return mr_error_no_memory(err);
    }
    copied->base.give_back = copied_give_back;
    mr_arena_init(&copied->arena, 0);
    MrStatus status = mr_block_copy(&copied->arena, block, &copied->base.block, err);
    if (status != MR_OK) {
        copied_give_back(&copied->base);
        return status;
    }
    copied->base.bytes = copied->arena.used_bytes;
    *out = &copied->base;
    return MR_OK;
}

/* Rows as the source gives them to rows as they were logged. */
static MrStatus rows_complete(MrIngest *ingest, MrBlockLoan *given, MrBlockLoan **out, MrError *err)
{
    const MrBlock *block;
    bool is_given;
    *out = NULL;
    MrStatus status = mr_ingest_make(ingest, given->block, &block, &is_given, err);
    if (status == MR_OK && is_given) {
        *out = given;
        return MR_OK;
    }
    if (status == MR_OK && block != NULL) {
        status = block_copy(block, out, err);
    }
    mr_block_give_back(given);
    return status;
}

static MrStatus range_read(MrServer *server, const RangeStream *held, MrString range,
                           MrArena *arena, MrBlockLoan **out, MrError *err)
{
    MrRelation relation = *held->relation;
    MrStream stream = *relation.stream;
    MrString of_source;
    MrIngest *ingest = NULL;
    MrBlockLoan *given = NULL;
    MR_TRY(options_parse(range, arena, &stream.options, &stream.option_count, &of_source, err));
    /* What was bad then is left out now, whatever it led to. */
    stream.reject_bad_rows = true;
    stream.null_time = MR_NULL_TIME_REJECT;
    relation.stream = &stream;
    MrFeedInput input = { .server = server,
                          .catalog = held->catalog,
                          .relation = &relation,
                          .arena = arena,
                          .is_replay = true };
    MrSourceOptions options;
    const MrSourceClass *source;
    MrStatus status = mr_feed_input_open(&input, &ingest, &source, &options, err);
    if (status == MR_OK && source->range_read == NULL) {
        status = range_corrupt(err);
    }
    if (status == MR_OK) {
        status = source->range_read(&options, of_source, &given, err);
    }
    if (status == MR_OK && given != NULL) {
        status = rows_complete(ingest, given, out, err);
    }
    mr_ingest_destroy(ingest);
    return status;
}

static MrStatus ranges_read(void *context, uint32_t stream_id, MrString range, MrBlockLoan **out,
                            MrError *err)
{
    MrServer *server = context;
    RangeStream held = { 0 };
    MrArena arena;
    *out = NULL;
    MR_TRY(stream_hold(server, stream_id, &held, err));
    mr_arena_init(&arena, 0);
    MrStatus status = range_read(server, &held, range, &arena, out, err);
    mr_arena_fini(&arena);
    mr_catalog_unref(held.catalog);
    return status;
}

MrRangeReader mr_ranges_reader(MrServer *server)
{
    return (MrRangeReader){ ranges_read, server };
}
